import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { supportedVersions } from '../../src/pods/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { TestCluster, argumentsOf } from './pods-cluster.ts';
import type { PluginOutcome, TestNode } from './pods-cluster.ts';

interface CniOutput {
  readonly cniVersion: string;
  readonly code?: number;
  readonly msg?: string;
  readonly interfaces?: readonly {
    name: string;
    mac: string;
    mtu?: number;
    sandbox?: string;
    vendor?: string;
  }[];
  readonly ips?: readonly { address: string; gateway: string; interface: number; version?: string }[];
  readonly routes?: readonly { dst: string; gw: string }[];
  readonly dns?: unknown;
}

const parsed = (outcome: PluginOutcome): CniOutput => JSON.parse(outcome.stdout) as CniOutput;

function refusedWith(outcome: PluginOutcome, code: number, words: RegExp): void {
  assert.equal(outcome.code, code, `${outcome.stdout}${outcome.stderr}`);
  const error = parsed(outcome);
  assert.equal(error.code, code);
  assert.match(error.cniVersion, /^\d+\.\d+\.\d+$/);
  assert.match(error.msg ?? '', words);
}

async function oneNode(context: TestContext): Promise<TestNode> {
  const cluster = new TestCluster(context, { links: [1] });
  const [node] = cluster.nodes;
  assert.ok(node);
  return node;
}

test('every version of the protocol: ADD, CHECK and DEL, with the result that the version has', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  for (const version of supportedVersions) {
    const { namespace, containerId, pod } = await node.sandbox(`v${version.replaceAll('.', '-')}`);
    const stdin = JSON.stringify(node.configuration({ cniVersion: version }));
    const call = { containerId, namespace, pod };
    const added = await node.plugin({ command: 'ADD', ...call, stdin });
    assert.equal(added.code, 0, added.stdout);
    const result = parsed(added);
    assert.equal(result.cniVersion, version);
    assert.deepEqual(
      result.ips?.map(ip => ip.version),
      version < '1' ? ['4', '6'] : [undefined, undefined],
    );
    assert.equal(result.interfaces?.[1]?.mtu, version === '1.1.0' ? 1500 : undefined);
    assert.equal(result.interfaces?.[1]?.sandbox, namespace);
    assert.deepEqual(result.routes, [
      { dst: '0.0.0.0/0', gw: '169.254.1.1' },
      { dst: '::/0', gw: 'fe80::1' },
    ]);
    const withResult = JSON.stringify(node.configuration({ cniVersion: version, prevResult: result }));
    const checked = await node.plugin({ command: 'CHECK', ...call, stdin: withResult });
    if (version === '0.3.1') refusedWith(checked, 1, /CHECK needs/);
    else assert.equal(checked.code, 0, checked.stdout);
    for (const again of [1, 2]) {
      const deleted = await node.plugin({ command: 'DEL', ...call, stdin: withResult });
      assert.deepEqual([deleted.code, deleted.stdout], [0, ''], `DEL, time ${again}`);
    }
  }
});

test('without a command it tells what it is; VERSION needs no agent', async context => {
  const node = await oneNode(context);
  const about = await node.plugin({ command: '' });
  assert.deepEqual([about.code, about.stdout], [0, '']);
  assert.match(about.stderr, /fairlead-cni: the CNI plugin of Fairlead/);
  const version = await node.plugin({ command: 'VERSION', stdin: '{"cniVersion":"1.0.0"}' });
  assert.equal(version.code, 0);
  assert.deepEqual(JSON.parse(version.stdout), { cniVersion: '1.0.0', supportedVersions });
  assert.equal(
    (JSON.parse((await node.plugin({ command: 'VERSION', stdin: '' })).stdout) as CniOutput).cniVersion,
    '1.1.0',
  );
});

test('what is wrong with a call is told by the code of the specification', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const { namespace, containerId, pod } = await node.sandbox('pod');
  const call = { command: 'ADD', containerId, namespace, pod };
  const stdin = (extra: object) => JSON.stringify(node.configuration(extra));
  const environment = (changes: Record<string, string | undefined>) => ({ ...call, environment: changes });
  const cases: readonly (readonly [string, Parameters<TestNode['plugin']>[0], number, RegExp])[] = [
    ['unknown command', { ...call, command: 'PING' }, 4, /PING/],
    [
      'all missing variables at once',
      environment({ CNI_NETNS: undefined, CNI_CONTAINERID: '' }),
      4,
      /CNI_CONTAINERID, CNI_NETNS/,
    ],
    ['container ID', environment({ CNI_CONTAINERID: '../../etc' }), 4, /container ID/],
    ['container ID too long', environment({ CNI_CONTAINERID: 'x'.repeat(129) }), 4, /container ID/],
    ['interface name', environment({ CNI_IFNAME: 'a/b' }), 4, /interface name/],
    ['interface name of dots', environment({ CNI_IFNAME: '..' }), 4, /interface name/],
    ['a huge variable', environment({ CNI_ARGS: 'x'.repeat(100_000) }), 4, /too long/],
    ['arguments without "="', environment({ CNI_ARGS: 'nonsense' }), 4, /KEY=VALUE/],
    ['no pod named', environment({ CNI_ARGS: 'IgnoreUnknown=1' }), 4, /K8S_POD_NAME/],
    [
      'control characters',
      environment({ CNI_ARGS: 'K8S_POD_NAME=a\nb;K8S_POD_NAMESPACE=c' }),
      4,
      /K8S_POD_NAME/,
    ],
    ['relative namespace', environment({ CNI_NETNS: 'run/netns/x' }), 4, /absolute/],
    ['no namespace there', environment({ CNI_NETNS: '/run/netns/never-made' }), 3, /no network namespace/],
    ['a file that is no namespace', environment({ CNI_NETNS: '/etc/passwd' }), 3, /not a network namespace/],
    ["the node's own namespace", environment({ CNI_NETNS: node.namespace }), 4, /node's own/],
    ['not JSON', { ...call, stdin: 'hello' }, 6, /JSON/],
    ['not an object', { ...call, stdin: '[]' }, 6, /JSON/],
    ['nothing', { ...call, stdin: '' }, 6, /JSON/],
    ['cut off', { ...call, stdin: stdin({}).slice(0, -1) }, 6, /JSON/],
    ['larger than 4 MiB', { ...call, stdin: stdin({ padding: 'x'.repeat(5 << 20) }) }, 6, /4 MiB/],
    ['no socket', { ...call, stdin: stdin({ socket: undefined }) }, 7, /socket/],
    ['no name', { ...call, stdin: stdin({ name: undefined }) }, 7, /no name/],
    ['bad name', { ...call, stdin: stdin({ name: 'a b' }) }, 7, /name/],
    ['no version', { ...call, stdin: stdin({ cniVersion: undefined }) }, 1, /0\.1\.0/],
    ['future version', { ...call, stdin: stdin({ cniVersion: '2.0.0' }) }, 1, /2\.0\.0/],
    [
      'broken prevResult',
      { ...call, stdin: stdin({ prevResult: { ips: [{ address: 'x' }] } }) },
      6,
      /prevResult\.ips\[0\]/,
    ],
    ['CHECK without prevResult', { ...call, command: 'CHECK' }, 7, /prevResult/],
    ['GC of an old version', { command: 'GC', stdin: stdin({ cniVersion: '1.0.0' }) }, 1, /GC needs/],
    ['GC without a list', { command: 'GC' }, 7, /valid attachments/],
    [
      'STATUS of an old version',
      { command: 'STATUS', stdin: stdin({ cniVersion: '0.4.0' }) },
      1,
      /STATUS needs/,
    ],
  ];
  for (const [name, bad, code, words] of cases) {
    await context.test(name, async () => refusedWith(await node.plugin(bad), code, words));
  }
  const status = await node.status();
  assert.equal(status.attachments, 0, 'no refused call leaves anything');
});

test('ADD twice is refused and keeps the first; an interface of that name in the pod is refused and leaves no address', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const pod = await node.addPod('pod');
  const twice = await node.plugin({
    command: 'ADD',
    containerId: pod.containerId,
    namespace: pod.namespace,
    environment: { CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=pod' },
  });
  refusedWith(twice, 100, /already has addresses/);
  const other = await node.plugin({
    command: 'ADD',
    containerId: 'another',
    namespace: pod.namespace,
    environment: { CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=pod' },
  });
  refusedWith(other, 100, /already has an interface eth0/);
  assert.equal((await node.status()).attachments, 1);
  const check = JSON.stringify(node.configuration({ prevResult: JSON.parse(pod.result) as object }));
  assert.equal((await node.plugin({ ...pod, command: 'CHECK', stdin: check })).code, 0);
});

test('CHECK tells what is missing', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const pod = await node.addPod('pod');
  const stdin = JSON.stringify(node.configuration({ prevResult: JSON.parse(pod.result) as object }));
  const check = () =>
    node.plugin({ command: 'CHECK', containerId: pod.containerId, namespace: pod.namespace, stdin });
  using inside = RouteSocket.open(pod.namespace);
  inside.apply([{ do: 'route-delete', dst: '::/0' }]);
  refusedWith(await check(), 102, /no route to ::\/0/);
  inside.apply([{ do: 'address-delete', dev: 'eth0', address: `${pod.addresses[0]}/32` }]);
  refusedWith(await check(), 102, /no address 10\.244\.0/);
  inside.apply([{ do: 'link-delete', dev: 'eth0' }]);
  refusedWith(await check(), 102, /the node has no link/);
});

test('behind another plugin of a chain, its result is passed on with ours', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const { namespace, containerId, pod } = await node.sandbox('pod');
  const before = {
    cniVersion: '1.1.0',
    interfaces: [{ name: 'lo', sandbox: namespace, vendor: 'kept' }],
    ips: [{ address: '127.0.0.1/8', interface: 0 }],
    dns: { nameservers: ['10.96.0.10'] },
  };
  const stdin = JSON.stringify(node.configuration({ prevResult: before }));
  const result = parsed(await node.plugin({ command: 'ADD', containerId, namespace, pod, stdin }));
  assert.deepEqual(
    result.interfaces?.map(entry => entry.name).filter(name => !name.startsWith('fl')),
    ['lo', 'eth0'],
  );
  assert.deepEqual(
    result.ips?.map(ip => ip.interface),
    [0, 2, 2],
  );
  assert.deepEqual(result.dns, before.dns);
  assert.equal(result.interfaces?.[0]?.vendor, 'kept');
});

test('DEL succeeds without a namespace, with one that is gone, and for a pod that never was', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const pod = await node.addPod('pod');
  const { containerId } = pod;
  assert.equal((await node.plugin({ command: 'DEL', containerId, namespace: '/run/netns/gone' })).code, 0);
  assert.equal(
    (await node.plugin({ command: 'DEL', containerId, environment: { CNI_NETNS: undefined } })).code,
    0,
  );
  assert.equal((await node.plugin({ command: 'DEL', containerId: 'never' })).code, 0);
  using socket = RouteSocket.open(node.namespace);
  assert.ok(!socket.links().some(link => link.name.startsWith('fl') && link.kind === 'veth'));
});

test('GC keeps what is valid and removes the rest', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const kept = await node.addPod('kept');
  await node.addPod('garbage');
  const valid = [{ containerID: kept.containerId, ifname: 'eth0' }];
  const stdin = JSON.stringify(node.configuration({ 'cni.dev/valid-attachments': valid }));
  assert.equal((await node.plugin({ command: 'GC', stdin })).code, 0);
  assert.equal((await node.status()).attachments, 1);
  using socket = RouteSocket.open(node.namespace);
  assert.equal(socket.links().filter(link => link.kind === 'veth' && link.alias !== undefined).length, 1);
});

test('STATUS says when pods cannot be attached: no prefixes yet, no address left', async context => {
  const cluster = new TestCluster(context, { links: [1] });
  const [node] = cluster.nodes;
  const [object] = cluster.objects;
  assert.ok(node && object);
  await node.startAgent([{ ...object, spec: {} }], 'started');
  refusedWith(await node.plugin({ command: 'STATUS' }), 50, /prefixes are not known/);
  const { namespace, containerId, pod } = await node.sandbox('early');
  refusedWith(
    await node.plugin({ command: 'ADD', containerId, namespace, pod }),
    11,
    /prefixes are not known/,
  );
  assert.deepEqual(
    readdirSync(node.paths.run).includes('net.d'),
    false,
    'the runtime is not told of a network yet',
  );
  await node.killAgent();
  await node.startAgent([{ ...object, spec: { podCIDRs: ['10.244.0.0/30', 'fd00:10:244::/64'] } }]);
  assert.equal((await node.plugin({ command: 'STATUS' })).code, 0);
  await node.addPod('first');
  await node.addPod('second');
  refusedWith(await node.plugin({ command: 'STATUS' }), 50, /all 2 addresses of 10\.244\.0\.0\/30/);
  const third = await node.sandbox('third');
  refusedWith(await node.plugin({ command: 'ADD', ...third }), 11, /all 2 addresses/);
  assert.equal((await node.status()).attachments, 2, 'the IPv6 address of the refused pod is free again');
});

test('with the agent down, ADD asks to be tried again, and DEL removes the link and is caught up with later', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const pod = await node.addPod('pod');
  const { containerId, namespace } = pod;
  await node.killAgent();
  const other = await node.sandbox('other');
  refusedWith(await node.plugin({ command: 'ADD', ...other }), 11, /not running/);
  const prevResult = JSON.parse(pod.result) as object;
  const check = JSON.stringify(node.configuration({ prevResult }));
  refusedWith(
    await node.plugin({ command: 'CHECK', containerId, namespace, stdin: check }),
    11,
    /not running/,
  );
  refusedWith(await node.plugin({ command: 'STATUS' }), 11, /not running/);
  for (const time of ['once', 'twice']) {
    const deleted = await node.plugin({ command: 'DEL', containerId, namespace });
    assert.deepEqual([deleted.code, deleted.stdout], [0, ''], time);
  }
  {
    using socket = RouteSocket.open(node.namespace);
    assert.ok(!socket.links().some(link => link.alias?.includes(containerId)), 'the link is gone at once');
  }
  const queue = join(node.paths.state, 'releases');
  assert.equal(readdirSync(queue).length, 1);
  await node.startAgent();
  assert.equal((await node.status()).attachments, 0, 'the address is free');
  assert.deepEqual(readdirSync(queue), []);
});

test('broken files in the queue of releases are dropped, and nothing else is harmed', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const pod = await node.addPod('pod');
  await node.killAgent();
  const queue = join(node.paths.state, 'releases');
  for (const [index, content] of ['', '{', '[]', '{"containerID":1}', 'x'.repeat(100_000)].entries())
    writeFileSync(join(queue, `broken-${index}.json`), content);
  await node.startAgent();
  assert.deepEqual(readdirSync(queue), []);
  const check = JSON.stringify(node.configuration({ prevResult: JSON.parse(pod.result) as object }));
  const { containerId, namespace } = pod;
  assert.equal((await node.plugin({ command: 'CHECK', containerId, namespace, stdin: check })).code, 0);
});

test('an agent that breaks off or talks nonsense: try again', async context => {
  const node = await oneNode(context);
  mkdirSync(dirname(node.paths.cniSocket), { recursive: true });
  const answers = ['', '0', '0 100\nshort', 'hello\n', '99999999 0\n', '-1 0\n'];
  for (const answer of answers) {
    const server = createServer({ allowHalfOpen: true }, socket => {
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.end(answer);
    });
    await new Promise<void>(resolve => server.listen(node.paths.cniSocket, resolve));
    const { namespace, containerId, pod } = await node.sandbox(`pod-${answers.indexOf(answer)}`);
    refusedWith(await node.plugin({ command: 'ADD', containerId, namespace, pod }), 11, /not running/);
    await new Promise(resolve => server.close(resolve));
  }
});

test('an agent that hangs: try again after a bounded time', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  const { namespace, containerId, pod } = await node.sandbox('pod');
  node.signalAgent('SIGSTOP');
  const outcome = await node.plugin({
    program: impatientPlugin(context),
    command: 'ADD',
    containerId,
    namespace,
    environment: { CNI_ARGS: argumentsOf(pod) },
  });
  node.signalAgent('SIGCONT');
  refusedWith(outcome, 11, /did not answer in time/);
  assert.ok(outcome.milliseconds < 5000, `answered after ${outcome.milliseconds} ms`);
  assert.equal((await node.plugin({ command: 'DEL', containerId, namespace })).code, 0);
  assert.equal((await node.status()).attachments, 0);
});

/** The plugin, built to wait for the agent for one second instead of twenty. */
function impatientPlugin(context: TestContext): string {
  const out = mkdtempSync(join(tmpdir(), 'fairlead-test-plugin-'));
  context.after(() => rmSync(out, { recursive: true }));
  const program = join(out, 'fairlead-cni');
  const sources = join(import.meta.dirname, '..', '..', 'native');
  const flags = 'CFLAGS=-std=gnu17 -DEXCHANGE_MILLISECONDS=1000';
  execFileSync('make', ['-s', '-C', sources, `out=${out}`, flags, program]);
  return program;
}

test('a pod that the API does not have is not attached', async context => {
  const node = await oneNode(context);
  await node.startAgent(undefined, 'ready', { addMilliseconds: 1000 });
  const { namespace, containerId } = await node.sandbox('known');
  const environment = { CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=unknown' };
  const adding = node.plugin({ command: 'ADD', containerId, namespace, environment });
  refusedWith(await adding, 11, /default\/unknown/);
  const replaced = { CNI_ARGS: 'K8S_POD_NAMESPACE=default;K8S_POD_NAME=known;K8S_POD_UID=of-an-earlier-pod' };
  const late = node.plugin({ command: 'ADD', containerId, namespace, environment: replaced });
  assert.equal(
    (await node.plugin({ command: 'DEL', containerId, namespace })).code,
    0,
    'DEL ends an ADD that waits',
  );
  assert.equal((await late).code, 11);
});

test('while a gate is closed, a pod gets neither an interface nor an address', async context => {
  const node = await oneNode(context);
  await node.startAgent(undefined, 'ready', { closedGate: true });
  const { namespace, containerId, pod } = await node.sandbox('pod');
  refusedWith(
    await node.plugin({ command: 'ADD', containerId, namespace, pod }),
    11,
    /policy is not ready.*not in force/,
  );
  using inside = RouteSocket.open(namespace);
  assert.deepEqual(
    inside.links().map(link => link.name),
    ['lo'],
  );
  assert.equal((await node.status()).attachments, 0);
});

test('the socket is for root alone', async context => {
  const node = await oneNode(context);
  await node.startAgent();
  for (const path of [node.paths.cniSocket, join(node.paths.run, 'agent.sock')])
    assert.equal(statSync(path).mode & 0o777, 0o600);
});
