import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, test } from 'node:test';
import { namespaces } from '../../src/kernel/contract.ts';
import { connectIn, namespacePath } from '../../src/kernel/ns/index.ts';
import { PODS } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import { eventually, fairlead, startCluster, type TestCluster } from './cluster.ts';
import { manifestOf } from './manifests.ts';

const name = 'e2e-links';
const port = 3000;
let cluster: TestCluster;
let pods: readonly Pod[];

before(async () => {
  cluster = await startCluster(name, '--nodes', '2', '--topology', 'two-links', '--outside');
  const up = await fairlead(['up', '--name', name, '-f', '-'], { input: manifestOf('echo', 4) });
  assert.equal(up.code, 0, up.stderr);
  pods = (await cluster.client.list(PODS, { namespace: 'default' })).items;
});
after(() => cluster[Symbol.asyncDispose]());

const addressesOf = (pod: Pod) => (pod.status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []);

/** The address that the other side sees is the one that the connection was made from: no translation on the way. */
async function connect(from: string, host: string, toPort = port) {
  const socket = await connectIn(namespacePath(from), { host, port: toPort, timeoutMilliseconds: 3000 });
  const { localAddress } = socket;
  socket.destroy();
  return localAddress;
}

test('pods on both links reach each other in both families, with their own addresses', async () => {
  const nodes = new Set(pods.map(pod => pod.spec?.nodeName));
  assert.deepEqual(nodes, new Set(['node-1', 'node-2']));
  for (const from of pods) {
    for (const to of pods) {
      if (from === to) continue;
      for (const address of addressesOf(to)) {
        const own = await connect(namespaces.pod(name, from.metadata.uid ?? ''), address);
        assert.ok(
          addressesOf(from).includes(own ?? ''),
          `${from.metadata.name} → ${address} left as ${own ?? ''}`,
        );
      }
    }
  }
});

test('a node reaches its own pods, and the world reaches the nodes of both links', async () => {
  for (const pod of pods) {
    for (const address of addressesOf(pod))
      await connect(namespaces.node(name, pod.spec?.nodeName ?? ''), address);
  }
  for (const gateway of ['172.31.255.254', 'fd00:172:31::ffff'])
    await connect(namespaces.world(name), gateway, 6443);
});

test('with a way outside, a pod reaches an address of this host, and never its loopback', async t => {
  const address = Object.values(networkInterfaces())
    .flat()
    .find(it => it?.family === 'IPv4' && !it.internal)?.address;
  assert.ok(address, 'this host has no address besides loopback');
  const server = createServer(socket => socket.end()).listen(0, '0.0.0.0');
  t.after(() => server.close());
  await new Promise(resolve => server.once('listening', resolve));
  const { port: served } = server.address() as { readonly port: number };
  const [pod] = pods;
  const from = namespaces.pod(name, pod?.metadata.uid ?? '');
  await eventually('the way outside is open', () => connect(from, address, served));
  await assert.rejects(connect(from, '10.0.2.2', served));
});
