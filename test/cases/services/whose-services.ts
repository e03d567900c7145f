import type { ServiceCase } from './case.ts';

const one = [{ endpoints: [{ at: 'a' }] }] as const;
const other = [{ endpoints: [{ at: 'b' }] }] as const;

/** Which Services are ours, and who has what two ask for. */
export const whoseServices: readonly ServiceCase[] = [
  {
    name: 'a Service of another proxy is left alone',
    services: [{ labels: { 'service.kubernetes.io/service-proxy-name': 'other' }, slices: one }],
    packets: [{ from: 'pod', to: 'cluster', gets: 'DROP' }],
  },
  {
    name: 'slices of another proxy, and headless ones, do not count',
    services: [
      {
        slices: [
          { endpoints: [{ at: 'a' }], labels: { 'service.kubernetes.io/service-proxy-name': 'other' } },
          { endpoints: [{ at: 'b' }], labels: { 'service.kubernetes.io/headless': '' } },
          { endpoints: [{ at: 'c' }] },
        ],
      },
    ],
    packets: [{ from: 'pod', to: 'cluster', gets: ['c'] }],
  },
  {
    name: 'ExternalName is DNS’s business, whatever addresses it had before',
    services: [{ spec: { type: 'ExternalName', externalName: 'example.com' }, slices: one }],
    packets: [{ from: 'pod', to: 'cluster', gets: 'DROP' }],
  },
  {
    name: 'a headless Service has no address, and no external one',
    services: [{ spec: { clusterIPs: ['None'], externalIPs: ['external'] }, slices: one }],
    packets: [
      { from: 'pod', to: 'cluster', gets: 'DROP' },
      { from: 'pod', to: 'external', gets: 'ROUTED' },
    ],
  },
  {
    name: 'the older of two Services keeps what both ask for; the rest of the younger one works',
    services: [
      { name: 'old', spec: { externalIPs: ['external'] }, slices: one },
      {
        name: 'young',
        age: 1,
        clusterAddress: 'second-cluster',
        spec: { externalIPs: ['external'] },
        slices: other,
      },
    ],
    packets: [
      { from: 'world', to: 'external', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'cluster', gets: ['a'] },
      { from: 'pod', to: 'second-cluster', gets: ['b'] },
    ],
  },
  {
    name: 'two Services may share an external address by different ports',
    services: [
      {
        name: 'web',
        spec: { externalIPs: ['external'], ports: [{ name: 'http', port: 80 }] },
        slices: [{ endpoints: [{ at: 'a' }], ports: { http: 8080 } }],
      },
      {
        name: 'admin',
        age: 1,
        clusterAddress: 'second-cluster',
        spec: { externalIPs: ['external'], ports: [{ name: 'admin', port: 81 }] },
        slices: [{ endpoints: [{ at: 'b' }], ports: { admin: 8081 } }],
      },
    ],
    packets: [
      { from: 'world', to: 'external', gets: ['a'], masquerade: true },
      { from: 'world', to: 'external', port: 81, at: 8081, gets: ['b'], masquerade: true },
    ],
  },
  {
    name: 'an external address that is none, or cannot lead to a Service, does not disturb the others',
    services: [{ spec: { externalIPs: ['no address', '127.0.0.1', 'fe80::1', 'external'] }, slices: one }],
    packets: [
      { from: 'world', to: 'external', gets: ['a'], masquerade: true },
      { from: 'pod', to: 'cluster', gets: ['a'] },
    ],
  },
];
