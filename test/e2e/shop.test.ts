/** The shop as a new user meets it: allowed, forbidden, and what a change of a policy does, with real traffic in both families. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { namespaces } from '../../src/kernel/contract.ts';
import { namespacePath } from '../../src/kernel/ns/index.ts';
import { Nft } from '../../src/kernel/nft/index.ts';
import { createClient } from '../../src/kube/client.ts';
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts';
import { NETWORK_POLICIES, PODS, SECRETS } from '../../src/kube/resources.ts';
import { clusterFiles } from '../../src/standalone/cluster.ts';
import { eventually, startCluster, type TestCluster } from './cluster.ts';
import { ask, Shop, shopDirectory, shopHost, tiersOf } from './shop.ts';

const name = 'e2e-shop';
const root = resolve(import.meta.dirname, '..', '..');
let cluster: TestCluster;
let shop: Shop;

before(async () => {
  cluster = await startCluster(name, '-f', shopDirectory);
  shop = new Shop(cluster);
});
after(() => cluster[Symbol.asyncDispose]());

test('up has waited for everything: the page comes at once, in both families, through all three tiers', async () => {
  const addresses = await shop.addresses();
  assert.equal(addresses.length, 2);
  for (const address of addresses) {
    const { status, body } = await shop.page(address);
    assert.equal(status, 200, body);
    const tiers = tiersOf(body);
    assert.deepEqual(
      tiers.map(({ tier }) => tier),
      ['web', 'api', 'db-proxy'],
    );
    const client = address.includes(':') ? 'fd00:172:30::fa:1' : '172.30.250.1';
    assert.equal(tiers[0]?.forwardedFor, client, 'the address of the user came through');
  }
});

test('whoever comes without encryption is sent to https', async () => {
  for (const address of await shop.addresses()) {
    const { status, headers } = await shop.plain(address);
    assert.equal(status, 301);
    assert.equal(headers.location, 'https://shop.example.com/?a=b');
  }
});

test('a program of this machine gets the page through the loopback port that status shows', async () => {
  const { loadBalancers } = await cluster.status();
  const door = loadBalancers
    .find(({ service }) => service === 'shop/shop-fairlead')
    ?.ports.find(({ port }) => port === 443)?.loopback;
  assert.match(door ?? '', /^127\.0\.0\.1:\d+$/);
  const [host = '', port = ''] = (door ?? '').split(':');
  const connection = tlsConnect({ host, port: Number(port), servername: shopHost, ca: shop.authority });
  assert.equal((await ask(connection, shopHost)).status, 200);
  connection.destroy();
});

test('each tier has two replicas on two nodes', async () => {
  for (const [namespace, app] of [
    ['shop', 'web'],
    ['shop', 'api'],
    ['data', 'db-proxy'],
  ] as const) {
    const nodes = (await shop.pods(namespace, app)).map(pod => pod.spec.nodeName);
    assert.equal(new Set(nodes).size, 2, `${app} is on ${nodes.join(' and ')}`);
  }
});

/** Of the ways between pods, exactly those that the policies name are open. */
async function openWays(): Promise<readonly string[]> {
  const tiers = [
    ['shop', 'web'],
    ['shop', 'api'],
    ['data', 'db-proxy'],
  ] as const;
  const found: string[] = [];
  for (const [namespace, app] of tiers) {
    const pod = await shop.firstPod(namespace, app);
    for (const [targetNamespace, target] of tiers) {
      if (target === app) continue;
      const addresses = await shop.serviceAddresses(targetNamespace, target);
      const reached = await Promise.all(addresses.map(address => shop.reaches(pod, address)));
      assert.equal(new Set(reached).size, 1, `${app} → ${target} is the same in both families`);
      if (reached[0] === true) found.push(`${app} → ${target}`);
    }
  }
  return found;
}

test('web reaches api, api reaches db-proxy, and nobody reaches anything else', async () => {
  assert.deepEqual(await openWays(), ['web → api', 'api → db-proxy']);
});

test('without the policies the forbidden request passes, and with them it fails again', async () => {
  const web = await shop.firstPod('shop', 'web');
  const [address = ''] = await shop.serviceAddresses('data', 'db-proxy');
  assert.equal(await shop.reaches(web, address), false);
  for (const namespace of ['shop', 'data'])
    await cluster.client.deleteCollection(NETWORK_POLICIES, { namespace });
  await eventually('web reaches db-proxy', async () =>
    (await shop.reaches(web, address)) ? true : undefined,
  );
  const connection = await shop.connectFrom(web, address, 80);
  await cluster.fairlead('up', '-f', shopDirectory);
  await eventually('web does not reach it any more', async () =>
    (await shop.reaches(web, address)) ? undefined : true,
  );
  await assert.rejects(ask(connection, 'db-proxy', '/healthz'), 'a connection from before is cut too');
  assert.deepEqual(await openWays(), ['web → api', 'api → db-proxy']);
});

/** `npm start` without its shell: the same script, against this cluster. */
const start = () =>
  spawnSync('sh', [join(root, 'scripts', 'start.sh')], {
    encoding: 'utf8',
    env: { ...process.env, FAIRLEAD_CLUSTER: name, NO_COLOR: '1' },
    timeout: 180_000,
  });

test('the credentials of an agent open the Secrets of the Gateways on its node, and change nothing', async () => {
  // The agent's own server is an address of the fabric; this test runs on the host.
  const { cluster: access } = loadKubeconfig(clusterFiles.kubeconfig(name, 'admin'));
  const proxies = await cluster.client.list(PODS, {
    namespace: 'shop',
    labelSelector: 'gateway.networking.k8s.io/gateway-name=shop',
  });
  const node = proxies.items[0]?.spec.nodeName ?? '';
  const agent = loadKubeconfig(clusterFiles.kubeconfig(name, node));
  const client = createClient({ ...agent, cluster: access });
  const refused = { status: 403, reason: 'Forbidden' };
  await cluster.client.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'password', namespace: 'shop' },
    data: { password: Buffer.from('secret').toString('base64') },
  });
  await client.get(SECRETS, { namespace: 'shop', name: 'shop-example-com' });
  await assert.rejects(client.get(SECRETS, { namespace: 'shop', name: 'password' }), refused);
  await assert.rejects(client.list(SECRETS, { namespace: 'shop' }), refused);
  const { items } = await client.list(PODS, { namespace: 'shop' });
  const [pod] = items;
  const key = { namespace: 'shop', name: pod?.metadata.name ?? '' };
  const patch = { spec: { activeDeadlineSeconds: 1 } };
  await assert.rejects(client.patch(PODS, key, patch, { type: 'merge' }), refused);
  client.close();
});

test('npm start shows both requests hop by hop, says that they agree, and ends well', () => {
  const { status, stdout, stderr } = start();
  assert.equal(status, 0, stdout + stderr);
  assert.equal(stdout.match(/^observed +agrees with the model/gm)?.length, 4, stdout);
  assert.match(stdout, /"tier": "db-proxy"/);
});

test('npm start ends with exit code 1 when reality is not what the model says', async () => {
  const { nodes } = await cluster.status();
  const tables = nodes.map(node => Nft.open(namespacePath(namespaces.node(name, node.name))));
  try {
    // Somebody's own rule, of which no object tells.
    for (const nft of tables) {
      nft.run('add table inet somebody');
      nft.run('add chain inet somebody forward { type filter hook forward priority 50; }');
      nft.run('add rule inet somebody forward tcp dport 8080 drop');
    }
    const { status, stdout } = start();
    assert.equal(status, 1, stdout);
    assert.match(stdout, /differs/);
  } finally {
    for (const nft of tables) {
      nft.run('add table inet somebody');
      nft.run('delete table inet somebody');
      nft.close();
    }
  }
});
