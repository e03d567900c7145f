import type { BackendObjectReference } from '../kube/types/gateway-routes.ts';
import { policyFor } from './compile-backend-tls.ts';
import { isGranted } from './compile-grants.ts';
import { GATEWAY_GROUP, bad } from './model.ts';
import type { GatewaySources, Route, Verdict } from './model.ts';
import { backendKey } from './table.ts';

export interface ResolvedBackend {
  /** A key of RouteTable.backends. */
  readonly key: string;
  /** `namespace/name`. */
  readonly service: string;
  readonly port: number;
}

/** Protocols over TLS, which need a policy that says how the backend is known; unknown names are hints (GEP-1911). */
const OVER_TLS = ['kubernetes.io/wss', 'https'];

/** Where a backendRef leads, or the verdict of ResolvedRefs that says why nowhere. */
export function resolveBackend(
  route: Route,
  reference: BackendObjectReference,
  field: string,
  sources: Pick<GatewaySources, 'service' | 'grants' | 'tlsPolicies'>,
): ResolvedBackend | Verdict {
  const own = route.metadata.namespace ?? '';
  const { group = '', kind = 'Service', namespace = own, name, port } = reference;
  const refuse = (reason: string, what: string) => bad(reason, `${field}: ${what}`);
  if (group !== '' || kind !== 'Service')
    return refuse(
      'InvalidKind',
      `${kind}${group === '' ? '' : `.${group}`} is no kind that requests can be sent to; a Service is`,
    );
  const from = { fromGroup: GATEWAY_GROUP, fromKind: route.kind, fromNamespace: own };
  // Before anything is said of the Service: whether it exists is its namespace's own affair.
  if (!isGranted({ ...from, group, kind, namespace, name }, at => sources.grants(at)))
    return refuse(
      'RefNotPermitted',
      `no ReferenceGrant in namespace ${namespace} lets ${route.kind}s of ${own} use Service ${name}`,
    );
  const key = `${namespace}/${name}`;
  const service = sources.service(key);
  if (service === undefined) return refuse('BackendNotFound', `there is no Service ${key}`);
  if (service.spec.type === 'ExternalName')
    return refuse('InvalidKind', `Service ${key} is an ExternalName, which requests are not sent to`);
  if (port === undefined) return refuse('BackendNotFound', 'a Service needs a port');
  const found = service.spec.ports?.filter(candidate => candidate.port === port) ?? [];
  const wanted = route.kind === 'UDPRoute' ? 'UDP' : 'TCP';
  const usable = found.find(({ protocol = 'TCP' }) => protocol === wanted);
  if (found.length === 0) return refuse('BackendNotFound', `Service ${key} has no port ${port}`);
  if (usable === undefined)
    return refuse('UnsupportedProtocol', `port ${port} of Service ${key} is no ${wanted} port`);
  // What the backend speaks where connections pass as octets is its clients' affair.
  const isRead = route.kind === 'HTTPRoute' || route.kind === 'GRPCRoute';
  const { appProtocol = '', name: portName } = usable;
  const needsPolicy = isRead && OVER_TLS.includes(appProtocol.toLowerCase());
  if (needsPolicy && policyFor(sources.tlsPolicies?.(key) ?? [], key, portName) === undefined)
    return refuse(
      'UnsupportedProtocol',
      `port ${port} of Service ${key} speaks ${appProtocol}, and no BackendTLSPolicy says how it is known`,
    );
  return { key: backendKey(namespace, name, port), service: key, port };
}
