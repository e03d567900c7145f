/** Gateways as their owners and their clients meet them: kubectl's objects on one side, curl outside of the cluster on the other. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import {
  DEPLOYMENTS,
  EVENTS,
  GATEWAYS,
  GATEWAY_CLASSES,
  HTTP_ROUTES,
  NETWORK_POLICIES,
  PODS,
  REFERENCE_GRANTS,
  SECRETS,
  SERVICES,
  SERVICE_ACCOUNTS,
} from '../../src/kube/resources.ts';
import type { Secret } from '../../src/kube/types/config.ts';
import type { HTTPRouteRule } from '../../src/kube/types/gateway-routes.ts';
import type { Listener } from '../../src/kube/types/gateway.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { GatewayRig, below, from, host, http, https, namespace, said, status } from './gateway-rig.ts';

const name = 'e2e-gateway';
const pair = makeCertificate(host);
let cluster: TestCluster;
let rig: GatewayRig;

before(async () => {
  cluster = await startCluster(name, '--nodes', '2');
  rig = new GatewayRig(cluster);
  await rig.makeNamespaces(namespace, 'other');
  await Promise.all([rig.serve('one'), rig.serve('two'), rig.serve('far', 'other')]);
  await cluster.client.create(SECRETS, secretOf('cert', pair.certificate, pair.key));
  await rig.makeGateway('main', [http('http'), https('https', 'cert', { hostname: '*.example.com' })]);
});
after(() => cluster[Symbol.asyncDispose]());

const secretOf = (secretName: string, certificate: string, key: string): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { namespace, name: secretName },
  type: 'kubernetes.io/tls',
  data: {
    'tls.crt': Buffer.from(certificate).toString('base64'),
    'tls.key': Buffer.from(key).toString('base64'),
  },
});

test('a Gateway and a route are reached from outside, over HTTP and HTTPS, in both families', async () => {
  await rig.makeRoute('web', [below('/', 'one')], { hostnames: [host] });
  const addresses = await rig.addressesOf('main');
  assert.equal(addresses.length, 2);
  for (const address of addresses) {
    await rig.answers(address, '/', from('one'));
    await rig.answers(address, '/', from('one'), '--tls');
  }
  const { status: gateway } = await rig.gateway('main');
  assert.deepEqual(
    gateway?.listeners?.map(listener => [
      listener.name,
      listener.attachedRoutes,
      said(listener.conditions, 'Programmed'),
    ]),
    [
      ['http', 1, 'True/Programmed'],
      ['https', 1, 'True/Programmed'],
    ],
  );
  assert.equal(await rig.parentSaid('web', 'Accepted'), 'True/Accepted');
  assert.equal(await rig.parentSaid('web', 'ResolvedRefs'), 'True/ResolvedRefs');
});

test('there are two proxies, on different nodes, without a token of the API', async () => {
  const { items } = await cluster.client.list(PODS, {
    namespace,
    labelSelector: 'gateway.networking.k8s.io/gateway-name=main',
  });
  assert.equal(new Set(items.map(({ spec }) => spec.nodeName)).size, 2);
  for (const { spec } of items) {
    assert.equal(spec.automountServiceAccountToken, false);
    assert.ok(!JSON.stringify(spec.volumes).includes('serviceAccountToken'));
  }
});

test('what changes in a route is answered by at once, while nobody is refused', async () => {
  const [address = ''] = await rig.addressesOf('main');
  const failures: string[] = [];
  const over = new AbortController();
  const customer = (async () => {
    while (!over.signal.aborted) {
      const answer = await rig.ask(address, '/');
      if (answer.status !== 200) failures.push(JSON.stringify(answer));
    }
  })();
  const set = (rules: readonly HTTPRouteRule[]) =>
    cluster.client.patch(HTTP_ROUTES, { namespace, name: 'web' }, { spec: { rules } }, { type: 'merge' });
  await set([below('/', 'two')]);
  await rig.answers(address, '/', from('two'));
  await set([below('/', 'one'), below('/two', 'two')]);
  await rig.answers(address, '/two/x', from('two'));
  await rig.answers(address, '/twox', from('one'));
  over.abort();
  await customer;
  assert.deepEqual(failures, []);
});

test('requests are shared by weight; a weight of zero gets none', async () => {
  const [address = ''] = await rig.addressesOf('main');
  await rig.makeRoute(
    'weights',
    [
      {
        matches: [{ path: { type: 'PathPrefix', value: '/weights' } }],
        backendRefs: [
          { name: 'one', port: 80, weight: 7 },
          { name: 'two', port: 80, weight: 3 },
          { name: 'gone', port: 80, weight: 0 },
        ],
      },
    ],
    { hostnames: [host] },
  );
  await rig.answers(address, '/weights', status(200));
  const requests = 200;
  // One connection for all of them: the choice is made for each request.
  const many = await rig.ask(address, `/weights/[1-${requests}]`);
  const ones = many.body.match(/"pod": "one-/g)?.length ?? 0;
  const twos = many.body.match(/"pod": "two-/g)?.length ?? 0;
  assert.equal(ones + twos, requests);
  assert.ok(ones / requests > 0.55 && ones / requests < 0.85, `${ones} of ${requests}`);
  await rig.deleteRoute('weights');
});

test('a Service that is missing is answered for with 500 and told; when it comes it serves', async () => {
  const [address = ''] = await rig.addressesOf('main');
  await rig.makeRoute('late', [below('/late', 'late')], { hostnames: [host] });
  await rig.answers(address, '/late', status(500));
  await eventually('the route says it', async () =>
    (await rig.parentSaid('late', 'ResolvedRefs')) === 'False/BackendNotFound' ? true : undefined,
  );
  assert.equal(await rig.parentSaid('late', 'Accepted'), 'True/Accepted');
  await eventually('an Event says it', async () => {
    const { items } = await cluster.client.list(EVENTS, { namespace });
    return (
      items.some(
        ({ reason, involvedObject }) => reason === 'BackendNotFound' && involvedObject.name === 'late',
      ) || undefined
    );
  });
  await rig.answers(address, '/', from('one'));
  await rig.serve('late');
  await rig.answers(address, '/late', from('late'));
  assert.equal(await rig.parentSaid('late', 'ResolvedRefs'), 'True/ResolvedRefs');
  await cluster.client.patch(
    DEPLOYMENTS,
    { namespace, name: 'late' },
    { spec: { replicas: 0 } },
    { type: 'merge' },
  );
  await rig.answers(address, '/late', status(503));
  await rig.deleteRoute('late');
  await rig.answers(address, '/late', from('one'));
});

test('a Service of another namespace is reached while a ReferenceGrant lets it', async () => {
  const [address = ''] = await rig.addressesOf('main');
  const rule = { ...below('/far'), backendRefs: [{ name: 'far', namespace: 'other', port: 80 }] };
  await rig.makeRoute('far', [rule], { hostnames: [host] });
  await rig.answers(address, '/far', status(500));
  assert.equal(await rig.parentSaid('far', 'ResolvedRefs'), 'False/RefNotPermitted');
  await cluster.client.create(REFERENCE_GRANTS, {
    apiVersion: 'gateway.networking.k8s.io/v1beta1',
    kind: 'ReferenceGrant',
    metadata: { namespace: 'other', name: 'edge' },
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace }],
      to: [{ group: '', kind: 'Service' }],
    },
  });
  await rig.answers(address, '/far', from('far'));
  await cluster.client.delete(REFERENCE_GRANTS, { namespace: 'other', name: 'edge' });
  await rig.answers(address, '/far', status(500));
  await eventually('the route says it', async () =>
    (await rig.parentSaid('far', 'ResolvedRefs')) === 'False/RefNotPermitted' ? true : undefined,
  );
  await rig.deleteRoute('far');
});

test('a certificate that is broken takes away its listener, and nothing else; a new one is served at once', async () => {
  const [address = ''] = await rig.addressesOf('main');
  const write = (certificate: string, key: string) =>
    cluster.client.patch(
      SECRETS,
      { namespace, name: 'cert' },
      { data: secretOf('cert', certificate, key).data },
      { type: 'merge' },
    );
  const listenerSaid = async (type: string) => {
    const { status: now } = await rig.gateway('main');
    return said(now?.listeners?.find(listener => listener.name === 'https')?.conditions, type);
  };
  await write(pair.certificate, makeCertificate().key);
  await eventually('the listener says it', async () =>
    (await listenerSaid('ResolvedRefs')) === 'False/InvalidCertificateRef' ? true : undefined,
  );
  assert.equal(await listenerSaid('Programmed'), 'False/Invalid');
  await rig.answers(address, '/', status(0), '--tls');
  await rig.answers(address, '/', from('one'));
  const renewed = makeCertificate(host);
  await write(renewed.certificate, renewed.key);
  await rig.answers(address, '/', from('one'), '--tls');
  await eventually('the listener says it', async () =>
    (await listenerSaid('Programmed')) === 'True/Programmed' ? true : undefined,
  );
});

test('listeners that claim one port are both refused, and the others go on', async () => {
  const [address = ''] = await rig.addressesOf('main');
  const listeners = [http('http'), https('https', 'cert', { hostname: '*.example.com' })];
  const conflicting = [http('a', { port: 8080 }), https('b', 'cert', { port: 8080 })];
  const set = (list: readonly Listener[]) =>
    cluster.client.patch(
      GATEWAYS,
      { namespace, name: 'main' },
      { spec: { listeners: list } },
      { type: 'merge' },
    );
  await set([...listeners, ...conflicting]);
  await eventually('both say it', async () => {
    const { status: now } = await rig.gateway('main');
    const both = now?.listeners?.filter(({ name: of }) => of === 'a' || of === 'b') ?? [];
    return both.length === 2 &&
      both.every(({ conditions }) => said(conditions, 'Conflicted') === 'True/ProtocolConflict')
      ? true
      : undefined;
  });
  assert.equal(said((await rig.gateway('main')).status?.conditions, 'Accepted'), 'True/ListenersNotValid');
  await rig.answers(address, '/', from('one'));
  // One of the two alone is served, on a port that no proxy had before.
  const [first] = conflicting;
  await set([...listeners, ...(first === undefined ? [] : [first])]);
  await eventually('port 8080 answers', async () => {
    const answer = await rig.ask(address, '/', '--to-port=8080');
    return answer.status === 200 ? true : undefined;
  });
  await set(listeners);
});

test('the most specific listener has a request, and no other one', async () => {
  await rig.makeGateway('hosts', [
    http('any'),
    http('wild', { hostname: '*.example.com' }),
    http('exact', { hostname: host }),
  ]);
  const on = (sectionName: string) => ({ parentRefs: [{ name: 'hosts', sectionName }] });
  await rig.makeRoute('any', [below('/any', 'one')], on('any'));
  await rig.makeRoute('wild', [below('/wild', 'one')], on('wild'));
  await rig.makeRoute('exact', [below('/exact', 'one')], on('exact'));
  const [address = ''] = await rig.addressesOf('hosts');
  const asked = (of: string) => ['--header', `Host: ${of}`];
  for (const [of, own] of [
    [host, 'exact'],
    ['www.example.com', 'wild'],
    ['a.b.example.com:1234', 'wild'],
    ['example.com', 'any'],
    ['example.net', 'any'],
  ] as const)
    for (const path of ['any', 'wild', 'exact'])
      await rig.answers(address, `/${path}`, path === own ? from('one') : status(404), ...asked(of));
  for (const route of ['any', 'wild', 'exact']) await rig.deleteRoute(route);
  await cluster.client.delete(GATEWAYS, { namespace, name: 'hosts' });
});

test('policies that forbid the Gateway’s namespace everything do not keep its proxies from their table', async () => {
  const [address = ''] = await rig.addressesOf('main');
  const policy = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' } as const;
  await cluster.client.create(NETWORK_POLICIES, {
    ...policy,
    metadata: { namespace, name: 'nothing' },
    spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
  });
  await rig.answers(address, '/', status(0));
  await rig.makeRoute(
    'moved',
    [
      {
        ...below('/moved'),
        filters: [
          { type: 'RequestRedirect', requestRedirect: { statusCode: 301, hostname: 'new.example.com' } },
        ],
        backendRefs: [],
      },
    ],
    { hostnames: [host] },
  );
  await cluster.client.create(NETWORK_POLICIES, {
    ...policy,
    metadata: { namespace, name: 'customers' },
    spec: {
      podSelector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'main' } },
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ port: 80, protocol: 'TCP' }] }],
    },
  });
  await rig.answers(address, '/moved', status(301));
  for (const policyName of ['nothing', 'customers'])
    await cluster.client.delete(NETWORK_POLICIES, { namespace, name: policyName });
  await rig.deleteRoute('moved');
  await rig.answers(address, '/', from('one'));
});

test('an address that was asked for is had, one that cannot be is told; labels and annotations are passed on', async () => {
  const value = '172.30.200.77';
  await rig.makeGateway('static', [http('http')], {
    addresses: [{ type: 'IPAddress', value: '192.0.2.1' }],
    infrastructure: { labels: { team: 'a' }, annotations: { 'example.com/note': 'b' } },
  });
  await eventually('it is told', async () =>
    said((await rig.gateway('static')).status?.conditions, 'Programmed') === 'False/AddressNotUsable'
      ? true
      : undefined,
  );
  await cluster.client.patch(
    GATEWAYS,
    { namespace, name: 'static' },
    { spec: { addresses: [{ type: 'IPAddress', value }] } },
    { type: 'merge' },
  );
  assert.deepEqual(await rig.addressesOf('static'), [value]);
  const own = { namespace, name: 'static-fairlead' };
  const [service, account] = await Promise.all([
    cluster.client.get(SERVICES, own),
    cluster.client.get(SERVICE_ACCOUNTS, own),
  ]);
  for (const { metadata } of [service, account]) {
    assert.equal(metadata.labels?.['team'], 'a');
    assert.equal(metadata.annotations?.['example.com/note'], 'b');
  }
  await cluster.client.patch(
    GATEWAYS,
    { namespace, name: 'static' },
    { spec: { infrastructure: null } },
    { type: 'merge' },
  );
  await eventually('they are taken back', async () =>
    (await cluster.client.get(SERVICES, own)).metadata.labels?.['team'] === undefined ? true : undefined,
  );
});

/** What was made for a Gateway. */
async function objectsOf(gateway: string): Promise<readonly string[]> {
  const options = { namespace, labelSelector: `gateway.networking.k8s.io/gateway-name=${gateway}` };
  const lists = await Promise.all([
    cluster.client.list(SERVICES, options),
    cluster.client.list(DEPLOYMENTS, options),
    cluster.client.list(SECRETS, options),
    cluster.client.list(SERVICE_ACCOUNTS, options),
    cluster.client.list(PODS, options),
  ]);
  return lists.flatMap(({ items }) => items.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
}

test('a Gateway that changes to another controller’s class leaves nothing of ours', async () => {
  await cluster.client.create(GATEWAY_CLASSES, {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: { name: 'other' },
    spec: { controllerName: 'example.com/other' },
  });
  assert.ok((await objectsOf('static')).length > 4);
  await cluster.client.patch(
    GATEWAYS,
    { namespace, name: 'static' },
    { spec: { gatewayClassName: 'other' } },
    { type: 'merge' },
  );
  await eventually('nothing is left', async () => {
    const left = await objectsOf('static');
    if (left.length > 0) throw new Error(left.join(', '));
    return true;
  });
});

test('a Gateway that is deleted takes everything along, and its routes no longer name it', async () => {
  const [address = ''] = await rig.addressesOf('main');
  await cluster.client.delete(GATEWAYS, { namespace, name: 'main' });
  await eventually('nothing is left', async () => {
    const left = await objectsOf('main');
    if (left.length > 0) throw new Error(left.join(', '));
    return true;
  });
  await eventually('nobody answers', async () =>
    (await rig.ask(address, '/')).status === 0 ? true : undefined,
  );
  await eventually('the route says nothing of it', async () => {
    const { status: now } = await cluster.client.get(HTTP_ROUTES, { namespace, name: 'web' });
    return (now?.parents.length ?? 0) === 0 ? true : undefined;
  });
});
