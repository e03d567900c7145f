import { parseAddress, parsePrefix } from '../../../src/base/ip.ts';
import type { Address } from '../../../src/base/ip.ts';
import type { EndpointSlice } from '../../../src/kube/types/discovery.ts';
import type { Service } from '../../../src/kube/types/service.ts';
import type { AddressName, CaseService, CaseSlice, PlaceName, ServiceCase } from './case.ts';

export const families = [4, 6] as const;
export type CaseFamily = (typeof families)[number];

/** Of each family; `node` and the places are those of the rig (test/netns/services-node.ts). */
export const addresses: Readonly<Record<CaseFamily, Readonly<Record<AddressName, string>>>> = {
  4: {
    cluster: '10.96.0.10',
    'second-cluster': '10.96.0.11',
    unassigned: '10.96.0.99',
    balancer: '172.30.200.1',
    external: '203.0.113.5',
    node: '10.244.2.1',
  },
  6: {
    cluster: 'fd00:10:96::10',
    'second-cluster': 'fd00:10:96::11',
    unassigned: 'fd00:10:96::99',
    balancer: 'fd00:172:30::c8:1',
    external: '2001:db8::5',
    node: 'fd00:10:244:2::1',
  },
};

/** Where packets come from. */
export const sources = {
  4: { pod: '10.244.0.2', world: '10.244.2.2', node: '10.244.2.1', a: '10.244.1.2' },
  6: { pod: 'fd00:10:244::2', world: 'fd00:10:244:2::2', node: 'fd00:10:244:2::1', a: 'fd00:10:244:1::2' },
} as const;

export const placeNames: readonly PlaceName[] = ['a', 'b', 'c', 'd', 'e'];
export const nodeName = 'node-1';
export const zone = 'here';
export const servicePrefixes = ['10.96.0.0/16', 'fd00:10:96::/112'].flatMap(text => parsePrefix(text) ?? []);

export const placeAddress = (family: CaseFamily, place: PlaceName): string =>
  `${family === 4 ? '10.244.1.' : 'fd00:10:244:1::'}${placeNames.indexOf(place) + 2}`;

export const placeOf = (address: string): PlaceName | undefined =>
  placeNames.find(name => families.some(family => placeAddress(family, name) === address));

/** What the rig's sources lie in, by the words that cases use for them. */
const ranges: Readonly<Record<string, readonly string[]>> = {
  pods: ['10.244.0.0/24', 'fd00:10:244::/64'],
  world: ['10.244.2.2/32', 'fd00:10:244:2::2/128'],
  nodes: ['10.244.2.1/32', 'fd00:10:244:2::1/128'],
  'the pods of IPv4': ['10.244.0.0/24'],
  everybody: ['0.0.0.0/0', '::/0'],
  nobody: ['192.0.2.0/24'],
};

export function addressOf(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

export function objectsOf({ services }: ServiceCase): {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
} {
  return {
    services: services.map(serviceOf),
    slices: services.flatMap(service =>
      service.slices.flatMap((slice, index) =>
        (slice.families ?? families).map(family => sliceOf(service, slice, index, family)),
      ),
    ),
  };
}

const nameOf = ({ name = 'web' }: CaseService): string => name;

function serviceOf(one: CaseService): Service {
  const { age = 0, clusterAddress = 'cluster', families: own = families, ingress = null, labels = {} } = one;
  const { ingressAddress = 'balancer' } = one;
  const { externalIPs, loadBalancerSourceRanges, ...spec } = one.spec ?? {};
  const name = nameOf(one);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      labels,
      creationTimestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, age)).toISOString(),
    },
    spec: {
      type: 'ClusterIP',
      clusterIPs: own.map(family => addresses[family][clusterAddress]),
      ports: [
        { name: 'http', port: 80, nodePort: 30_080 },
        { name: 'dns', port: 53, protocol: 'UDP', nodePort: 30_053 },
      ],
      ...(externalIPs === undefined ? {} : { externalIPs: externalIPs.flatMap(namedAddress) }),
      ...(loadBalancerSourceRanges === undefined
        ? {}
        : { loadBalancerSourceRanges: loadBalancerSourceRanges.flatMap(text => ranges[text] ?? [text]) }),
      ...spec,
    },
    ...(ingress === null
      ? {}
      : {
          status: {
            loadBalancer: {
              ingress: families.map(family => ({ ip: addresses[family][ingressAddress], ipMode: ingress })),
            },
          },
        }),
  };
}

const isAddressName = (text: string): text is AddressName => text in addresses[4];

const namedAddress = (text: string): readonly string[] =>
  isAddressName(text) ? families.map(family => addresses[family][text]) : [text];

function sliceOf(
  service: CaseService,
  { endpoints, labels = {}, ports = { http: 8080, dns: 8080 } }: CaseSlice,
  index: number,
  family: CaseFamily,
): EndpointSlice {
  const name = nameOf(service);
  const protocols = new Map((serviceOf(service).spec.ports ?? []).map(port => [port.name, port.protocol]));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${index}-ipv${family}`,
      namespace: 'shop',
      labels: { 'kubernetes.io/service-name': name, ...labels },
    },
    addressType: `IPv${family}`,
    endpoints: endpoints.map(({ at, forNodes, forZones, node = nodeName, ...conditions }) => ({
      addresses: [placeAddress(family, at)],
      conditions,
      ...(node === null ? {} : { nodeName: node }),
      ...(forNodes === undefined && forZones === undefined
        ? {}
        : {
            hints: {
              ...(forNodes === undefined ? {} : { forNodes: forNodes.map(each => ({ name: each })) }),
              ...(forZones === undefined ? {} : { forZones: forZones.map(each => ({ name: each })) }),
            },
          }),
    })),
    ports: Object.entries(ports).map(([portName, port]) => ({
      name: portName,
      protocol: protocols.get(portName) ?? 'TCP',
      ...(port === undefined ? {} : { port }),
    })),
  };
}
