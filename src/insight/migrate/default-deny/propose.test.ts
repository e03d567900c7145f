import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyObjects } from '../../../policy/index.ts';
import { proveProposal } from './prove.ts';
import { proposeDefaultDeny } from './propose.ts';
import type { DefaultDenyObjects } from './propose.ts';

interface TestPod {
  readonly name: string;
  readonly namespace?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly account?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

const podOf = ({ account, env = {}, labels, name, namespace = 'shop' }: TestPod, at: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace, uid: name, labels: labels ?? { app: name, 'pod-template-hash': 'x1' } },
  spec: {
    nodeName: 'node-1',
    ...(account === undefined ? {} : { serviceAccountName: account }),
    containers: [
      {
        name: 'main',
        ports: [{ name: 'http', containerPort: 8080 }],
        env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
      },
    ],
  },
  status: { podIPs: [{ ip: `10.244.0.${at + 2}` }] },
});

const serviceOf = (name: string, namespace = 'shop', spec: object = {}) => ({
  metadata: { name, namespace },
  spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 'http' }], ...spec },
});

const dns = {
  metadata: { name: 'dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
  spec: { containers: [], nodeName: 'node-1' },
  status: { podIPs: [{ ip: '10.244.9.9' }] },
};

function cluster(pods: readonly TestPod[], services: readonly object[], more: object = {}) {
  // Test objects hold what is read and no more.
  return {
    pods: [...pods.map(podOf), dns],
    namespaces: ['shop', 'data', 'kube-system'].map(name => ({
      metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
    })),
    services,
    endpointSlices: [],
    configMaps: [],
    gateways: [],
    httpRoutes: [],
    grpcRoutes: [],
    tlsRoutes: [],
    tcpRoutes: [],
    udpRoutes: [],
    ingresses: [],
    policies: [],
    nodes: [],
    nodeLocalServices: [],
    ...more,
  } as unknown as DefaultDenyObjects & PolicyObjects;
}

const propose = (objects: DefaultDenyObjects, namespaces: readonly string[] = []) =>
  proposeDefaultDeny(objects, { namespaces, clusterDomain: 'cluster.local' });

const names = (objects: DefaultDenyObjects, namespaces?: readonly string[]) =>
  propose(objects, namespaces).policies.map(
    ({ policy: { metadata } }) => `${metadata.namespace ?? ''}/${metadata.name}`,
  );

test('what a setting names is opened at both ends, across namespaces, and the engine allows it', () => {
  const objects = cluster(
    [
      { name: 'web', env: { UPSTREAM: 'http://api.data/' } },
      { name: 'api', namespace: 'data' },
    ],
    [serviceOf('web'), serviceOf('api', 'data')],
  );
  const proposal = propose(objects);
  assert.deepEqual(names(objects), [
    'data/allow-dns',
    'data/api-ingress',
    'data/default-deny',
    'shop/allow-dns',
    'shop/web-egress',
    'shop/default-deny',
  ]);
  assert.deepEqual(proveProposal(objects, proposal), { asked: 1, denied: [] });
});

test('a policy names the labels that last, not those of a revision', () => {
  const objects = cluster(
    [{ name: 'web', env: { API_URL: 'http://api' } }, { name: 'api' }],
    [serviceOf('api')],
  );
  const { policies } = propose(objects);
  assert.deepEqual(
    policies.find(({ policy }) => policy.metadata.name === 'web-egress')?.policy.spec.podSelector,
    {
      matchLabels: { app: 'web' },
    },
  );
});

test('a word that a Service happens to be called opens nothing', () => {
  const objects = cluster(
    [{ name: 'web', env: { MODE: 'api', API_HOST: 'db' } }, { name: 'api' }, { name: 'db' }],
    [serviceOf('api'), serviceOf('db')],
  );
  assert.deepEqual(
    propose(objects).edges.map(({ because }) => because),
    ['env API_HOST of container main names db'],
  );
});

test('the world gets in by load balancers, in their source ranges, and out to what has a name and a port', () => {
  const objects = cluster(
    [{ name: 'web', env: { PAY: 'https://pay.example.com/v1' } }],
    [serviceOf('web', 'shop', { type: 'LoadBalancer', loadBalancerSourceRanges: ['192.0.2.0/24'] })],
  );
  const { policies } = propose(objects);
  const of = (name: string) => policies.find(({ policy }) => policy.metadata.name === name)?.policy.spec;
  assert.deepEqual(of('web-ingress')?.ingress?.[0]?.from, [{ ipBlock: { cidr: '192.0.2.0/24' } }]);
  assert.deepEqual(of('web-egress')?.egress?.[0]?.ports, [{ protocol: 'TCP', port: 443 }]);
  assert.equal(of('web-egress')?.egress?.[0]?.to?.[0]?.ipBlock?.except?.includes('10.0.0.0/8'), true);
});

test('a Gateway’s proxies reach what its routes lead to, also before there are any', () => {
  const objects = cluster([{ name: 'web' }], [serviceOf('web')], {
    gateways: [{ metadata: { name: 'edge', namespace: 'shop' }, spec: { listeners: [{ port: 443 }] } }],
    httpRoutes: [
      {
        metadata: { name: 'web', namespace: 'shop' },
        spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] },
      },
    ],
  });
  assert.deepEqual(names(objects), [
    'shop/allow-dns',
    'shop/web-ingress',
    'shop/edge-ingress',
    'shop/edge-egress',
    'shop/default-deny',
  ]);
});

test('pods with an account of their own reach the API server where its addresses are known', () => {
  const objects = cluster([{ name: 'operator', account: 'operator' }], [], {
    endpointSlices: [
      {
        metadata: {
          name: 'kubernetes',
          namespace: 'default',
          labels: { 'kubernetes.io/service-name': 'kubernetes' },
        },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['172.30.255.254'] }],
        ports: [{ port: 6443 }],
      },
    ],
  });
  const { policies } = propose(objects);
  assert.deepEqual(
    policies.find(({ policy }) => policy.metadata.name === 'operator-egress')?.policy.spec.egress,
    [{ to: [{ ipBlock: { cidr: '172.30.255.254/32' } }], ports: [{ protocol: 'TCP', port: 6443 }] }],
  );
});

test('what nothing declares, and pods without labels, are for a person', () => {
  const objects = cluster([{ name: 'batch' }, { name: 'bare', labels: {} }], []);
  const { open } = propose(objects);
  assert.ok(open.some(sentence => sentence.startsWith('shop/bare has no labels')));
  assert.ok(open.some(sentence => sentence.includes('shop/batch')));
});

test('the system’s namespaces are left alone unless they are named', () => {
  const objects = cluster([{ name: 'web' }], []);
  assert.ok(!names(objects).some(name => name.startsWith('kube-system/')));
  assert.ok(names(objects, ['kube-system']).includes('kube-system/default-deny'));
});

test('a policy above the proposal that denies what is declared is found', () => {
  const objects = cluster(
    [{ name: 'web', env: { API_URL: 'http://api' } }, { name: 'api' }],
    [serviceOf('api')],
    {
      clusterPolicies: [
        {
          metadata: { name: 'never', uid: 'never' },
          spec: {
            tier: 'Admin',
            priority: 1,
            subject: { namespaces: {} },
            ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }],
          },
        },
      ],
    },
  );
  const proof = proveProposal(objects, propose(objects));
  assert.equal(proof.denied.length, 1);
  assert.match(proof.denied[0] ?? '', /shop\/web → shop\/api:8080: shop\/api does not let it in/);
});

const leadsTo = (name: string, spec: object = {}, port = 80) => ({
  metadata: { name, namespace: 'shop' },
  spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'web', port }] }], ...spec },
});

/** In a NetworkPolicy a rule without peers is for everybody, and one without ports for every port. */
function* tooWide(objects: DefaultDenyObjects): Generator<string> {
  for (const { policy } of propose(objects).policies)
    for (const { ports = [], ...rule } of [
      ...(policy.spec.ingress ?? []).map(({ from, ports: p }) => ({ peers: from, ports: p ?? [] })),
      ...(policy.spec.egress ?? []).map(({ ports: p, to }) => ({ peers: to, ports: p ?? [] })),
    ])
      if (ports.length === 0 || (rule.peers ?? []).length === 0) yield policy.metadata.name;
}

for (const [what, objects] of Object.entries({
  'a route without a Gateway': cluster([{ name: 'web' }], [serviceOf('web')], {
    httpRoutes: [leadsTo('web', { parentRefs: undefined })],
  }),
  'a route of a mesh': cluster([{ name: 'web' }], [serviceOf('web')], {
    httpRoutes: [leadsTo('web', { parentRefs: [{ kind: 'Service', name: 'web' }] })],
  }),
  'a route to a port that the Service has not': cluster([{ name: 'web' }], [serviceOf('web')], {
    gateways: [
      {
        metadata: { name: 'edge', namespace: 'shop' },
        spec: { listeners: [{ port: 443, protocol: 'HTTPS' }] },
      },
    ],
    httpRoutes: [leadsTo('web', {}, 81)],
  }),
  'a Service without ports': cluster(
    [{ name: 'web' }],
    [serviceOf('web', 'shop', { type: 'LoadBalancer', ports: undefined })],
  ),
  'a Gateway without listeners': cluster([{ name: 'web' }], [], {
    gateways: [{ metadata: { name: 'edge', namespace: 'shop' }, spec: { listeners: [] } }],
  }),
}))
  test(`${what} opens nothing, and a person is told`, () => {
    assert.deepEqual([...tooWide(objects)], []);
    assert.match(propose(objects).open.join('\n'), /it stays closed, open it by hand/);
  });

test('an API server without endpoints opens nothing', () => {
  const kubernetes = {
    name: 'kubernetes',
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': 'kubernetes' },
  };
  const objects = cluster([{ name: 'operator', account: 'operator' }], [], {
    endpointSlices: [{ metadata: kubernetes, addressType: 'IPv4', endpoints: null, ports: [{ port: 6443 }] }],
  });
  assert.deepEqual([...tooWide(objects)], []);
  assert.match(propose(objects).open.join('\n'), /whose addresses are not known here/);
});

test('a setting’s own port counts where a headless Service names none', () => {
  const objects = cluster(
    [{ name: 'web', env: { DB: 'web-0.db:5432' } }, { name: 'db' }],
    [serviceOf('db', 'shop', { clusterIP: 'None', ports: undefined })],
  );
  assert.deepEqual(
    propose(objects).edges.map(({ ports }) => ports),
    [[{ protocol: 'TCP', port: 5432 }]],
  );
});

test('routes of every kind open what they lead to, mirrors too', () => {
  for (const kind of ['httpRoutes', 'grpcRoutes', 'tlsRoutes', 'tcpRoutes', 'udpRoutes'])
    assert.ok(
      names(cluster([{ name: 'web' }], [serviceOf('web')], { [kind]: [leadsTo('web')] })).includes(
        'shop/web-ingress',
      ),
      kind,
    );
  const mirrored = cluster([{ name: 'web' }], [serviceOf('web')], {
    httpRoutes: [
      leadsTo('other', {
        rules: [
          { filters: [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'web', port: 80 } } }] },
        ],
      }),
    ],
  });
  assert.ok(names(mirrored).includes('shop/web-ingress'));
});
