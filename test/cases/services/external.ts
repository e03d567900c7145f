import type { ServiceSpec } from '../../../src/kube/types/service.ts';
import type { CaseService, ServiceCase } from './case.ts';

const elsewhere = { node: 'node-2' } as const;
const terminating = { ready: false, serving: true, terminating: true } as const;

const balanced = (slices: CaseService['slices'], spec: Partial<ServiceSpec> = {}): CaseService => ({
  ingress: 'VIP',
  spec: { type: 'LoadBalancer', externalIPs: ['external'], ...spec },
  slices,
});

const both = [{ endpoints: [{ at: 'a' }, { at: 'b', ...elsewhere }] }] as const;

/** Addresses for clients outside: load balancers, external addresses, node ports (core/v1 ServiceSpec). */
export const external: readonly ServiceCase[] = [
  {
    name: 'externalTrafficPolicy Cluster: all endpoints, with the node’s address, whoever asks',
    services: [balanced(both)],
    packets: (['balancer', 'external', 'node'] as const).flatMap(to => {
      const port = to === 'node' ? 30_080 : 80;
      return (['world', 'pod', 'node'] as const).map(
        from => ({ from, to, port, gets: ['a', 'b'], masquerade: true }) as const,
      );
    }),
  },
  {
    name: 'externalTrafficPolicy Cluster: UDP as TCP',
    services: [balanced(both)],
    packets: [
      { from: 'world', to: 'balancer', port: 53, protocol: 'UDP', gets: ['a', 'b'], masquerade: true },
      { from: 'world', to: 'node', port: 30_053, protocol: 'UDP', gets: ['a', 'b'], masquerade: true },
      { from: 'pod', to: 'external', port: 53, protocol: 'UDP', gets: ['a', 'b'], masquerade: true },
    ],
  },
  {
    name: 'externalTrafficPolicy Local: clients outside get this node’s endpoints and keep their address; the cluster’s own get all',
    services: [balanced(both, { externalTrafficPolicy: 'Local' })],
    packets: (['balancer', 'external', 'node'] as const).flatMap(to => {
      const port = to === 'node' ? 30_080 : 80;
      return [
        { from: 'world', to, port, gets: ['a'] },
        { from: 'pod', to, port, gets: ['a', 'b'] },
        { from: 'node', to, port, gets: ['a', 'b'] },
      ] as const;
    }),
  },
  {
    name: 'externalTrafficPolicy Local: no endpoint here drops clients outside alone',
    services: [balanced([{ endpoints: [{ at: 'b', ...elsewhere }] }], { externalTrafficPolicy: 'Local' })],
    packets: [
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'world', to: 'external', gets: 'DROP' },
      { from: 'world', to: 'node', port: 30_080, gets: 'DROP' },
      { from: 'world', to: 'balancer', port: 53, protocol: 'UDP', gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: ['b'] },
      { from: 'node', to: 'node', port: 30_080, gets: ['b'] },
      { from: 'world', to: 'cluster', gets: ['b'], masquerade: true },
    ],
  },
  {
    name: 'externalTrafficPolicy Local: what terminates here serves clients outside when nothing here is ready',
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
        {
          externalTrafficPolicy: 'Local',
        },
      ),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'] },
      { from: 'world', to: 'node', port: 30_080, gets: ['a'] },
      { from: 'pod', to: 'balancer', gets: ['b'] },
    ],
  },
  {
    name: 'externalTrafficPolicy Local: no endpoint anywhere is refused',
    services: [balanced([{ endpoints: [{ at: 'a', ready: false }] }], { externalTrafficPolicy: 'Local' })],
    packets: [
      { from: 'world', to: 'balancer', gets: 'REJECT' },
      { from: 'world', to: 'node', port: 30_080, gets: 'REJECT' },
    ],
  },
  {
    name: 'internalTrafficPolicy Local says nothing about external addresses',
    services: [balanced([{ endpoints: [{ at: 'b', ...elsewhere }] }], { internalTrafficPolicy: 'Local' })],
    packets: [
      { from: 'pod', to: 'cluster', gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: ['b'], masquerade: true },
      { from: 'world', to: 'balancer', gets: ['b'], masquerade: true },
    ],
  },
  {
    name: 'source ranges keep others from the load balancer’s address alone, pods too',
    services: [balanced([{ endpoints: [{ at: 'a' }] }], { loadBalancerSourceRanges: ['world'] })],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'balancer', port: 53, protocol: 'UDP', gets: 'DROP' },
      { from: 'node', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'external', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'node', port: 30_080, gets: ['a'], masquerade: true },
      { from: 'pod', to: 'cluster', gets: ['a'] },
    ],
  },
  {
    name: 'source ranges: pods that are in one may come, clients outside that are not may not',
    services: [
      balanced([{ endpoints: [{ at: 'a' }] }], {
        externalTrafficPolicy: 'Local',
        loadBalancerSourceRanges: ['pods', ' nodes '.trim()],
      }),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: ['a'] },
      { from: 'node', to: 'balancer', gets: ['a'] },
      { from: 'world', to: 'node', port: 30_080, gets: ['a'] },
    ],
  },
  {
    name: 'source ranges that overlap, and one that lets everybody in',
    services: [
      balanced([{ endpoints: [{ at: 'a' }] }], {
        loadBalancerSourceRanges: ['nobody', 'world', 'everybody'],
      }),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'balancer', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'a source range that cannot be read lets nobody in',
    services: [balanced([{ endpoints: [{ at: 'a' }] }], { loadBalancerSourceRanges: ['10.244.0.0/99'] })],
    packets: [
      { from: 'world', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'balancer', gets: 'DROP' },
      { from: 'pod', to: 'external', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'source ranges without endpoints: who is in none is dropped, others are refused',
    services: [balanced([], { loadBalancerSourceRanges: ['world'] })],
    packets: [
      { from: 'world', to: 'balancer', gets: 'REJECT' },
      { from: 'pod', to: 'balancer', gets: 'DROP' },
    ],
  },
  {
    name: 'a load balancer’s address of the mode Proxy is the balancer’s business',
    services: [{ ...balanced([{ endpoints: [{ at: 'a' }] }]), ingress: 'Proxy' }],
    packets: [
      { from: 'pod', to: 'balancer', gets: 'ROUTED' },
      { from: 'pod', to: 'node', port: 30_080, gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'a load balancer’s address that is told of a Service of another type counts for nothing',
    services: [{ ...balanced([{ endpoints: [{ at: 'a' }] }], { type: 'ClusterIP' }) }],
    packets: [
      { from: 'pod', to: 'balancer', gets: 'ROUTED' },
      { from: 'pod', to: 'external', gets: ['a'], masquerade: true },
      { from: 'world', to: 'node', port: 30_080, gets: 'ROUTED' },
    ],
  },
  {
    name: 'another’s load balancer is served as ours is, and its other ports are left alone',
    services: [balanced([{ endpoints: [{ at: 'a' }] }], { loadBalancerClass: 'example.com/other' })],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'balancer', port: 443, gets: 'ROUTED' },
    ],
  },
  {
    name: 'other ports of an external address and of the node are left alone; of our load balancers they are refused',
    services: [balanced([{ endpoints: [{ at: 'a' }] }])],
    packets: [
      { from: 'pod', to: 'external', port: 443, gets: 'ROUTED' },
      { from: 'world', to: 'node', port: 30_081, gets: 'ROUTED' },
      { from: 'pod', to: 'balancer', port: 443, gets: 'REJECT' },
    ],
  },
  {
    name: 'a load balancer without node ports has none',
    services: [
      balanced([{ endpoints: [{ at: 'a' }] }], {
        allocateLoadBalancerNodePorts: false,
        ports: [{ name: 'http', port: 80 }],
      }),
    ],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'world', to: 'node', port: 30_080, gets: 'ROUTED' },
    ],
  },
  {
    name: 'a pod that reaches itself through a load balancer sees the node, whatever the policy',
    services: [balanced([{ endpoints: [{ at: 'a' }] }], { externalTrafficPolicy: 'Local' })],
    packets: [{ from: 'a', to: 'balancer', gets: ['a'], masquerade: true }],
  },
  {
    name: 'hints count for clients outside too where the policy is Cluster',
    services: [
      balanced([
        {
          endpoints: [
            { at: 'a', forZones: ['there'] },
            { at: 'b', ...elsewhere, forZones: ['here'] },
          ],
        },
      ]),
    ],
    packets: [{ from: 'world', to: 'balancer', gets: ['b'], masquerade: true }],
  },
];
