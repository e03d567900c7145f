import { parseAddress, formatAddress } from '../base/ip.ts';
import type { EndpointSlice, Endpoint } from '../kube/types/discovery.ts';
import { compileBackendTls } from './compile-backend-tls.ts';
import type { GatewayModel, GatewaySources } from './model.ts';
import type { TableBackend, TableEndpoint } from './table.ts';

export type BackendSources = Pick<
  GatewaySources,
  'service' | 'slices' | 'tlsPolicies' | 'configMap' | 'authorities'
>;

/**
 * One port of a Service, as the proxies of a Gateway see it. Its endpoints: the ready ones, or, where there are none, those
 * that still serve while they terminate (KEP-1669). Of a dual-stack Service only one family, its first that has any: the
 * same pods stand in both. A port that the Service has not has none. Undefined where there is no such Service.
 */
export function compileBackend(
  key: string,
  port: number,
  gateway: Pick<GatewayModel, 'clientCertificate'>,
  sources: BackendSources,
): TableBackend | undefined {
  const service = sources.service(key);
  if (service === undefined) return undefined;
  const slices = sources.slices(key);
  const { spec } = service;
  const entry = spec.ports?.find(
    candidate => candidate.port === port && (candidate.protocol ?? 'TCP') === 'TCP',
  );
  // An only port has no name: without an entry every slice would fit.
  if (entry === undefined) return { service: key, port, endpoints: [] };
  const families = [...new Set([...(spec.ipFamilies ?? []), 'IPv4', 'IPv6'])];
  const found = families.map(family =>
    endpointsOf(
      slices.filter(({ addressType }) => addressType === family),
      entry.name ?? '',
    ),
  );
  const endpoints =
    found.find(({ ready }) => ready.length > 0)?.ready ??
    found.find(({ draining }) => draining.length > 0)?.draining ??
    [];
  const tls = compileBackendTls(service, entry, gateway, sources);
  return {
    service: key,
    port,
    ...(entry.appProtocol === undefined ? {} : { appProtocol: entry.appProtocol }),
    ...(tls === undefined ? {} : { tls }),
    endpoints,
  };
}

function endpointsOf(
  slices: readonly EndpointSlice[],
  portName: string,
): { readonly ready: readonly TableEndpoint[]; readonly draining: readonly TableEndpoint[] } {
  const ready = new Map<string, TableEndpoint>();
  const draining = new Map<string, TableEndpoint>();
  for (const slice of slices) {
    const port = slice.ports?.find(
      candidate => (candidate.name ?? '') === portName && (candidate.protocol ?? 'TCP') === 'TCP',
    )?.port;
    if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65535) continue;
    for (const endpoint of slice.endpoints ?? []) {
      // The addresses of one endpoint are the same backend; the first counts (discovery/v1 Endpoint.addresses).
      const address = parseAddress(endpoint.addresses[0] ?? '');
      if (address === undefined) continue;
      const place = describe(endpoint, slice, formatAddress(address), port);
      const { ready: isReady = true, terminating = false } = endpoint.conditions ?? {};
      const isServing = endpoint.conditions?.serving ?? isReady;
      if (isReady) ready.set(`${place.address} ${port}`, place);
      else if (isServing && terminating) draining.set(`${place.address} ${port}`, place);
    }
  }
  return { ready: inOrder(ready), draining: inOrder(draining) };
}

function describe(endpoint: Endpoint, slice: EndpointSlice, address: string, port: number): TableEndpoint {
  const { targetRef } = endpoint;
  if (targetRef?.kind !== 'Pod' || targetRef.name === undefined) return { address, port };
  return { address, port, pod: `${targetRef.namespace ?? slice.metadata.namespace ?? ''}/${targetRef.name}` };
}

/** The same endpoints make the same table, in whatever order the slices came. */
function inOrder(places: ReadonlyMap<string, TableEndpoint>): readonly TableEndpoint[] {
  return [...places].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place);
}
