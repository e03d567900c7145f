import type { ServiceSpec } from '../../../src/kube/types/service.ts';
import type { CaseService, ServiceCase } from './case.ts';

const elsewhere = { node: 'node-2' } as const;
const terminating = { ready: false, serving: true, terminating: true } as const;
const one = [{ endpoints: [{ at: 'a' }] }] as const;
const far = [{ endpoints: [{ at: 'b', ...elsewhere }] }] as const;
const sticky = {
  sessionAffinity: 'ClientIP',
  sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
} as const;

const balanced = (slices: CaseService['slices'], spec: Partial<ServiceSpec> = {}): CaseService => ({
  ingress: 'VIP',
  spec: { type: 'LoadBalancer', externalIPs: ['external'], ...spec },
  slices,
});

/** Rules that meet in one Service: policies, states, hints, ranges and affinity. */
export const combinations: readonly ServiceCase[] = [
  {
    name: 'both policies Local, no endpoint here: who came by the cluster address is dropped, pods at external addresses get all',
    services: [balanced(far, { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' })],
    packets: [
      { from: 'pod', to: 'cluster', gets: 'DROP' },
      { from: 'world', to: 'cluster', gets: 'DROP' },
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'world', to: 'external', port: 53, protocol: 'UDP', gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: ['b'] },
      { from: 'pod', to: 'node', port: 30_080, gets: ['b'] },
      { from: 'node', to: 'external', gets: ['b'] },
    ],
  },
  {
    name: 'externalTrafficPolicy Local: what terminates on other nodes alone makes clients outside be dropped, not refused',
    services: [
      balanced([{ endpoints: [{ at: 'b', ...elsewhere, ...terminating }] }], {
        externalTrafficPolicy: 'Local',
      }),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'world', to: 'node', port: 30_080, gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: ['b'] },
      { from: 'pod', to: 'cluster', gets: ['b'] },
    ],
  },
  {
    name: 'externalTrafficPolicy Local: what is not ready here and does not terminate does not serve',
    services: [
      balanced(
        [
          {
            endpoints: [
              { at: 'a', ready: false },
              { at: 'b', ...elsewhere },
            ],
          },
        ],
        {
          externalTrafficPolicy: 'Local',
        },
      ),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: ['b'] },
    ],
  },
  {
    name: 'externalTrafficPolicy Local: hints choose for the cluster’s own clients alone',
    services: [
      balanced(
        [
          {
            endpoints: [
              { at: 'a', forZones: ['there'] },
              { at: 'b', ...elsewhere, forZones: ['here'] },
            ],
          },
        ],
        { externalTrafficPolicy: 'Local' },
      ),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'] },
      { from: 'pod', to: 'balancer', gets: ['b'] },
      { from: 'pod', to: 'cluster', gets: ['b'] },
    ],
  },
  {
    name: 'externalTrafficPolicy Local and source ranges: who may come is dropped where no endpoint is, pods that may get all',
    services: [
      balanced(far, { externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['world', 'pods'] }),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'node', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: ['b'] },
      { from: 'node', to: 'external', gets: ['b'] },
    ],
  },
  {
    name: 'an external address that is the load balancer’s as well keeps the source ranges',
    services: [balanced(one, { externalIPs: ['balancer'], loadBalancerSourceRanges: ['world'] })],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'balancer', gets: 'DROP' },
    ],
  },
  {
    name: 'an external address may be the node’s own: its port leads to the Service, other ports are the node’s',
    services: [{ spec: { externalIPs: ['node'] }, slices: one }],
    packets: [
      { from: 'world', to: 'node', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'node', gets: ['a'], masquerade: true },
      { from: 'world', to: 'node', port: 30_080, gets: 'ROUTED' },
    ],
  },
  {
    name: 'a node port belongs to its protocol alone',
    services: [{ spec: { type: 'NodePort' }, slices: one }],
    packets: [
      { from: 'world', to: 'node', port: 30_053, protocol: 'UDP', gets: ['a'], masquerade: true },
      { from: 'world', to: 'node', port: 30_053, gets: 'ROUTED' },
      { from: 'world', to: 'node', port: 30_080, protocol: 'UDP', gets: 'ROUTED' },
      { from: 'world', to: 'node', gets: 'ROUTED' },
      { from: 'pod', to: 'cluster', port: 30_080, gets: 'REJECT' },
    ],
  },
  {
    name: 'a node port that a load balancer was given by hand is served, though none is allocated',
    services: [balanced(one, { allocateLoadBalancerNodePorts: false })],
    packets: [{ from: 'world', to: 'node', port: 30_080, gets: ['a'], masquerade: true }],
  },
  {
    name: 'the same port by TCP and by UDP leads to each one’s own port of the pod',
    services: [
      {
        spec: {
          ports: [
            { name: 'dns-tcp', port: 53, protocol: 'TCP' },
            { name: 'dns', port: 53, protocol: 'UDP' },
          ],
        },
        slices: [
          { endpoints: [{ at: 'a' }], ports: { 'dns-tcp': 8081 } },
          { endpoints: [{ at: 'b' }], ports: { dns: 8080 } },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', port: 53, at: 8081, gets: ['a'] },
      { from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: ['b'] },
    ],
  },
  {
    name: 'one port of a Service without endpoints is refused, the other one serves',
    services: [
      {
        ingress: 'VIP',
        spec: { type: 'LoadBalancer' },
        slices: [{ endpoints: [{ at: 'a' }], ports: { http: 8080 } }],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: 'REJECT' },
      { from: 'world', to: 'balancer', port: 53, protocol: 'UDP', gets: 'REJECT' },
      { from: 'world', to: 'node', port: 30_053, protocol: 'UDP', gets: 'REJECT' },
    ],
  },
  {
    name: 'two ports may lead to the same port of a pod, and an unnamed port to the slice’s unnamed one',
    services: [
      {
        spec: {
          ports: [
            { name: 'http', port: 80 },
            { name: 'alias', port: 8000 },
          ],
        },
        slices: [{ endpoints: [{ at: 'a' }], ports: { http: 8080, alias: 8080 } }],
      },
      {
        name: 'unnamed',
        clusterAddress: 'second-cluster',
        spec: { ports: [{ port: 80 }] },
        slices: [
          { endpoints: [{ at: 'b' }], ports: { '': 8081 } },
          { endpoints: [{ at: 'c' }], ports: { http: 8080 } },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'pod', to: 'cluster', port: 8000, gets: ['a'] },
      { from: 'pod', to: 'second-cluster', at: 8081, gets: ['b'] },
    ],
  },
  {
    name: 'a pod that reaches itself by a node port sees the node, whatever the policy and the affinity',
    services: [balanced(one, { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local', ...sticky })],
    packets: [
      { from: 'a', to: 'node', port: 30_080, gets: ['a'], masquerade: true },
      { from: 'a', to: 'external', port: 53, protocol: 'UDP', gets: ['a'], masquerade: true },
      { from: 'a', to: 'cluster', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'affinity changes nothing about who is masqueraded',
    services: [balanced(one, { externalTrafficPolicy: 'Local', ...sticky })],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'] },
      { from: 'pod', to: 'balancer', gets: ['a'] },
      { from: 'world', to: 'cluster', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'node', to: 'balancer', gets: ['a'] },
    ],
  },
  {
    name: 'affinity and externalTrafficPolicy Cluster: the node’s address at all external addresses',
    services: [balanced(far, sticky)],
    packets: [
      { from: 'world', to: 'balancer', gets: ['b'], masquerade: true },
      { from: 'pod', to: 'external', port: 53, protocol: 'UDP', gets: ['b'], masquerade: true },
      { from: 'world', to: 'node', port: 30_080, gets: ['b'], masquerade: true },
      { from: 'pod', to: 'cluster', gets: ['b'] },
    ],
  },
  {
    name: 'affinity without an endpoint here: dropped by the policy Local, refused without any',
    services: [
      balanced(far, { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local', ...sticky }),
      { name: 'empty', clusterAddress: 'second-cluster', spec: sticky, slices: [] },
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'cluster', gets: 'DROP' },
      { from: 'pod', to: 'second-cluster', gets: 'REJECT' },
      { from: 'pod', to: 'balancer', gets: ['b'] },
    ],
  },
  {
    name: 'affinity and source ranges: who is in none is dropped',
    services: [balanced(one, { loadBalancerSourceRanges: ['world'], ...sticky })],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'external', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'affinity and hints: the endpoints for the zone',
    services: [
      {
        spec: sticky,
        slices: [
          {
            endpoints: [
              { at: 'a', forZones: ['there'] },
              { at: 'b', forZones: ['here'] },
            ],
          },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['b'] },
      { from: 'world', to: 'cluster', gets: ['b'], masquerade: true },
    ],
  },
  {
    name: 'an endpoint for the zone that terminates leaves it to those that are ready elsewhere',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', forZones: ['here'], ...terminating },
              { at: 'b', ...elsewhere, forZones: ['there'] },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['b'] }],
  },
  {
    name: 'empty lists of hints are no hints',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', forNodes: ['node-1'], forZones: ['here'] },
              { at: 'b', forNodes: [], forZones: [] },
            ],
          },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a', 'b'] }],
  },
  {
    name: 'an endpoint that no slice places on a node is no node’s own',
    services: [balanced([{ endpoints: [{ at: 'a', node: null }] }], { externalTrafficPolicy: 'Local' })],
    packets: [
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: ['a'] },
      { from: 'a', to: 'balancer', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'one pod behind two Services serves both, and reaches itself through either',
    services: [{ slices: one }, { name: 'other', age: 1, clusterAddress: 'second-cluster', slices: one }],
    packets: [
      { from: 'a', to: 'cluster', gets: ['a'], masquerade: true },
      { from: 'a', to: 'second-cluster', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'second-cluster', gets: ['a'] },
    ],
  },
  {
    name: 'of two Services with one node port the older has it',
    services: [
      { name: 'old', spec: { type: 'NodePort' }, slices: one },
      { name: 'young', age: 1, clusterAddress: 'second-cluster', spec: { type: 'NodePort' }, slices: far },
    ],
    packets: [
      { from: 'world', to: 'node', port: 30_080, gets: ['a'], masquerade: true },
      { from: 'pod', to: 'second-cluster', gets: ['b'] },
    ],
  },
  {
    name: 'an older Service without endpoints keeps an address refused that a younger one asks for as well',
    services: [
      { name: 'old', spec: { externalIPs: ['external'] }, slices: [] },
      {
        name: 'young',
        age: 1,
        clusterAddress: 'second-cluster',
        spec: { externalIPs: ['external'] },
        slices: far,
      },
    ],
    packets: [
      { from: 'world', to: 'external', gets: 'REJECT' },
      { from: 'pod', to: 'second-cluster', gets: ['b'] },
    ],
  },
  {
    name: 'a Service that has no cluster address yet has no external one either',
    services: [{ spec: { externalIPs: ['external'] }, families: [], slices: one }],
    packets: [
      { from: 'pod', to: 'external', gets: 'ROUTED' },
      { from: 'pod', to: 'cluster', gets: 'DROP' },
    ],
  },
];
