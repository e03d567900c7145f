/** What goes on when processes of the shop's cluster are killed, seen from pods and from outside of the cluster. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { cgroupProcesses } from '../../src/kernel/cgroup/index.ts';
import { cgroups } from '../../src/kernel/contract.ts';
import { PODS } from '../../src/kube/resources.ts';
import { clusterFiles } from '../../src/standalone/cluster.ts';
import { commandLineOf, eventually, startCluster, type TestCluster, withoutKubectl } from './cluster.ts';
import { ask, Shop, shopDirectory, tiersOf } from './shop.ts';

const name = 'e2e-shop-killed';
let cluster: TestCluster;
let shop: Shop;

before(async () => {
  cluster = await startCluster(name, '-f', shopDirectory);
  shop = new Shop(cluster);
});
after(() => cluster[Symbol.asyncDispose]());

const processes = async () => (await cluster.status()).processes;

async function pidOf(process: string): Promise<number> {
  const found = (await processes()).find(it => it.name === process)?.pid;
  assert.ok(found, `${process} does not run`);
  return found;
}

const containers = async () =>
  (await cluster.client.list(PODS)).items.flatMap(
    pod => pod.status?.containerStatuses?.map(it => `${it.containerID ?? ''} ${it.restartCount}`) ?? [],
  );

const nothingIsWrong = () =>
  eventually(
    'nothing is wrong',
    async () => {
      const { problems } = await cluster.status();
      if (problems.length > 0) throw new Error(JSON.stringify(problems));
      return true;
    },
    60_000,
  );

test('with all agents, the controllers and the API server gone, the shop and its policies go on', async () => {
  const before = await containers();
  const addresses = await shop.addresses();
  const web = await shop.firstPod('shop', 'web');
  const [api = '', dbProxy = ''] = [
    (await shop.serviceAddresses('shop', 'api'))[0],
    (await shop.serviceAddresses('data', 'db-proxy'))[0],
  ];
  const killed = await Promise.all(
    ['control-plane', ...(await cluster.status()).nodes.map(node => `agent-${node.name}`)].map(pidOf),
  );
  // What would start them again holds still meanwhile.
  const supervisor = await pidOf('supervisor');
  process.kill(supervisor, 'SIGSTOP');
  try {
    const open = await shop.connectFrom(web, api, 80);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await eventually('they are gone', () =>
      killed.every(pid => commandLineOf(pid) === '') ? true : undefined,
    );
    assert.equal((await ask(open, 'api', '/healthz')).status, 200, 'a connection from before');
    assert.equal(
      (await ask(await shop.connectFrom(web, api, 80), 'api', '/healthz')).status,
      200,
      'a new one',
    );
    assert.equal(await shop.reaches(web, dbProxy), false, 'what was forbidden');
    for (const address of addresses) {
      const { status, body } = await shop.page(address);
      assert.equal(status, 200, body);
      assert.equal(tiersOf(body).length, 3, 'all tiers, by their names');
    }
  } finally {
    process.kill(supervisor, 'SIGCONT');
  }
  await nothingIsWrong();
  assert.deepEqual(await containers(), before, 'no container was started again');
  assert.equal((await shop.page(addresses[0] ?? '')).status, 200);
});

/** Clients that open the page again and again, each request over a connection of its own, until they are told to stop. */
function customers(address: string, count: number) {
  let served = 0;
  const over = new AbortController();
  const customer = async () => {
    const failures: string[] = [];
    while (!over.signal.aborted) {
      try {
        const { status, body } = await shop.page(address);
        if (status === 200) served++;
        else failures.push(`${status} ${body}`);
      } catch (error) {
        failures.push(String(error));
      }
    }
    return failures;
  };
  const all = Promise.all(Array.from({ length: count }, customer));
  return {
    served: () => served,
    /** What each of them lost. */
    async leave(): Promise<readonly (readonly string[])[]> {
      over.abort();
      return await all;
    },
  };
}

test('with a worker of each proxy killed, nobody loses more than the requests that it had in hand', async () => {
  const pods = (
    await cluster.client.list(PODS, {
      namespace: 'shop',
      labelSelector: 'gateway.networking.k8s.io/gateway-name=shop',
    })
  ).items;
  assert.equal(pods.length, 2);
  const before = await containers();
  const [address = ''] = await shop.addresses();
  const clients = customers(address, 4);
  await eventually('customers are served', () => (clients.served() > 10 ? true : undefined));
  for (const pod of pods) {
    const group = cgroups.pod(name, pod.spec.nodeName ?? '', pod.metadata.uid ?? '');
    const workers = processesBelow(group).filter(pid => commandLineOf(pid).includes('proxy-worker'));
    assert.ok(workers.length > 0, `${pod.metadata.name} has workers`);
    process.kill(workers[0] ?? 0, 'SIGKILL');
    const sofar = clients.served();
    await eventually('customers are served again', () => (clients.served() > sofar + 10 ? true : undefined));
  }
  // A customer has one request in hand when a worker dies, so it loses one for each that died at most.
  for (const lost of await clients.leave())
    assert.ok(lost.length <= pods.length, `one customer lost ${lost.length} requests:\n${lost.join('\n')}`);
  assert.deepEqual(await containers(), before, 'the supervisor of the proxy made new workers');
});

function processesBelow(group: string): readonly number[] {
  return [...cgroupProcesses(group), ...cgroupProcesses(cgroups.container(...containerOf(group)))];
}

/** The only container of a proxy pod. */
function containerOf(group: string): [string, string, string, string] {
  const [, cluster = '', node = '', , uid = ''] = group.split('/');
  return [cluster, node, uid, 'proxy'];
}

/** Asks for a name every few milliseconds, as a program in a pod does, until its input ends; then tells how it went. */
const lookUps = `
  const { lookup } = require('node:dns/promises');
  let worst = 0, failed = 0, done = 0;
  process.stdin.on('end', () => { console.log(JSON.stringify({ worst, failed, done })); process.exit(); }).resume();
  (async () => {
    while (true) {
      const started = performance.now();
      try { await lookup('api'); done++; if (done % 20 === 0) console.log('still answered'); } catch { failed++; }
      worst = Math.max(worst, performance.now() - started);
      await new Promise(resolve => setTimeout(resolve, 5));
    }
  })();
`;
/** After five seconds a resolver asks again by itself (resolv.conf(5), timeout): no question may be lost. */
const unnoticedMilliseconds = 4500;

test(
  "with a node's DNS server killed, names are answered as soon as it is back, and no question is lost",
  { skip: withoutKubectl },
  async () => {
    const web = await shop.firstPod('shop', 'web');
    const server = `dns-${web.spec.nodeName ?? ''}`;
    const killed = await pidOf(server);
    const words = ['exec', '-i', '-n', 'shop', web.metadata.name, '--', 'node', '-e', lookUps];
    const client = spawn('kubectl', words, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, KUBECONFIG: clusterFiles.kubeconfig(name, 'admin') },
    });
    const lines = createInterface({ input: client.stdout })[Symbol.asyncIterator]();
    const line = async () => String((await lines.next()).value);
    await line();
    process.kill(killed, 'SIGKILL');
    await eventually(`${server} is back`, async () => ((await pidOf(server)) === killed ? undefined : true));
    for (let after = 0; after < 3; after++) await line();
    client.stdin.end();
    let last = await line();
    while (last === 'still answered') last = await line();
    const { worst, failed, done } = JSON.parse(last) as Record<'worst' | 'failed' | 'done', number>;
    assert.equal(failed, 0, `of ${done}`);
    assert.ok(done > 20, `${done} names were looked up`);
    assert.ok(worst < unnoticedMilliseconds, `one look-up took ${worst} ms`);
  },
);
