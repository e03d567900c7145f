import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';

export const namespace = 'bench';
/** Endpoints are spread over so many. */
const nodes = 10;

export const makeService = (name: string, protocol: 'TCP' | 'UDP' = 'TCP'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace, name },
  spec: { ports: [{ name: 'port', port: 80, protocol }] },
});

export const makeSlice = (
  name: string,
  addresses: readonly string[],
  port: number,
  protocol: 'TCP' | 'UDP' = 'TCP',
): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { namespace, name, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  endpoints: addresses.map((address, index) => ({
    addresses: [address],
    conditions: { ready: true },
    nodeName: `node-${1 + (index % nodes)}`,
  })),
  ports: [{ name: 'port', port, protocol }],
});

/** Endpoints that nobody has: the tenth of a million addresses. */
export const fillerAddress = (index: number): string =>
  `10.${128 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
