import { formatAddress, parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import {
  addressData,
  addressOfReverse,
  endpointServices,
  fromEndpoint,
  fromService,
  serviceName,
  srvData,
  srvWeight,
} from './compile-names.ts';
import type { EndpointPort, NamedRecord } from './compile-names.ts';
import type { Knowledge } from './decide.ts';
import { undash } from './model.ts';
import type { ServiceNames } from './model.ts';
import { parentKey, textOfName, types } from './wire/index.ts';
import type { NameKey } from './wire/index.ts';

/**
 * Records that are made when they are asked for, from the objects, instead of standing in the tree: they are many, and
 * few ask for them. Undefined where a name has none of these.
 *
 *   SERVICE.NAMESPACE.svc               SRV of all ports (also those without a name)
 *   ENDPOINT.SERVICE.NAMESPACE.svc      SRV of the endpoint's ports; its addresses, where the Service has one of its own
 *   _PORT._PROTOCOL.SERVICE.…           the addresses that its SRV records lead to
 *   ZONE.pin|prefer._zone.SERVICE.…     those of the endpoints in a zone
 *   10-244-1-7.NAMESPACE.pod            the address that it says
 *   reverse names                       endpoints of Services with an address of their own
 */
export function derivedRecords(
  knowledge: Knowledge,
  key: NameKey,
  type: number,
): readonly NamedRecord[] | undefined {
  if (key.endsWith(knowledge.servicesKey)) return serviceRecords(knowledge, key, type);
  if (key.endsWith(knowledge.podsKey)) return podRecords(knowledge, key);
  if (key.endsWith(reverseEnds[4]) || key.endsWith(reverseEnds[6])) return reverseRecords(knowledge, key);
  return undefined;
}

const reverseEnds = { 4: '\x07in-addr\x04arpa\0', 6: '\x03ip6\x04arpa\0' } as const;
const zoneLabel = '_zone';

/** Labels of a key above an end that it has, the first one first; a name has at most 127. */
function labelsAbove(key: NameKey, end: string): readonly string[] {
  const labels: string[] = [];
  const stop = key.length - end.length;
  for (let at = 0; at < stop;) {
    const length = key.charCodeAt(at);
    labels.push(key.slice(at + 1, at + 1 + length));
    at += length + 1;
  }
  return labels;
}

function serviceRecords(
  knowledge: Knowledge,
  key: NameKey,
  type: number,
): readonly NamedRecord[] | undefined {
  const labels = labelsAbove(key, knowledge.servicesKey);
  const [own, namespace] = labels.slice(-2);
  if (own === undefined || namespace === undefined) return undefined;
  const service = knowledge.service(namespace, own);
  if (service === undefined) return undefined;
  const name = textOfName(key);
  if (labels.length === 2) return type === types.SRV ? allPorts(knowledge, service, name) : undefined;
  if (labels.length === 3) return endpointRecords(knowledge, service, labels[0] ?? '', name, type);
  if (labels.length === 4 && labels[0]?.startsWith('_') === true) return portAddresses(knowledge, key, type);
  return labels.length > 4 ? zonalRecords(knowledge, service, labels.slice(0, -2), name) : undefined;
}

/** Undefined without any: such a Service may not exist as a name. */
function allPorts(
  knowledge: Knowledge,
  service: ServiceNames,
  name: string,
): readonly NamedRecord[] | undefined {
  const { ports, addresses } = service;
  const target = serviceName(service, knowledge.clusterDomain);
  if (knowledge.recordsAt(target).length === 0) return undefined;
  if (service.kind === 'headless') return endpointServices(name, portsOf(knowledge, service), target);
  const weight = srvWeight(ports.length * addresses.length);
  const numbers = new Map(ports.map(port => [port.port, port]));
  return [...numbers.values()].map(port => ({
    name,
    data: srvData(weight, port.port, target),
    from: fromService(service, `spec.ports[${port.index}]`),
  }));
}

function portsOf(knowledge: Knowledge, service: ServiceNames, label?: string): readonly EndpointPort[] {
  return knowledge
    .endpoints(service, label)
    .flatMap(({ slice, endpoint }) => slice.ports.map(port => ({ slice, endpoint, port })));
}

function endpointRecords(
  knowledge: Knowledge,
  service: ServiceNames,
  label: string,
  name: string,
  type: number,
): readonly NamedRecord[] | undefined {
  const found = knowledge.endpoints(service, label);
  if (found.length === 0) return undefined;
  if (type === types.SRV) {
    const target = serviceName(service, knowledge.clusterDomain);
    return endpointServices(name, portsOf(knowledge, service, label), target);
  }
  // Those of headless Services stand in the tree.
  return service.kind === 'cluster' ? addressesOf(found, name) : undefined;
}

function addressesOf(
  found: readonly Pick<EndpointPort, 'slice' | 'endpoint'>[],
  name: string,
): readonly NamedRecord[] {
  return found.flatMap(({ slice, endpoint }) => {
    const address = parseAddress(endpoint.address);
    return address === undefined
      ? []
      : [{ name, data: addressData(address), from: fromEndpoint(slice, endpoint) }];
  });
}

/** The addresses of what a name's SRV records lead to, under the name itself. */
function portAddresses(knowledge: Knowledge, key: NameKey, type: number): readonly NamedRecord[] | undefined {
  if (type !== types.A && type !== types.AAAA) return undefined;
  const services = knowledge.tree.get(key)?.records ?? [];
  if (services.length === 0) return undefined;
  const targets = new Set(services.flatMap(({ data }) => (data.type === 'SRV' ? [data.target] : [])));
  const name = textOfName(key);
  return [...targets].flatMap(target =>
    knowledge
      .recordsAt(target)
      .filter(({ data }) => data.type === 'A' || data.type === 'AAAA')
      .map(record => ({ ...record, name })),
  );
}

/** `corp.zone-a.pin._zone`: a zone's name may have dots. No endpoint in it is NODATA, whatever the zone. */
function zonalRecords(
  knowledge: Knowledge,
  service: ServiceNames,
  labels: readonly string[],
  name: string,
): readonly NamedRecord[] | undefined {
  const [directive, anchor] = labels.slice(-2);
  if (!knowledge.rules.zonal || service.kind !== 'headless' || anchor !== zoneLabel) return undefined;
  if (directive !== 'pin' && directive !== 'prefer') return undefined;
  const zone = labels.slice(0, -2).join('.');
  const all = knowledge.endpoints(service);
  const within = all.filter(({ endpoint }) => endpoint.zone === zone);
  const chosen = within.length === 0 && directive === 'prefer' ? all : within;
  const ports = chosen.flatMap(({ slice, endpoint }) => slice.ports.map(port => ({ slice, endpoint, port })));
  const target = serviceName(service, knowledge.clusterDomain);
  return [...addressesOf(chosen, name), ...endpointServices(name, ports, target)];
}

/** `10-244-1-5.default.pod.cluster.local` says its address itself; the rules say for which addresses. */
function podRecords(knowledge: Knowledge, key: NameKey): readonly NamedRecord[] | undefined {
  const { pods } = knowledge.rules;
  const [label, namespace, more] = labelsAbove(key, knowledge.podsKey);
  if (pods === 'disabled' || label === undefined || namespace === undefined || more !== undefined)
    return undefined;
  if (knowledge.tree.get(parentKey(key)) === undefined) return undefined;
  const address = undash(label);
  if (address === undefined) return undefined;
  const name = textOfName(key);
  if (pods === 'insecure') {
    const from = { object: `Namespace/${namespace}`, field: 'metadata.name' };
    return [{ name, data: addressData(address), from }];
  }
  const pod = knowledge.podAt(namespace, formatAddress(address));
  if (pod === undefined) return undefined;
  return [
    {
      name,
      data: addressData(address),
      from: { object: `Pod/${namespace}/${pod}`, field: 'status.podIPs' },
    },
  ];
}

function reverseRecords(knowledge: Knowledge, key: NameKey): readonly NamedRecord[] | undefined {
  const name = textOfName(key);
  const address: Address | undefined = addressOfReverse(name);
  if (address === undefined) return undefined;
  const found = knowledge.endpointsAt(formatAddress(address));
  if (found.length === 0) return undefined;
  return found.map(({ slice, endpoint }) => {
    const service = serviceName({ name: slice.service, namespace: slice.namespace }, knowledge.clusterDomain);
    return {
      name,
      data: { type: 'PTR', target: `${endpoint.label}.${service}` },
      from: fromEndpoint(slice, endpoint),
    };
  });
}
