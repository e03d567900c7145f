import { parseAddress, parsePrefix } from '../../../base/ip.ts';
import type { EndpointSlice } from '../../../kube/types/discovery.ts';
import type { HTTPRoute } from '../../../kube/types/gateway-routes.ts';
import type { Gateway } from '../../../kube/types/gateway.ts';
import type { NetworkPolicy, NetworkPolicySpec } from '../../../kube/types/networking.ts';
import type { Node } from '../../../kube/types/node.ts';
import type { Pod } from '../../../kube/types/pod.ts';
import type { Service } from '../../../kube/types/service.ts';
import type { TraceObjects } from '../cluster.ts';

/**
 * A small shop on two nodes, for tests: a Gateway leads to `web`, `web` to `api`, `api` to `db` in the namespace `data`.
 * Every namespace denies by default. Nothing of it is read from a cluster.
 */
export const gatewayAddress = '172.30.200.1';

const labelsOf = (name: string) => ({ 'kubernetes.io/metadata.name': name });

const node = (number: number): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: `node-${number}` },
  spec: { podCIDRs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`] },
  status: {
    addresses: [
      { type: 'InternalIP', address: `172.30.0.${number}` },
      { type: 'InternalIP', address: `fd00:172:30::${number}` },
    ],
    conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: '', lastTransitionTime: '' }],
  },
});

/** `shop/web-1`: the number is that of its node. */
export function pod(key: string, host: number, extra: Partial<Pod['spec']> = {}): Pod {
  const [namespace = '', name = ''] = key.split('/');
  const app = name.replace(/-\d+$/, '');
  const [, , nodeNumber = '1'] = /^(.*)-(\d+)$/.exec(name) ?? [];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels: { app }, uid: key },
    spec: {
      nodeName: `node-${nodeNumber}`,
      containers: [{ name: 'main', image: 'echo', ports: [{ name: 'http', containerPort: 8080 }] }],
      ...extra,
    },
    status: {
      phase: 'Running',
      podIPs: [
        { ip: `10.244.${nodeNumber}.${host}` },
        { ip: `fd00:10:244:${nodeNumber}::${host.toString(16)}` },
      ],
    },
  };
}

function service(key: string, clusterIPs: readonly string[], extra: Partial<Service['spec']> = {}): Service {
  const [namespace = '', name = ''] = key.split('/');
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: {
      clusterIPs,
      selector: { app: name },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
      ...extra,
    },
  };
}

function slices(of: Service, pods: readonly Pod[], port: number, ready = true): readonly EndpointSlice[] {
  const { name, namespace = '' } = of.metadata;
  return ([4, 6] as const).map(family => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-${family}`, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: family === 4 ? 'IPv4' : 'IPv6',
    ports: [{ name: of.spec.ports?.[0]?.name ?? '', port, protocol: 'TCP' }],
    endpoints: pods.map(({ metadata, spec, status }) => ({
      addresses: [status?.podIPs?.[family === 4 ? 0 : 1]?.ip ?? ''],
      conditions: { ready, serving: ready, terminating: false },
      ...(spec.nodeName === undefined ? {} : { nodeName: spec.nodeName }),
      targetRef: { kind: 'Pod', name: metadata.name, namespace: metadata.namespace ?? '' },
    })),
  }));
}

export function policy(key: string, spec: NetworkPolicySpec): NetworkPolicy {
  const [namespace = '', name = ''] = key.split('/');
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace, uid: key },
    spec,
  };
}

const app = (name: string) => ({ podSelector: { matchLabels: { app: name } } });
const http = [{ port: 'http' }];

const policies = (): readonly NetworkPolicy[] => [
  ...['shop', 'data'].map(namespace =>
    policy(`${namespace}/default-deny`, { podSelector: {}, policyTypes: ['Ingress', 'Egress'] }),
  ),
  policy('shop/allow-dns', {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      {
        to: [
          {
            namespaceSelector: { matchLabels: labelsOf('kube-system') },
            podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
          },
        ],
        ports: [{ port: 53, protocol: 'UDP' }],
      },
    ],
  }),
  policy('shop/gateway', {
    podSelector: { matchLabels: { app: 'proxy' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ ports: [{ port: 80 }] }],
    egress: [{ to: [app('web')], ports: http }],
  }),
  policy('shop/web', {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [app('proxy')], ports: http }],
    egress: [{ to: [app('api')], ports: http }],
  }),
  policy('shop/api', {
    podSelector: { matchLabels: { app: 'api' } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [app('web')], ports: http }],
    egress: [{ to: [{ namespaceSelector: { matchLabels: labelsOf('data') }, ...app('db') }], ports: http }],
  }),
  policy('data/db', {
    podSelector: { matchLabels: { app: 'db' } },
    policyTypes: ['Ingress'],
    ingress: [
      { from: [{ namespaceSelector: { matchLabels: labelsOf('shop') }, ...app('api') }], ports: http },
    ],
  }),
];

const gateway: Gateway = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name: 'shop', namespace: 'shop' },
  spec: {
    gatewayClassName: 'fairlead',
    listeners: [{ name: 'http', port: 80, protocol: 'HTTP', hostname: 'shop.example.com' }],
  },
  status: { addresses: [{ type: 'IPAddress', value: gatewayAddress }] },
};

const route: HTTPRoute = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'web', namespace: 'shop' },
  spec: {
    parentRefs: [{ name: 'shop' }],
    hostnames: ['shop.example.com'],
    rules: [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/shop' } }],
        backendRefs: [{ name: 'web', port: 80, weight: 3 }],
      },
      {
        matches: [{ path: { type: 'PathPrefix', value: '/old' } }],
        filters: [
          { type: 'RequestRedirect', requestRedirect: { hostname: 'new.example.com', statusCode: 301 } },
        ],
      },
    ],
  },
};

export function shop(): TraceObjects {
  const web = service('shop/web', ['10.96.0.1', 'fd00:10:96::1']);
  const api = service('shop/api', ['10.96.0.2', 'fd00:10:96::2']);
  const db = service('data/db', ['10.96.0.3', 'fd00:10:96::3']);
  const idle = service('shop/idle', ['10.96.0.4', 'fd00:10:96::4'], { selector: { app: 'nobody' } });
  const dns = service('kube-system/kube-dns', ['10.96.0.10', 'fd00:10:96::a'], {
    selector: { 'k8s-app': 'kube-dns' },
    ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
  });
  const proxies: Service = {
    ...service('shop/shop-fairlead', ['10.96.0.5'], {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      selector: { app: 'proxy' },
    }),
    metadata: {
      name: 'shop-fairlead',
      namespace: 'shop',
      labels: { 'gateway.networking.k8s.io/gateway-name': 'shop' },
    },
    status: { loadBalancer: { ingress: [{ ip: gatewayAddress, ipMode: 'VIP' }] } },
  };
  const pods = {
    web: [pod('shop/web-1', 11), pod('shop/web-2', 11)],
    api: [pod('shop/api-1', 12), pod('shop/api-2', 12)],
    db: [pod('data/db-1', 13), pod('data/db-2', 13)],
    proxy: [pod('shop/proxy-1', 14)],
  };
  return {
    pods: Object.values(pods).flat(),
    nodes: [node(1), node(2)],
    namespaces: ['shop', 'data', 'kube-system'].map(name => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels: labelsOf(name) },
    })),
    services: [web, api, db, idle, dns, proxies],
    endpointSlices: [
      ...slices(web, pods.web, 8080),
      ...slices(api, pods.api, 8080),
      ...slices(db, pods.db, 8080),
      ...slices(proxies, pods.proxy, 80),
    ],
    networkPolicies: policies(),
    gatewayClasses: [
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        metadata: { name: 'fairlead' },
        spec: { controllerName: 'fairlead.dev/gateway-controller' },
      },
    ],
    gateways: [gateway],
    listenerSets: [],
    httpRoutes: [route],
    grpcRoutes: [],
    tlsRoutes: [],
    backendTlsPolicies: [],
    ingressClasses: [],
    ingresses: [],
    referenceGrants: [],
    facts: {
      clusterDomain: 'cluster.local',
      servicePrefixes: ['10.96.0.0/16', 'fd00:10:96::/112'].flatMap(text => parsePrefix(text) ?? []),
      links: [
        {
          name: 'link 1',
          prefixes: ['172.30.0.0/16', 'fd00:172:30::/64'].flatMap(text => parsePrefix(text) ?? []),
        },
      ],
      world: ['172.30.250.1'].flatMap(text => parseAddress(text) ?? []),
    },
  };
}
