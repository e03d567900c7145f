import type { ServiceSpec } from '../../../src/kube/types/service.ts';
import type { CaseService, ServiceCase } from './case.ts';

const elsewhere = { node: 'node-2' } as const;
const terminating = { ready: false, serving: true, terminating: true } as const;
const sticky = {
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
} as const;

const balanced = (slices: CaseService['slices'], spec: Partial<ServiceSpec> = {}): CaseService => ({
  ingress: 'VIP',
  spec: { type: 'LoadBalancer', externalIPs: ['external'], ...spec },
  slices,
});

const hereAndThere = [{ endpoints: [{ at: 'a' }, { at: 'b', ...elsewhere }] }] as const;

/** Traffic policies where they meet states, pods that reach themselves, affinity, hints and other addresses. */
export const policies: readonly ServiceCase[] = [
  {
    name: 'internalTrafficPolicy Local with an affinity: a pod that is the endpoint here reaches itself, and sees the node',
    services: [{ spec: { internalTrafficPolicy: 'Local', ...sticky }, slices: hereAndThere }],
    packets: [
      { from: 'a', to: 'cluster', gets: ['a'], masquerade: true },
      { from: 'a', to: 'cluster', port: 53, protocol: 'UDP', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'world', to: 'cluster', gets: ['a'], masquerade: true },
      { from: 'node', to: 'cluster', gets: ['a'] },
    ],
  },
  {
    name: 'internalTrafficPolicy Local: a pod that terminates here still reaches itself',
    services: [
      {
        spec: { internalTrafficPolicy: 'Local' },
        slices: [
          {
            endpoints: [
              { at: 'a', ...terminating },
              { at: 'b', ...elsewhere },
            ],
          },
        ],
      },
    ],
    packets: [
      { from: 'a', to: 'cluster', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'node', to: 'cluster', gets: ['a'] },
    ],
  },
  {
    name: 'internalTrafficPolicy Local: an endpoint that no slice places on a node is not here',
    services: [
      { spec: { internalTrafficPolicy: 'Local' }, slices: [{ endpoints: [{ at: 'a', node: null }] }] },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: 'DROP' },
      { from: 'node', to: 'cluster', gets: 'DROP' },
      { from: 'a', to: 'cluster', gets: 'DROP' },
    ],
  },
  {
    name: 'internalTrafficPolicy Local and affinity: the node port knows all, the cluster address this node’s alone',
    services: [
      {
        spec: { type: 'NodePort', internalTrafficPolicy: 'Local', ...sticky },
        slices: [{ endpoints: [{ at: 'b', ...elsewhere }] }],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: 'DROP' },
      { from: 'pod', to: 'node', port: 30_080, gets: ['b'], masquerade: true },
      { from: 'world', to: 'node', port: 30_053, protocol: 'UDP', gets: ['b'], masquerade: true },
    ],
  },
  {
    name: 'externalTrafficPolicy Local and UDP: what terminates here serves clients outside, with their address',
    services: [
      balanced(
        [
          {
            endpoints: [
              { at: 'a', ...terminating },
              { at: 'b', ...elsewhere },
            ],
          },
        ],
        { externalTrafficPolicy: 'Local', healthCheckNodePort: 30_099 },
      ),
    ],
    packets: [
      { from: 'world', to: 'balancer', port: 53, protocol: 'UDP', gets: ['a'] },
      { from: 'world', to: 'node', port: 30_053, protocol: 'UDP', gets: ['a'] },
      { from: 'world', to: 'external', port: 53, protocol: 'UDP', gets: ['a'] },
      { from: 'pod', to: 'balancer', port: 53, protocol: 'UDP', gets: ['b'] },
    ],
  },
  {
    name: 'externalTrafficPolicy Local: a ready endpoint here leaves nothing to those that terminate here',
    services: [
      balanced([{ endpoints: [{ at: 'a' }, { at: 'b', ...terminating }, { at: 'c', ...elsewhere }] }], {
        externalTrafficPolicy: 'Local',
      }),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'] },
      { from: 'world', to: 'node', port: 30_080, gets: ['a'] },
      { from: 'pod', to: 'balancer', gets: ['a', 'c'] },
    ],
  },
  {
    name: 'externalTrafficPolicy Local: with nothing ready anywhere each side falls back for itself',
    services: [
      balanced(
        [
          {
            endpoints: [
              { at: 'a', ...terminating },
              { at: 'b', ...elsewhere, ...terminating },
            ],
          },
        ],
        { externalTrafficPolicy: 'Local' },
      ),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'] },
      { from: 'pod', to: 'balancer', gets: ['a', 'b'] },
      { from: 'pod', to: 'cluster', gets: ['a', 'b'] },
      { from: 'node', to: 'external', gets: ['a', 'b'] },
    ],
  },
  {
    name: 'externalTrafficPolicy Local counts for external addresses of a Service of type ClusterIP, too',
    services: [{ spec: { externalIPs: ['external'], externalTrafficPolicy: 'Local' }, slices: hereAndThere }],
    packets: [
      { from: 'world', to: 'external', gets: ['a'] },
      { from: 'pod', to: 'external', gets: ['a', 'b'] },
      { from: 'world', to: 'cluster', gets: ['a', 'b'], masquerade: true },
    ],
  },
  {
    name: 'externalTrafficPolicy Local and affinity: clients outside stay here, the cluster’s own stay with one of all',
    services: [
      balanced([{ endpoints: [{ at: 'a' }] }], { externalTrafficPolicy: 'Local', ...sticky }),
      {
        name: 'far',
        clusterAddress: 'second-cluster',
        spec: { type: 'ClusterIP', internalTrafficPolicy: 'Cluster', ...sticky },
        slices: [{ endpoints: [{ at: 'b', ...elsewhere }] }],
      },
    ],
    packets: [
      { from: 'world', to: 'node', port: 30_053, protocol: 'UDP', gets: ['a'] },
      { from: 'a', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'world', to: 'second-cluster', gets: ['b'], masquerade: true },
    ],
  },
  {
    name: 'hints for nodes: the cluster’s own clients, and those who come to a cluster address, get this node’s',
    services: [
      balanced([
        {
          endpoints: [
            { at: 'a', forNodes: ['node-1'] },
            { at: 'b', ...elsewhere, forNodes: ['node-2'] },
          ],
        },
      ]),
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'node', to: 'cluster', gets: ['a'] },
      { from: 'world', to: 'cluster', gets: ['a'], masquerade: true },
      { from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'a', to: 'cluster', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'hints for this node whose endpoint terminates: those for the zone, and then all',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', forNodes: ['node-1'], forZones: ['here'], ...terminating },
              { at: 'b', ...elsewhere, forNodes: ['node-2'], forZones: ['here'] },
              { at: 'c', node: 'node-3', forNodes: ['node-3'], forZones: ['there'] },
            ],
          },
        ],
      },
      {
        name: 'other',
        clusterAddress: 'second-cluster',
        slices: [
          {
            endpoints: [
              { at: 'a', forNodes: ['node-1'], ...terminating },
              { at: 'b', ...elsewhere, forNodes: ['node-2'] },
              { at: 'c', node: 'node-3', forNodes: ['node-3'] },
            ],
          },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['b'] },
      { from: 'pod', to: 'second-cluster', gets: ['b', 'c'] },
    ],
  },
  {
    name: 'a pod that is published before it is ready serves, here and at external addresses',
    services: [
      balanced([{ endpoints: [{ at: 'a', ready: true, serving: false }] }], {
        publishNotReadyAddresses: true,
        externalTrafficPolicy: 'Local',
      }),
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'world', to: 'balancer', gets: ['a'] },
    ],
  },
  {
    name: 'source ranges: a pod that would reach itself is asked as any other client',
    services: [balanced([{ endpoints: [{ at: 'a' }] }], { loadBalancerSourceRanges: ['world'] })],
    packets: [
      { from: 'a', to: 'balancer', gets: 'DROP' },
      { from: 'a', to: 'external', gets: ['a'], masquerade: true },
      { from: 'a', to: 'node', port: 30_080, gets: ['a'], masquerade: true },
      { from: 'world', to: 'balancer', port: 443, gets: 'REJECT' },
    ],
  },
  {
    name: 'a load balancer of the mode Proxy: node ports keep the client’s address by the policy Local',
    services: [{ ...balanced(hereAndThere, { externalTrafficPolicy: 'Local' }), ingress: 'Proxy' }],
    packets: [
      { from: 'world', to: 'node', port: 30_080, gets: ['a'] },
      { from: 'world', to: 'balancer', gets: 'ROUTED' },
      { from: 'node', to: 'balancer', gets: 'ROUTED' },
      { from: 'pod', to: 'node', port: 30_080, gets: ['a', 'b'] },
    ],
  },
  {
    name: 'a load balancer’s address that is the node’s own: its port leads to the Service, other ports are the node’s',
    services: [{ ...balanced(hereAndThere, { externalIPs: [] }), ingressAddress: 'node' }],
    packets: [
      { from: 'world', to: 'node', gets: ['a', 'b'], masquerade: true },
      { from: 'pod', to: 'node', gets: ['a', 'b'], masquerade: true },
      { from: 'world', to: 'node', port: 443, gets: 'ROUTED' },
      { from: 'pod', to: 'node', port: 30_081, gets: 'ROUTED' },
      { from: 'world', to: 'node', port: 30_080, gets: ['a', 'b'], masquerade: true },
    ],
  },
  {
    name: 'a node port of TCP and one of UDP may have one number',
    services: [
      {
        spec: {
          type: 'NodePort',
          ports: [
            { name: 'http', port: 80, nodePort: 30_080 },
            { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30_080 },
          ],
        },
        slices: [
          { endpoints: [{ at: 'a' }], ports: { http: 8080 } },
          { endpoints: [{ at: 'b' }], ports: { dns: 8080 } },
        ],
      },
    ],
    packets: [
      { from: 'world', to: 'node', port: 30_080, gets: ['a'], masquerade: true },
      { from: 'world', to: 'node', port: 30_080, protocol: 'UDP', gets: ['b'], masquerade: true },
      { from: 'node', to: 'node', port: 30_080, protocol: 'UDP', gets: ['b'] },
    ],
  },
  {
    name: 'a Service without ports refuses everything at its address',
    services: [{ spec: { ports: [] }, slices: hereAndThere }],
    packets: [
      { from: 'pod', to: 'cluster', gets: 'REJECT' },
      { from: 'world', to: 'cluster', port: 53, protocol: 'UDP', gets: 'REJECT' },
      { from: 'node', to: 'cluster', gets: 'REJECT' },
    ],
  },
];
