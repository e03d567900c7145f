import { objectNameOf } from '../../base/provenance.ts';
import {
  INGRESS_CLASS_LABEL,
  attach,
  classNameOf,
  compileBackend,
  compileIngresses,
  compileTable,
  ingressKey,
  isOurIngressClass,
  isOurs,
  readGateway,
  readRoute,
} from '../../gateway/index.ts';
import type { AttachedRoute, GatewaySources } from '../../gateway/index.ts';
import { indexTable } from '../../gateway/lookup/index.ts';
import type { TableIndex } from '../../gateway/lookup/index.ts';
import type { ConfigMap, Secret } from '../../kube/types/config.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { IngressClass } from '../../kube/types/networking.ts';
import type { Service } from '../../kube/types/service.ts';
import type { TraceObjects } from './cluster.ts';
import { canonical } from './addresses.ts';

/** A Gateway of ours, or a class of Ingresses, with the table that its proxies have. */
export interface TracedGateway {
  /** `namespace/name` of a Gateway, `IngressClass/name`. */
  readonly key: string;
  /** `Gateway/namespace/name`, `IngressClass/name` */
  readonly object: string;
  readonly index: TableIndex;
  /** `status.addresses`, those that are addresses. */
  readonly addresses: readonly string[];
  /** What its status says that does not hold, and routes that do not stand on it, in sentences. */
  readonly problems: readonly string[];
}

/** Marks what is made for a Gateway, with the Gateway's name (GEP-1762). */
const GATEWAY_LABEL = 'gateway.networking.k8s.io/gateway-name';

/** Every Gateway of our classes, compiled as its proxies' agents compile it, without its private keys. */
export function readGateways(objects: TraceObjects): ReadonlyMap<string, TracedGateway> {
  const classes = new Set(objects.gatewayClasses.filter(isOurs).map(({ metadata }) => metadata.name));
  const gateways = objects.gateways.filter(({ spec }) => classes.has(spec.gatewayClassName));
  // A class that nobody uses has no proxies.
  const used = new Set(objects.ingresses.map(classNameOf));
  const ingressClasses = objects.ingressClasses.filter(
    one => isOurIngressClass(one) && used.has(one.metadata.name),
  );
  if (gateways.length + ingressClasses.length === 0) return new Map();
  const sources = sourcesOf(objects);
  const routes = [...objects.httpRoutes, ...objects.grpcRoutes, ...objects.tlsRoutes].map(route =>
    readRoute(route, sources),
  );
  return new Map<string, TracedGateway>([
    ...gateways.map(gateway => {
      const model = readGateway(gateway, sources);
      const attached = routes.map(route => ({ route, attachments: attach(route, model, sources) }));
      const addresses = (gateway.status?.addresses ?? []).flatMap(({ value }) => canonical(value));
      const index = indexTable(compileTable(model, attached, sources));
      const problems = [...problemsOf(gateway), ...attached.flatMap(problemsOfRoute)];
      const object = `Gateway/${model.key}`;
      return [model.key, { key: model.key, object, index, addresses, problems }] as const;
    }),
    ...ingressClasses.map(one => readIngressClass(one, objects, sources)),
  ]);
}

/** A class of ours with all of its Ingresses. */
function readIngressClass(
  ingressClass: IngressClass,
  objects: TraceObjects,
  sources: GatewaySources,
): readonly [string, TracedGateway] {
  const { name } = ingressClass.metadata;
  const key = ingressKey(name);
  const own = objects.ingresses.filter(ingress => classNameOf(ingress) === name);
  const { backends, problems, ...routing } = compileIngresses(ingressClass, own, sources);
  const served = [...backends].map(([id, { port, service }]) => {
    const found = compileBackend(service, port, { clientCertificate: undefined }, sources);
    return [id, found ?? { service, port, endpoints: [] }] as const;
  });
  const addresses = objects.services
    .filter(service => gatewayBehind(service) === key)
    .flatMap(({ status }) => (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = '' }) => canonical(ip)));
  return [
    key,
    {
      key,
      object: key,
      index: indexTable({ ...routing, backends: Object.fromEntries(served) }),
      addresses,
      problems: problems.map(
        ({ provenance, sentence }) => `${objectNameOf(provenance)} ${provenance.field}: ${sentence}`,
      ),
    },
  ];
}

/** Whose proxies stand behind a Service: the key of a `TracedGateway`. */
export function gatewayBehind({ metadata }: Service): string | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === 'IngressClass');
  if (owner !== undefined && metadata.labels?.[INGRESS_CLASS_LABEL] !== undefined)
    return ingressKey(owner.name);
  const name = metadata.labels?.[GATEWAY_LABEL];
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`;
}

function problemsOf({ metadata, status }: Gateway): readonly string[] {
  const conditions = [
    ...(status?.conditions ?? []).map(condition => ({ of: 'Gateway', condition })),
    ...(status?.listeners ?? []).flatMap(({ conditions: own, name }) =>
      own.map(condition => ({ of: `listener ${name}`, condition })),
    ),
  ];
  return conditions
    .filter(({ condition: { status: holds, type } }) => holds === 'False' && expected.has(type))
    .map(
      ({ condition: { message, reason, type }, of }) =>
        `${of === 'Gateway' ? `Gateway ${metadata.name}` : of} is not ${type} (${reason}): ${message}`,
    );
}

/** Why a route that names this Gateway does not stand on it, or does not lead where it should. */
function problemsOfRoute({ attachments, route }: AttachedRoute): readonly string[] {
  if (attachments.length === 0) return [];
  const { kind, metadata } = route.route;
  const name = `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
  return [
    ...attachments
      .filter(({ verdict }) => !verdict.holds)
      .map(
        ({ index, verdict }) => `${name} spec.parentRefs[${index}] (${verdict.reason}): ${verdict.message}`,
      ),
    ...(route.resolvedRefs.holds
      ? []
      : [`${name} (${route.resolvedRefs.reason}): ${route.resolvedRefs.message}`]),
  ];
}

const expected = new Set(['Accepted', 'Programmed', 'ResolvedRefs']);

function sourcesOf(objects: TraceObjects): GatewaySources {
  const keyOf = ({ metadata }: Service) => `${metadata.namespace ?? ''}/${metadata.name}`;
  const namespaces = new Map(objects.namespaces.map(namespace => [namespace.metadata.name, namespace]));
  const services = new Map(objects.services.map(service => [keyOf(service), service]));
  const slices = Map.groupBy(
    objects.endpointSlices,
    (slice: EndpointSlice) =>
      `${slice.metadata.namespace ?? ''}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`,
  );
  const sets = Map.groupBy(objects.listenerSets, ({ metadata, spec: { parentRef } }) =>
    [parentRef.namespace ?? metadata.namespace ?? '', parentRef.name].join('/'),
  );
  const grants = Map.groupBy(objects.referenceGrants, grant => grant.metadata.namespace ?? '');
  return {
    namespace: name => namespaces.get(name),
    service: key => services.get(key),
    slices: key => slices.get(key) ?? [],
    grants: namespace => grants.get(namespace) ?? [],
    // Nobody needs a private key to explain: whether a certificate can be used stands in the listener's status.
    secret: key => (unusableSecrets(objects).has(key) ? undefined : namedSecret(key)),
    certificate: ({ metadata }) => ({
      certificate: { id: `${metadata.namespace ?? ''}/${metadata.name}`, chain: '', key: '' },
    }),
    // Nor the certificates of authorities: what is wrong with them stands in the policy's status.
    configMap: key => namedConfigMap(key),
    authorities: () => ({ authorities: '' }),
    listenerSets: gateway => sets.get(gateway) ?? [],
    tlsPolicies: service => policiesOf(objects, service),
  };
}

/** Those of listeners whose status says that a reference does not lead to a certificate. */
function unusableSecrets({ gateways }: TraceObjects): ReadonlySet<string> {
  const keys = gateways.flatMap(({ metadata, spec, status }) =>
    spec.listeners
      .filter(({ name }) =>
        status?.listeners
          ?.find(listener => listener.name === name)
          ?.conditions.some(
            ({ reason, status: holds, type }) =>
              type === 'ResolvedRefs' && holds === 'False' && reason === 'InvalidCertificateRef',
          ),
      )
      .flatMap(({ tls }) =>
        (tls?.certificateRefs ?? []).map(
          ({ name, namespace = metadata.namespace ?? '' }) => `${namespace}/${name}`,
        ),
      ),
  );
  return new Set(keys);
}

/** Those that name a Service of their namespace (BackendTLSPolicy.spec.targetRefs). */
const policiesOf = ({ backendTlsPolicies }: TraceObjects, service: string) =>
  backendTlsPolicies.filter(({ metadata, spec }) =>
    spec.targetRefs.some(
      ({ kind, name }) => kind === 'Service' && `${metadata.namespace ?? ''}/${name}` === service,
    ),
  );

function namedConfigMap(key: string): ConfigMap {
  const [namespace = '', name = ''] = key.split('/');
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name } };
}

function namedSecret(key: string): Secret {
  const [namespace = '', name = ''] = key.split('/');
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { namespace, name } };
}
