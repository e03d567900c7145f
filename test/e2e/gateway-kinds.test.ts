/**
 * Kinds of the Gateway API beside Gateway and HTTPRoute, on real nodes: connections that the kernel leads without a proxy,
 * listeners of sets, and TLS to backends.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { makeCertificate } from '../../src/gateway/testing/certificate.ts';
import { namespaces } from '../../src/kernel/contract.ts';
import { namespacePath, spawnIn } from '../../src/kernel/ns/index.ts';
import {
  BACKEND_TLS_POLICIES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  LISTENER_SETS,
  SECRETS,
  SERVICES,
  TCP_ROUTES,
  UDP_ROUTES,
} from '../../src/kube/resources.ts';
import type { StreamRouteSpec, TCPRoute } from '../../src/kube/types/gateway-routes.ts';
import { SERVICE_MODE } from '../../src/services/index.ts';
import { eventually, startCluster, withoutKubectl, type TestCluster } from './cluster.ts';
import { GatewayRig, below, echoed, from, http, namespace, said, status } from './gateway-rig.ts';

const group = 'gateway.networking.k8s.io/v1' as const;
const DB = 5432;
const TIME = 9123;

let cluster: TestCluster;
let rig: GatewayRig;
/** Of Gateway `streams`, IPv4 and IPv6. */
let addresses: readonly string[];

before(async () => {
  cluster = await startCluster('e2e-gateway-kinds', '--nodes', '2');
  rig = new GatewayRig(cluster);
  await rig.makeNamespaces(namespace);
  await Promise.all(['v1', 'v2'].map(app => rig.serve(app)));
  const listeners = [
    http('db', { port: DB, protocol: 'TCP' }),
    http('time', { port: TIME, protocol: 'UDP' }),
  ];
  await rig.makeGateway('streams', listeners);
  addresses = await rig.addressesOf('streams');
});
after(() => cluster[Symbol.asyncDispose]());

const leading = (weights: Readonly<Record<string, number>>): StreamRouteSpec => ({
  parentRefs: [{ name: 'streams' }],
  rules: [{ backendRefs: Object.entries(weights).map(([name, weight]) => ({ name, port: 80, weight })) }],
});

const tcpRoute = (name: string, weights: Readonly<Record<string, number>>): TCPRoute => ({
  apiVersion: group,
  kind: 'TCPRoute',
  metadata: { namespace, name },
  spec: leading(weights),
});

const toDb = (address: string) => rig.ask(address, '/', `--to-port=${DB}`);

test('connections go to the backends of a TCPRoute in both families, and to no proxy', async () => {
  const none = await toDb(addresses[0] ?? '');
  assert.equal(none.status, 0, 'without a route nobody answers');
  await cluster.client.create(TCP_ROUTES, tcpRoute('db', { v1: 1, v2: 0 }));
  assert.equal(addresses.length, 2);
  for (const address of addresses) await rig.answers(address, '/', from('v1'), `--to-port=${DB}`);
  const deployments = await cluster.client.list(DEPLOYMENTS, { namespace });
  assert.deepEqual(deployments.items.map(({ metadata }) => metadata.name).toSorted(), ['v1', 'v2']);
  const route = await eventually('the route has its conditions', async () => {
    const found = await cluster.client.get(TCP_ROUTES, { namespace, name: 'db' });
    return found.status?.parents[0];
  });
  assert.equal(said(route.conditions, 'Accepted'), 'True/Accepted');
  assert.equal(said(route.conditions, 'ResolvedRefs'), 'True/ResolvedRefs');
});

test('a younger route gets the connections when the older one is gone, and what changes is followed', async () => {
  const [address = ''] = addresses;
  await cluster.client.create(TCP_ROUTES, tcpRoute('later', { v2: 1 }));
  await eventually('both routes are counted', async () => {
    const { status: now } = await rig.gateway('streams');
    return now?.listeners?.find(({ name }) => name === 'db')?.attachedRoutes === 2;
  });
  await rig.answers(address, '/', from('v1'), `--to-port=${DB}`);
  await cluster.client.delete(TCP_ROUTES, { namespace, name: 'db' });
  await rig.answers(address, '/', from('v2'), `--to-port=${DB}`);
  await cluster.client.patch(
    TCP_ROUTES,
    { namespace, name: 'later' },
    { spec: leading({ v1: 1 }) },
    { type: 'merge' },
  );
  await rig.answers(address, '/', from('v1'), `--to-port=${DB}`);
});

test('connections are shared by weight, and a backend that is not there has its share refused', async () => {
  const [address = ''] = addresses;
  await cluster.client.patch(
    TCP_ROUTES,
    { namespace, name: 'later' },
    { spec: leading({ v1: 1, v2: 1, gone: 2 }) },
    { type: 'merge' },
  );
  await eventually('the missing backend is told', async () => {
    const { status: now } = await cluster.client.get(TCP_ROUTES, { namespace, name: 'later' });
    return said(now?.parents[0]?.conditions, 'ResolvedRefs') === 'False/BackendNotFound';
  });
  await eventually('the first connection is refused', async () => (await toDb(address)).status === 0);
  const counts = new Map<string, number>();
  for (let turn = 0; turn < 6; turn++)
    for (const answer of await Promise.all(Array.from({ length: 20 }, () => toDb(address)))) {
      const who = answer.status === 0 ? 'refused' : (echoed(answer).pod ?? '').slice(0, 2);
      counts.set(who, (counts.get(who) ?? 0) + 1);
    }
  const seen = JSON.stringify([...counts]);
  const of = (who: string) => counts.get(who) ?? 0;
  assert.equal(of('v1') + of('v2') + of('refused'), 120, seen);
  // Of 120 with a likelihood of a half or a quarter: beyond these lies one in a million.
  assert.ok(of('refused') > 33 && of('refused') < 87, seen);
  assert.ok(of('v1') > 8 && of('v1') < 56, seen);
});

test(
  'pods get the same at both addresses of the Gateway, in both modes of Services',
  { skip: withoutKubectl },
  async () => {
    const patch = { spec: leading({ v2: 1 }) };
    await cluster.client.patch(TCP_ROUTES, { namespace, name: 'later' }, patch, { type: 'merge' });
    const { spec } = await cluster.client.get(SERVICES, { namespace, name: 'streams-fairlead' });
    const targets = [addresses[0] ?? '', spec.clusterIP ?? ''];
    for (const mode of ['nftables', 'ebpf']) {
      await cluster.kubectl(['annotate', '--overwrite', 'node', '--all', `${SERVICE_MODE}=${mode}`]);
      await eventually(`every node is in mode ${mode}`, async () => {
        const { nodes } = await cluster.status();
        return nodes.every(({ services }) => services?.mode === mode);
      });
      for (const target of targets)
        await eventually(`${target} from a pod in mode ${mode}`, async () => {
          const command = ['curl', '-s', '-m', '5', '--noproxy', '*', `http://${target}:${DB}/`];
          const words = ['exec', '-n', namespace, 'deploy/v1', '--', ...command];
          const { stdout } = await cluster.kubectlOutcome(words);
          if (!stdout.includes('"v2-')) throw new Error(`it said ${stdout}`);
          return true;
        });
    }
    await cluster.kubectl(['annotate', 'node', '--all', `${SERVICE_MODE}-`]);
  },
);

/** What a server of UDP answers outside of the cluster; empty where nobody does. */
async function datagram(address: string): Promise<string> {
  const family = address.includes(':') ? 'udp6' : 'udp4';
  const program = `
    const socket = require('node:dgram').createSocket('${family}');
    const end = text => { process.stdout.write(text); process.exit(0); };
    socket.on('message', message => end(message.toString()));
    socket.on('error', () => end(''));
    socket.connect(${TIME}, '${address}', () => socket.send('hello'));
    setTimeout(end, 2000, '');`;
  const world = namespacePath(namespaces.world(cluster.name));
  const child = spawnIn(world, process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  assert.ok(child.stdout);
  const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
  return output;
}

test('datagrams go to the backends of a UDPRoute, and are refused when it is gone', async () => {
  const env = [
    { name: 'UDP_ECHO_SERVER', value: '1' },
    { name: 'POD_NAME', value: 'clock' },
  ];
  const labels = { app: 'clock' };
  await cluster.client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name: 'clock' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'echo', env }] } },
    },
  });
  await cluster.client.create(SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: 'clock' },
    spec: {
      ipFamilyPolicy: 'PreferDualStack',
      selector: labels,
      ports: [{ port: 80, protocol: 'UDP', targetPort: 8080 }],
    },
  });
  await cluster.client.create(UDP_ROUTES, {
    apiVersion: group,
    kind: 'UDPRoute',
    metadata: { namespace, name: 'time' },
    spec: leading({ clock: 1 }),
  });
  for (const address of addresses)
    await eventually(`a datagram to ${address}`, async () => {
      const answer = await datagram(address);
      if (!answer.includes('"pod":"clock"')) throw new Error(`it said ${answer}`);
      return true;
    });
  await cluster.client.delete(UDP_ROUTES, { namespace, name: 'time' });
  await eventually('nobody answers', async () => (await datagram(addresses[0] ?? '')) === '');
});

test('a ListenerSet adds a listener to a Gateway that allows it; when it is gone, nobody listens', async () => {
  await rig.makeGateway('main', [http('http')], { allowedListeners: { namespaces: { from: 'Same' } } });
  const [address = ''] = await rig.addressesOf('main');
  await cluster.client.create(LISTENER_SETS, {
    apiVersion: group,
    kind: 'ListenerSet',
    metadata: { namespace, name: 'more' },
    spec: { parentRef: { name: 'main' }, listeners: [http('http', { port: 8081 })] },
  });
  await rig.makeRoute('by-set', [below('/', 'v1')], { parentRefs: [{ kind: 'ListenerSet', name: 'more' }] });
  await rig.answers(address, '/', from('v1'), '--to-port=8081');
  await rig.answers(address, '/', status(404));
  const set = await eventually('the set is programmed', async () => {
    const { status: now } = await cluster.client.get(LISTENER_SETS, { namespace, name: 'more' });
    if (said(now?.conditions, 'Programmed') !== 'True/Programmed') throw new Error(JSON.stringify(now));
    return now;
  });
  assert.equal(set.listeners?.[0]?.attachedRoutes, 1);
  await cluster.client.delete(LISTENER_SETS, { namespace, name: 'more' });
  await rig.answers(address, '/', status(0), '--to-port=8081');
});

test('a BackendTLSPolicy lets proxies speak TLS to a backend that it knows, and to no other', async () => {
  const pair = makeCertificate('inner.example.com', ['DNS:inner.example.com']);
  const encode = (pem: string) => Buffer.from(pem).toString('base64');
  await cluster.client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace, name: 'inner' },
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': encode(pair.certificate), 'tls.key': encode(pair.key) },
  });
  const authority = (name: string, certificate: string) =>
    cluster.client.create(CONFIG_MAPS, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name },
      data: { 'ca.crt': certificate },
    });
  await authority('ca', makeCertificate('other').certificate);
  const labels = { app: 'inner' };
  await cluster.client.create(DEPLOYMENTS, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name: 'inner' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          volumes: [{ name: 'pair', secret: { secretName: 'inner' } }],
          containers: [
            {
              name: 'main',
              image: 'echo',
              volumeMounts: [{ name: 'pair', mountPath: '/pair' }],
              env: [
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                { name: 'TLS_SERVER_CERT', value: '/pair/tls.crt' },
                { name: 'TLS_SERVER_PRIVKEY', value: '/pair/tls.key' },
              ],
            },
          ],
        },
      },
    },
  });
  await cluster.client.create(SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name: 'inner' },
    spec: { selector: labels, ports: [{ port: 80, targetPort: 8443 }] },
  });
  await cluster.client.create(BACKEND_TLS_POLICIES, {
    apiVersion: group,
    kind: 'BackendTLSPolicy',
    metadata: { namespace, name: 'inner' },
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name: 'inner' }],
      validation: {
        hostname: 'inner.example.com',
        caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'ca' }],
      },
    },
  });
  await rig.makeRoute('inner', [below('/inner', 'inner')]);
  const [address = ''] = await rig.addressesOf('main');
  const isBadGateway = status(502);
  await rig.answers(address, '/inner', isBadGateway);
  const patch = { data: { 'ca.crt': pair.certificate } };
  await cluster.client.patch(CONFIG_MAPS, { namespace, name: 'ca' }, patch, { type: 'merge' });
  await rig.answers(address, '/inner', from('inner'));
  const policy = await eventually('the policy has its conditions', async () => {
    const { status: now } = await cluster.client.get(BACKEND_TLS_POLICIES, { namespace, name: 'inner' });
    return now?.ancestors[0];
  });
  assert.equal(said(policy.conditions, 'Accepted'), 'True/Accepted');
  assert.equal(policy.ancestorRef.name, 'main');
});
