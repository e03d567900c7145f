/** Objects of the Gateway API as a server would have filled them, and what they come to together. For tests. */
import type { ConfigMap, Namespace, Secret } from '../../kube/types/config.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { BackendTLSPolicy, BackendTLSPolicySpec } from '../../kube/types/gateway-policies.ts';
import type {
  GRPCRoute,
  GRPCRouteRule,
  GRPCRouteSpec,
  HTTPRoute,
  HTTPRouteRule,
  HTTPRouteSpec,
  StreamRouteSpec,
  TCPRoute,
  UDPRoute,
} from '../../kube/types/gateway-routes.ts';
import type {
  Gateway,
  GatewayClass,
  GatewaySpec,
  Listener,
  ListenerSet,
  ReferenceGrant,
} from '../../kube/types/gateway.ts';
import type { ObjectMeta } from '../../kube/types/meta.ts';
import type { Service, ServicePort, ServiceSpec } from '../../kube/types/service.ts';
import { createAuthoritiesReader } from '../authorities.ts';
import { createCertificateReader } from '../certificate.ts';
import type { LiveSources } from '../live-table.ts';
import { gatewayOfSet, parentsOf, routeKey, servicesOfPolicy } from '../compile-keys.ts';
import { CONTROLLER_NAME, setParent } from '../model.ts';
import type { Route } from '../model.ts';

export type ClusterObject =
  | Gateway
  | GatewayClass
  | HTTPRoute
  | GRPCRoute
  | ReferenceGrant
  | Namespace
  | Service
  | EndpointSlice
  | Secret
  | ConfigMap
  | TCPRoute
  | UDPRoute
  | ListenerSet
  | BackendTLSPolicy;

const GROUP = 'gateway.networking.k8s.io';
let lastUid = 0;

/** `shop/web`, or `web` for one without a namespace. */
function metadataOf(key: string, more: Partial<ObjectMeta> = {}): ObjectMeta {
  const [first = '', second] = key.split('/');
  const own = second === undefined ? { name: first } : { namespace: first, name: second };
  return {
    uid: `uid-${++lastUid}`,
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...own,
    ...more,
  };
}

export const fairlead: GatewayClass = {
  apiVersion: `${GROUP}/v1`,
  kind: 'GatewayClass',
  metadata: metadataOf('fairlead'),
  spec: { controllerName: CONTROLLER_NAME },
};

export const http = (name: string, more: Partial<Listener> = {}): Listener => ({
  name,
  port: 80,
  protocol: 'HTTP',
  allowedRoutes: { namespaces: { from: 'Same' } },
  ...more,
});

export const https = (name: string, secret: string, more: Partial<Listener> = {}): Listener => ({
  name,
  port: 443,
  protocol: 'HTTPS',
  tls: { mode: 'Terminate', certificateRefs: [{ group: '', kind: 'Secret', name: secret }] },
  allowedRoutes: { namespaces: { from: 'Same' } },
  ...more,
});

export const gateway = (
  key: string,
  listeners: readonly Listener[],
  more: Partial<GatewaySpec> = {},
): Gateway => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'Gateway',
  metadata: metadataOf(key),
  spec: { gatewayClassName: 'fairlead', listeners, ...more },
});

/** Of Gateway `edge` in its own namespace unless `spec.parentRefs` says otherwise. */
export const route = (
  key: string,
  rules: readonly HTTPRouteRule[],
  spec: Partial<HTTPRouteSpec> = {},
  metadata: Partial<ObjectMeta> = {},
): HTTPRoute => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'HTTPRoute',
  metadata: metadataOf(key, metadata),
  spec: { parentRefs: [{ group: GROUP, kind: 'Gateway', name: 'edge' }], rules, ...spec },
});

/** The same for calls of gRPC. */
export const grpcRoute = (
  key: string,
  rules: readonly GRPCRouteRule[],
  spec: Partial<GRPCRouteSpec> = {},
  metadata: Partial<ObjectMeta> = {},
): GRPCRoute => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'GRPCRoute',
  metadata: metadataOf(key, metadata),
  spec: { parentRefs: [{ group: GROUP, kind: 'Gateway', name: 'edge' }], rules, ...spec },
});

/** A rule for everything below a path that leads to port 80 of a Service. */
export const to = (service: string, path = '/'): HTTPRouteRule => ({
  matches: [{ path: { type: 'PathPrefix', value: path } }],
  backendRefs: [{ group: '', kind: 'Service', name: service, port: 80, weight: 1 }],
});

export const service = (
  key: string,
  ports: readonly ServicePort[] = [{ port: 80, protocol: 'TCP' }],
  more: Partial<ServiceSpec> = {},
): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: metadataOf(key),
  spec: { type: 'ClusterIP', ports, ipFamilies: ['IPv4'], ...more },
});

export const slice = (
  serviceKey: string,
  addresses: readonly string[],
  more: Partial<Pick<EndpointSlice, 'addressType' | 'ports' | 'endpoints'>> = {},
): EndpointSlice => {
  const [namespace = '', name = ''] = serviceKey.split('/');
  const suffix = more.addressType ?? 'IPv4';
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: metadataOf(`${namespace}/${name}-${suffix.toLowerCase()}`, {
      labels: { 'kubernetes.io/service-name': name },
    }),
    addressType: 'IPv4',
    endpoints: addresses.map(address => ({ addresses: [address] })),
    ports: [{ port: 3000, protocol: 'TCP' }],
    ...more,
  };
};

export const namespace = (name: string, labels: Readonly<Record<string, string>> = {}): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: metadataOf(name, { labels }),
});

export const grant = (
  key: string,
  from: { readonly kind: string; readonly namespace: string },
  target: { readonly kind: string; readonly name?: string },
): ReferenceGrant => ({
  apiVersion: `${GROUP}/v1beta1`,
  kind: 'ReferenceGrant',
  metadata: metadataOf(key),
  spec: { from: [{ group: GROUP, ...from }], to: [{ group: '', ...target }] },
});

export const tlsSecret = (
  key: string,
  certificate: string,
  privateKey: string,
  type = 'kubernetes.io/tls',
): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: metadataOf(key),
  type,
  data: {
    'tls.crt': Buffer.from(certificate).toString('base64'),
    'tls.key': Buffer.from(privateKey).toString('base64'),
  },
});

/** A ConfigMap with authorities. */
export const configMap = (key: string, authorities: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: metadataOf(key),
  data: { 'ca.crt': authorities },
});

/** Of Gateway `edge` in its own namespace, to port 80 of Services with these weights, unless `spec` says otherwise. */
export const streamRoute = <Kind extends 'TCPRoute' | 'UDPRoute'>(
  kind: Kind,
  key: string,
  weights: Readonly<Record<string, number>>,
  spec: Partial<StreamRouteSpec> = {},
  metadata: Partial<ObjectMeta> = {},
) => ({
  apiVersion: `${GROUP}/v1` as const,
  kind,
  metadata: metadataOf(key, metadata),
  spec: {
    parentRefs: [{ group: GROUP, kind: 'Gateway', name: 'edge' }],
    rules: [
      {
        backendRefs: Object.entries(weights).map(([name, weight]) => ({
          group: '',
          kind: 'Service',
          name,
          port: 80,
          weight,
        })),
      },
    ],
    ...spec,
  },
});

/** Of Gateway `edge` in its own namespace unless `parent` says otherwise. */
export const listenerSet = (
  key: string,
  listeners: readonly Listener[],
  metadata: Partial<ObjectMeta> = {},
  parent: Partial<ListenerSet['spec']['parentRef']> = {},
): ListenerSet => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'ListenerSet',
  metadata: metadataOf(key, metadata),
  spec: { parentRef: { group: GROUP, kind: 'Gateway', name: 'edge', ...parent }, listeners },
});

/** For a Service of its namespace. */
export const tlsPolicy = (
  key: string,
  target: { readonly name: string; readonly sectionName?: string },
  validation: Partial<BackendTLSPolicySpec['validation']> = {},
  metadata: Partial<ObjectMeta> = {},
): BackendTLSPolicy => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'BackendTLSPolicy',
  metadata: metadataOf(key, metadata),
  spec: {
    targetRefs: [{ group: '', kind: 'Service', ...target }],
    validation: {
      hostname: 'inner.example.com',
      caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }],
      ...validation,
    },
  },
});

const keyOf = ({ metadata: { namespace: of = '', name } }: ClusterObject): string =>
  of === '' ? name : `${of}/${name}`;

/** The objects as what a model reads from. */
export function sourcesOf(objects: readonly ClusterObject[]): LiveSources {
  const find = <Kind extends ClusterObject['kind']>(kind: Kind, key: string) =>
    objects.find(
      (object): object is Extract<ClusterObject, { readonly kind: Kind }> =>
        object.kind === kind && keyOf(object) === key,
    );
  const all = <Kind extends ClusterObject['kind']>(kind: Kind) =>
    objects.filter(
      (object): object is Extract<ClusterObject, { readonly kind: Kind }> => object.kind === kind,
    );
  const routes = (): readonly Route[] => [
    ...all('HTTPRoute'),
    ...all('GRPCRoute'),
    ...all('TCPRoute'),
    ...all('UDPRoute'),
  ];
  return {
    gatewayClass: name => (name === 'fairlead' ? fairlead : find('GatewayClass', name)),
    gateway: key => find('Gateway', key),
    route: key => routes().find(object => routeKey(object) === key),
    routesOf: key => {
      const sets = all('ListenerSet').filter(set => gatewayOfSet(set) === key);
      const parents = [key, ...sets.map(set => setParent(keyOf(set)))];
      return routes()
        .filter(object => parentsOf(object).some(parent => parents.includes(parent)))
        .map(routeKey);
    },
    listenerSets: key => all('ListenerSet').filter(set => gatewayOfSet(set) === key),
    tlsPolicies: key => all('BackendTLSPolicy').filter(policy => servicesOfPolicy(policy).includes(key)),
    configMap: key => find('ConfigMap', key),
    authorities: createAuthoritiesReader(),
    namespace: name => find('Namespace', name),
    service: key => find('Service', key),
    slices: key =>
      all('EndpointSlice').filter(
        ({ metadata }) => `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}` === key,
      ),
    secret: key => find('Secret', key),
    grants: of => all('ReferenceGrant').filter(({ metadata }) => metadata.namespace === of),
    certificate: createCertificateReader(),
  };
}
