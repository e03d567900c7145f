import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TraceReport } from '../../src/cli/trace/trace-text.ts';
import { namespaces } from '../../src/kernel/contract.ts';
import { namespacePath, spawnIn } from '../../src/kernel/ns/index.ts';
import { NETWORK_POLICIES, SERVICES } from '../../src/kube/resources.ts';
import { clusterFiles } from '../../src/standalone/cluster.ts';
import { eventually, fairlead, startCluster, type TestCluster } from './cluster.ts';

/** Traces of a whole cluster: what the model says is what is seen, and where it is not, the trace says so. */
const name = 'e2e-trace';
const objects = join(import.meta.dirname, 'trace-objects.yaml');
const web = 'pod/shop/web';
let cluster: TestCluster;

before(async () => {
  cluster = await startCluster(name, '--nodes', '2', '-f', objects);
  // What the last object changed may still be on its way into the nodes' kernels and the proxies.
  for (const [from, to] of [
    [web, 'http://api/'],
    [web, 'http://db.data/'],
    ['world', 'http://site.example.com/site'],
  ] as const)
    await eventually(`${from} → ${to} is as the model says`, async () => {
      const { code, report } = await observed(from, to);
      return code === 0 ? true : assert.fail(JSON.stringify(report.observed?.findings));
    });
});

after(() => cluster[Symbol.asyncDispose]());

async function observed(
  from: string,
  to: string,
  ...words: readonly string[]
): Promise<{ readonly code: number | null; readonly report: TraceReport }> {
  const all = ['trace', from, to, '--observe', '-o', 'json', '--name', name, ...words];
  const { code, stderr, stdout } = await fairlead(all);
  assert.equal(stderr, '');
  return { code, report: JSON.parse(stdout) as TraceReport };
}

const resultsOf = ({ observed: seen }: TraceReport) =>
  Object.fromEntries((seen?.findings ?? []).map(({ hop, result }) => [hop, result]));

function differing(report: TraceReport): string {
  const findings = report.observed?.findings ?? [];
  return findings
    .filter(({ result }) => result === 'differs')
    .map(({ expected, hop, seen }) => `${hop}: expected ${expected}, seen ${seen}`)
    .join('\n');
}

test('an allowed request is seen at every hop as it is modelled', async () => {
  const { code, report } = await observed(web, 'http://api/');
  assert.equal(code, 0, differing(report));
  assert.equal(report.verdict.outcome, 'reaches');
  assert.deepEqual(resultsOf(report), {
    name: 'agrees',
    service: 'agrees',
    policy: 'agrees',
    route: 'agrees',
    arrival: 'agrees',
  });
  const connection = report.observed?.connection;
  assert.equal(connection?.response?.status, 200);
  assert.deepEqual(
    connection?.tracked.map(({ node, reply }) => [node, reply.sourcePort]),
    [
      ['node-1', 3000],
      ['node-2', 3000],
    ],
    'both nodes track it, and the endpoint answers',
  );
  const counted = connection?.counters.filter(({ after: then, before: first }) => then > first) ?? [];
  assert.deepEqual(
    counted.map(({ by, does, node }) => [node, does, by]),
    [
      ['node-1', 'allow', ['NetworkPolicy/shop/web-to-api spec.egress[0]']],
      ['node-2', 'allow', ['NetworkPolicy/shop/api-from-web spec.ingress[0]']],
    ],
  );
});

test('a forbidden request is seen to be dropped where the model says', async () => {
  const { code, report } = await observed(web, 'http://db.data/');
  assert.equal(code, 0, differing(report));
  assert.equal(report.verdict.outcome, 'dropped');
  assert.equal(resultsOf(report).policy, 'agrees');
  const { connection } = report.observed ?? {};
  assert.equal(connection?.outcome, 'timed-out');
  assert.ok(
    connection.counters.some(({ after: then, before: first, does }) => does === 'drop' && then > first),
  );
});

test('a name that is not there, and a port that no Service has, are seen so too', async () => {
  for (const [to, outcome] of [
    ['http://nobody.shop.svc.cluster.local/', 'no-such-name'],
    ['http://api:81/', 'refused'],
  ] as const) {
    const { code, report } = await observed(web, to);
    assert.equal(code, 0, differing(report));
    assert.equal(report.verdict.outcome, outcome);
  }
});

test('a request from outside is followed through the Gateway, with the line that its proxy wrote', async () => {
  const { code, report } = await observed(
    'world',
    'http://site.example.com/site',
    '-H',
    'X-Request-Id: trace-1',
  );
  assert.equal(code, 0, differing(report));
  assert.equal(report.verdict.outcome, 'reaches');
  const { proxy } = report.observed?.connection ?? {};
  assert.equal(proxy?.route, 'HTTPRoute/front/site');
  assert.equal(proxy.pod, 'front/site');
  const missing = await observed('world', 'http://site.example.com/elsewhere');
  assert.equal(missing.code, 0, differing(missing.report));
  assert.equal(missing.report.verdict.outcome, 'answered');
});

test('whom policies see behind a load balancer and a node port is modelled as it is', async () => {
  const { status } = await cluster.client.get(SERVICES, { namespace: 'open', name: 'page' });
  const [ingress] = status?.loadBalancer?.ingress ?? [];
  assert.ok(ingress?.ip);
  // Which endpoint is drawn is chance; each of them has to come out as the model says of it.
  for (const to of [`http://${ingress.ip}/`, 'http://172.30.0.1:30080/', 'http://172.30.0.2:30080/']) {
    const { code, report } = await observed('world', to);
    assert.equal(code, 0, `${to}: ${differing(report)}`);
    assert.equal(report.verdict.outcome, 'mixed');
    assert.equal(resultsOf(report).service, 'agrees');
    assert.equal(resultsOf(report).policy, 'agrees');
  }
});

test('people get lines, and programs JSON and YAML', async () => {
  const text = await cluster.fairlead('trace', web, 'http://db.data/');
  assert.match(text, /^verdict {3}dropped at the source/m);
  assert.match(text, /- namespaceSelector:/);
  assert.ok(!text.includes('\u001B'), 'no colours without a terminal');
  const yaml = await cluster.fairlead('trace', web, 'http://db.data/', '-o', 'yaml');
  assert.match(yaml, /^verdict:\n {2}outcome: dropped/m);
});

test('any cluster can be traced by its kubeconfig', async () => {
  const file = clusterFiles.kubeconfig(name, 'admin');
  const { code, stdout } = await fairlead(['trace', web, 'http://api/', '--kubeconfig', file, '-o', 'json']);
  assert.equal(code, 0);
  assert.equal((JSON.parse(stdout) as TraceReport).verdict.outcome, 'reaches');
});

test('a mistake in the call is said, with what was meant', async () => {
  for (const [from, to, says] of [
    ['pod/shop/wev', 'http://api/', /pod\/shop\/web/],
    ['somewhere', 'http://api/', /world, pod\/NAMESPACE\/NAME/],
    [web, 'api', /a name with a port/],
  ] as const) {
    const { code, stderr } = await fairlead(['trace', from, to, '--name', name]);
    assert.equal(code, 2, `${from} ${to}`);
    assert.match(stderr, says);
  }
});

test('while an agent does not run, a policy that it has not heard of is where model and kernel differ', async () => {
  const { processes } = await cluster.status();
  const agent = processes.find(process => process.name === 'agent-node-1');
  assert.ok(agent?.pid);
  process.kill(agent.pid, 'SIGSTOP');
  try {
    const policy = await cluster.client.get(NETWORK_POLICIES, { namespace: 'shop', name: 'web-to-api' });
    await cluster.client.delete(NETWORK_POLICIES, { namespace: 'shop', name: 'web-to-api' });
    const { code, report } = await observed(web, 'http://api/');
    assert.equal(code, 1);
    assert.equal(report.verdict.outcome, 'dropped');
    assert.deepEqual([resultsOf(report).policy, resultsOf(report).arrival], ['differs', 'differs']);
    assert.match(report.observed?.silent.join() ?? '', /node-1/);
    const metadata = { name: policy.metadata.name, namespace: 'shop' };
    await cluster.client.create(NETWORK_POLICIES, { ...policy, metadata });
  } finally {
    process.kill(agent.pid, 'SIGCONT');
  }
  await eventually('the agent has caught up', async () =>
    (await observed(web, 'http://api/')).code === 0 ? true : undefined,
  );
});

test('rules that somebody took out of the kernel are missed at the policy', async () => {
  await nft('flush map inet fairlead-policy egress4; flush map inet fairlead-policy egress6');
  const { code, report } = await observed(web, 'http://db.data/');
  assert.equal(code, 1);
  assert.deepEqual([resultsOf(report).policy, resultsOf(report).arrival], ['differs', 'differs']);
  assert.match(differing(report), /policy: expected dropped, seen connected/);
});

async function nft(commands: string): Promise<void> {
  const child = spawnIn(namespacePath(namespaces.node(name, 'node-1')), 'nft', [commands], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [status] = (await once(child, 'close')) as [number];
  assert.equal(status, 0);
}
