import type { ServiceSpec } from '../../../src/kube/types/service.ts';
import type { CaseService, ServiceCase } from './case.ts';

const elsewhere = { node: 'node-2' } as const;
const terminating = { ready: false, serving: true, terminating: true } as const;
const one = [{ endpoints: [{ at: 'a' }] }] as const;

const balanced = (slices: CaseService['slices'], spec: Partial<ServiceSpec> = {}): CaseService => ({
  ingress: 'VIP',
  spec: { type: 'LoadBalancer', externalIPs: ['external'], ...spec },
  slices,
});

/** Each family stands for itself: nothing of one counts for the other (core/v1 ServiceSpec.ipFamilies). */
export const familiesApart: readonly ServiceCase[] = [
  {
    name: 'dual stack: the family without endpoints is refused, the other one serves',
    services: [balanced([{ families: [4], endpoints: [{ at: 'a' }] }])],
    packets: [
      { family: 4, from: 'pod', to: 'cluster', gets: ['a'] },
      { family: 6, from: 'pod', to: 'cluster', gets: 'REJECT' },
      { family: 6, from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: 'REJECT' },
      { family: 6, from: 'node', to: 'cluster', gets: 'REJECT' },
      { family: 4, from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { family: 6, from: 'world', to: 'balancer', gets: 'REJECT' },
      { family: 4, from: 'world', to: 'node', port: 30_080, gets: ['a'], masquerade: true },
      { family: 6, from: 'world', to: 'node', port: 30_080, gets: 'REJECT' },
    ],
  },
  {
    name: 'a Service of IPv4 alone has nothing at addresses of IPv6, whatever its slices and its load balancer say',
    services: [{ ...balanced(one), families: [4] }],
    packets: [
      { family: 4, from: 'pod', to: 'cluster', gets: ['a'] },
      { family: 6, from: 'pod', to: 'cluster', gets: 'DROP' },
      { family: 6, from: 'world', to: 'balancer', gets: 'ROUTED' },
      { family: 6, from: 'world', to: 'external', gets: 'ROUTED' },
      { family: 6, from: 'world', to: 'node', port: 30_080, gets: 'ROUTED' },
      { family: 4, from: 'world', to: 'node', port: 30_080, gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'a Service of IPv6 alone serves at all addresses of IPv6',
    services: [{ ...balanced(one, { externalTrafficPolicy: 'Local' }), families: [6] }],
    packets: [
      { family: 6, from: 'pod', to: 'cluster', gets: ['a'] },
      { family: 6, from: 'world', to: 'balancer', gets: ['a'] },
      { family: 6, from: 'world', to: 'node', port: 30_053, protocol: 'UDP', gets: ['a'] },
      { family: 4, from: 'pod', to: 'cluster', gets: 'DROP' },
      { family: 4, from: 'world', to: 'balancer', gets: 'ROUTED' },
    ],
  },
  {
    name: 'source ranges of one family leave the other one open',
    services: [balanced(one, { loadBalancerSourceRanges: ['the pods of IPv4'] })],
    packets: [
      { family: 4, from: 'pod', to: 'balancer', gets: ['a'], masquerade: true },
      { family: 4, from: 'world', to: 'balancer', gets: 'DROP' },
      { family: 4, from: 'node', to: 'balancer', gets: 'DROP' },
      { family: 6, from: 'pod', to: 'balancer', gets: ['a'], masquerade: true },
      { family: 6, from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { family: 6, from: 'node', to: 'balancer', gets: ['a'] },
    ],
  },
  {
    name: 'source ranges of one family and the policy Local: the open family keeps to this node’s endpoints',
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
        { externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['the pods of IPv4'] },
      ),
    ],
    packets: [
      { family: 6, from: 'world', to: 'balancer', gets: ['a'] },
      { family: 6, from: 'pod', to: 'balancer', gets: ['b'] },
      { family: 4, from: 'world', to: 'balancer', gets: 'DROP' },
      { family: 4, from: 'pod', to: 'balancer', gets: ['b'] },
      { family: 4, from: 'world', to: 'external', gets: ['a'] },
    ],
  },
  {
    name: 'a range of everybody in IPv4 alone restricts nobody',
    services: [balanced(one, { loadBalancerSourceRanges: ['0.0.0.0/0'] })],
    packets: [
      { from: 'world', to: 'balancer', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'balancer', port: 53, protocol: 'UDP', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'a source range that cannot be read opens neither family, and takes nothing from those that can',
    services: [balanced(one, { loadBalancerSourceRanges: ['the pods of IPv4', 'fd00::/999'] })],
    packets: [
      { family: 4, from: 'pod', to: 'balancer', gets: ['a'], masquerade: true },
      { family: 4, from: 'world', to: 'balancer', gets: 'DROP' },
      { family: 6, from: 'pod', to: 'balancer', gets: 'DROP' },
      { family: 6, from: 'world', to: 'balancer', gets: 'DROP' },
    ],
  },
  {
    name: 'the policy Local looks at the endpoints of one family: here in IPv4, elsewhere in IPv6',
    services: [
      balanced(
        [
          { families: [4], endpoints: [{ at: 'a' }] },
          { families: [6], endpoints: [{ at: 'b', ...elsewhere }] },
        ],
        { externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' },
      ),
    ],
    packets: [
      { family: 4, from: 'pod', to: 'cluster', gets: ['a'] },
      { family: 6, from: 'pod', to: 'cluster', gets: 'DROP' },
      { family: 4, from: 'world', to: 'balancer', gets: ['a'] },
      { family: 6, from: 'world', to: 'balancer', gets: 'DROP' },
      { family: 6, from: 'world', to: 'node', port: 30_053, protocol: 'UDP', gets: 'DROP' },
      { family: 6, from: 'pod', to: 'balancer', gets: ['b'] },
    ],
  },
  {
    name: 'one family serves by ready endpoints, the other one by those that terminate',
    services: [
      {
        slices: [
          { families: [4], endpoints: [{ at: 'a' }, { at: 'b', ...terminating }] },
          {
            families: [6],
            endpoints: [
              { at: 'a', ready: false },
              { at: 'b', ...terminating },
            ],
          },
        ],
      },
    ],
    packets: [
      { family: 4, from: 'pod', to: 'cluster', gets: ['a'] },
      { family: 6, from: 'pod', to: 'cluster', gets: ['b'] },
      { family: 6, from: 'world', to: 'cluster', gets: ['b'], masquerade: true },
    ],
  },
  {
    name: 'a hint that one family lacks does not count against the other',
    services: [
      {
        slices: [
          {
            families: [4],
            endpoints: [
              { at: 'a', forZones: ['here'] },
              { at: 'b', forZones: ['there'] },
            ],
          },
          { families: [6], endpoints: [{ at: 'a', forZones: ['here'] }, { at: 'b' }] },
        ],
      },
    ],
    packets: [
      { family: 4, from: 'pod', to: 'cluster', gets: ['a'] },
      { family: 6, from: 'pod', to: 'cluster', gets: ['a', 'b'] },
    ],
  },
];
