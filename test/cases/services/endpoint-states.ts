import type { ServiceCase } from './case.ts';

const elsewhere = { node: 'node-2' } as const;
const terminating = { ready: false, serving: true, terminating: true } as const;
const starting = { ready: false, serving: false, terminating: false } as const;
const ended = { ready: false, serving: false, terminating: true } as const;

/** Which endpoints take part (discovery/v1 EndpointConditions, KEP-1669). */
export const endpointStates: readonly ServiceCase[] = [
  {
    name: 'ready endpoints of all nodes serve a cluster address, TCP and UDP apart',
    services: [
      { slices: [{ endpoints: [{ at: 'a' }, { at: 'b', ...elsewhere }, { at: 'c', node: null }] }] },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a', 'b', 'c'] },
      { from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: ['a', 'b', 'c'] },
      { from: 'node', to: 'cluster', gets: ['a', 'b', 'c'] },
      { from: 'world', to: 'cluster', gets: ['a', 'b', 'c'], masquerade: true },
    ],
  },
  {
    name: 'conditions that are not said count as ready',
    services: [{ slices: [{ endpoints: [{ at: 'a' }, { at: 'b', ready: true }] }] }],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a', 'b'] }],
  },
  {
    name: 'what is not ready takes no part while others are',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a' },
              { at: 'b', ...starting },
              { at: 'c', ...terminating },
              { at: 'd', ...ended },
            ],
          },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: ['a'] },
    ],
  },
  {
    name: 'ready while it terminates counts as ready: its Service publishes addresses that are not',
    services: [{ slices: [{ endpoints: [{ at: 'a', ready: true, serving: false, terminating: true }] }] }],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'without a ready endpoint those serve that terminate',
    services: [
      {
        slices: [
          {
            endpoints: [
              { at: 'a', ...terminating },
              { at: 'b', ...ended },
              { at: 'c', ...starting },
            ],
          },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'world', to: 'cluster', gets: ['a'], masquerade: true },
    ],
  },
  {
    name: 'serving that is not said counts as true for what terminates',
    services: [{ slices: [{ endpoints: [{ at: 'a', ready: false, terminating: true }] }] }],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'what serves without being ready does not serve for others unless it terminates',
    services: [{ slices: [{ endpoints: [{ at: 'a', ready: false, serving: true }] }] }],
    packets: [{ from: 'pod', to: 'cluster', gets: 'REJECT' }],
  },
  {
    name: 'a Service without endpoints refuses, whoever asks',
    services: [
      {
        ingress: 'VIP',
        spec: { type: 'LoadBalancer', externalIPs: ['external'] },
        slices: [{ endpoints: [{ at: 'a', ...starting }] }],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: 'REJECT' },
      { from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: 'REJECT' },
      { from: 'node', to: 'cluster', gets: 'REJECT' },
      { from: 'world', to: 'cluster', gets: 'REJECT' },
      { from: 'pod', to: 'balancer', gets: 'REJECT' },
      { from: 'world', to: 'balancer', gets: 'REJECT' },
      { from: 'world', to: 'balancer', port: 53, protocol: 'UDP', gets: 'REJECT' },
      { from: 'world', to: 'external', gets: 'REJECT' },
      { from: 'world', to: 'node', port: 30_080, gets: 'REJECT' },
      { from: 'pod', to: 'node', port: 30_080, gets: 'REJECT' },
    ],
  },
  {
    name: 'no slice at all is no endpoint',
    services: [{ slices: [] }],
    packets: [{ from: 'pod', to: 'cluster', gets: 'REJECT' }],
  },
  {
    name: 'an endpoint in two slices counts once, and its better state counts',
    services: [
      {
        slices: [
          { endpoints: [{ at: 'a', ...terminating }, { at: 'b' }] },
          { endpoints: [{ at: 'a' }, { at: 'b' }] },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a', 'b'] }],
  },
  {
    name: 'internalTrafficPolicy Local: this node’s endpoints alone, for pods, nodes and clients who come to the node',
    services: [
      {
        spec: { internalTrafficPolicy: 'Local' },
        slices: [
          { endpoints: [{ at: 'a' }, { at: 'b' }, { at: 'c', ...elsewhere }, { at: 'd', node: null }] },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a', 'b'] },
      { from: 'node', to: 'cluster', gets: ['a', 'b'] },
      { from: 'world', to: 'cluster', gets: ['a', 'b'], masquerade: true },
      { from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: ['a', 'b'] },
    ],
  },
  {
    name: 'internalTrafficPolicy Local: without an endpoint here it is dropped, while other nodes have some',
    services: [
      { spec: { internalTrafficPolicy: 'Local' }, slices: [{ endpoints: [{ at: 'a', ...elsewhere }] }] },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: 'DROP' },
      { from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: 'DROP' },
      { from: 'node', to: 'cluster', gets: 'DROP' },
    ],
  },
  {
    name: 'internalTrafficPolicy Local: with endpoints nowhere it is refused',
    services: [
      { spec: { internalTrafficPolicy: 'Local' }, slices: [{ endpoints: [{ at: 'a', ...ended }] }] },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: 'REJECT' }],
  },
  {
    name: 'internalTrafficPolicy Local: those that terminate here serve before ready ones elsewhere',
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
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'a pod that reaches itself through its Service sees the node',
    services: [{ slices: [{ endpoints: [{ at: 'a' }] }] }],
    packets: [
      { from: 'a', to: 'cluster', gets: ['a'], masquerade: true },
      { from: 'a', to: 'cluster', port: 53, protocol: 'UDP', gets: ['a'], masquerade: true },
    ],
  },
];
