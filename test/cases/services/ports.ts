import type { ServiceCase } from './case.ts';

const twoPorts = {
  ports: [
    { name: 'http', port: 80 },
    { name: 'admin', port: 81, targetPort: 'admin' },
  ],
} as const;

/** Which port leads where (core/v1 ServicePort, discovery/v1 EndpointPort). */
export const affinityAndPorts: readonly ServiceCase[] = [
  {
    name: 'each port leads to the slice’s port of its name',
    services: [
      {
        spec: twoPorts,
        slices: [{ endpoints: [{ at: 'a' }, { at: 'b' }], ports: { http: 8080, admin: 8081 } }],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', port: 80, gets: ['a', 'b'] },
      { from: 'pod', to: 'cluster', port: 81, at: 8081, gets: ['a', 'b'] },
    ],
  },
  {
    name: 'a named target port that differs from pod to pod: each slice has its own',
    services: [
      {
        spec: { ports: [{ name: 'http', port: 80, targetPort: 'web' }] },
        slices: [
          { endpoints: [{ at: 'a' }], ports: { http: 8080 } },
          { endpoints: [{ at: 'b' }], ports: { http: undefined } },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['a'] }],
  },
  {
    name: 'a pod without the named port does not serve it, and serves the others',
    services: [
      {
        spec: twoPorts,
        slices: [
          { endpoints: [{ at: 'a' }], ports: { http: 8080, admin: 8081 } },
          { endpoints: [{ at: 'b' }], ports: { http: 8080 } },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', port: 80, gets: ['a', 'b'] },
      { from: 'pod', to: 'cluster', port: 81, at: 8081, gets: ['a'] },
    ],
  },
  {
    name: 'a port that the Service does not have is refused at its cluster address, whatever protocol has it',
    services: [{ slices: [{ endpoints: [{ at: 'a' }] }] }],
    packets: [
      { from: 'pod', to: 'cluster', port: 443, gets: 'REJECT' },
      { from: 'node', to: 'cluster', port: 443, gets: 'REJECT' },
      { from: 'world', to: 'cluster', port: 443, gets: 'REJECT' },
      { from: 'pod', to: 'cluster', port: 53, gets: 'REJECT' },
      { from: 'pod', to: 'cluster', port: 80, protocol: 'UDP', gets: 'REJECT' },
    ],
  },
  {
    name: 'an address of the Service prefixes that no Service has is dropped',
    services: [{ slices: [{ endpoints: [{ at: 'a' }] }] }],
    packets: [
      { from: 'pod', to: 'unassigned', gets: 'DROP' },
      { from: 'node', to: 'unassigned', gets: 'DROP' },
    ],
  },
  {
    name: 'ports of the slice that are none, or have no number, lead nowhere',
    services: [
      {
        slices: [
          { endpoints: [{ at: 'a' }], ports: { http: 70_000, dns: 8080 } },
          { endpoints: [{ at: 'b' }], ports: { http: 8080, dns: undefined } },
        ],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['b'] },
      { from: 'pod', to: 'cluster', port: 53, protocol: 'UDP', gets: ['a'] },
    ],
  },
  {
    name: 'a client with an affinity stays with one endpoint',
    services: [
      {
        spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } },
        slices: [{ endpoints: [{ at: 'a' }] }],
      },
    ],
    packets: [
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'world', to: 'cluster', gets: ['a'], masquerade: true },
    ],
  },
];
