import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RouteSocket } from '../src/kernel/netlink/index.ts';
import type { TestEnd } from '../test/netns/kernel-fixture.ts';
import { argumentsOf, TestCluster } from '../test/netns/pods-cluster.ts';
import type { TestNode } from '../test/netns/pods-cluster.ts';
import { leakedPackets } from './cni/leak.ts';
import type { Bench } from './harness/bench.ts';
import { unpackDebian } from './harness/debian.ts';
import { median, percentile, rowOf } from './harness/result.ts';
import type { Row } from './harness/result.ts';
import { interleave, timed } from './harness/rounds.ts';

/** The reference plugins do no more than ours has to: a bridge with a gateway in both families, without masquerade. */
const peerNetwork = (dataDirectory: string): string =>
  JSON.stringify({
    cniVersion: '1.0.0',
    name: 'bench',
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    ipam: {
      type: 'host-local',
      dataDir: dataDirectory,
      ranges: [[{ subnet: '10.9.0.0/16' }], [{ subnet: 'fd00:10:9::/64' }]],
      routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
    },
  });

/** A pod's network namespace, as a runtime has made it before it calls the plugin. */
type Sandbox = Awaited<ReturnType<TestNode['sandbox']>>;

export const bench: Bench = {
  question: 'How long does a runtime wait for CNI ADD, and does a pod send anything before its policy holds?',
  run: async ({ quick, say }) => {
    const undos: (() => Promise<void> | void)[] = [];
    const end: TestEnd = { after: undo => void undos.push(undo as () => Promise<void> | void) };
    try {
      return [...(await addRows(end, quick, say)), ...(await leakRows(quick, say))];
    } finally {
      for (const undo of undos.toReversed()) await undo();
    }
  },
};

async function addRows(end: TestEnd, quick: boolean, say: (text: string) => void): Promise<readonly Row[]> {
  const peers = unpackDebian(['containernetworking-plugins'], say);
  const peer = {
    directory: join(peers.root, 'usr/lib/cni'),
    version: peers.version('containernetworking-plugins'),
  };
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-bench-cni-'));
  end.after(() => rmSync(directory, { recursive: true, force: true }));
  const cluster = new TestCluster(end, { links: [1] });
  const [node] = cluster.nodes;
  if (node === undefined) throw new RangeError('the cluster has a node');
  await node.startAgent();
  const subjects = [ours(node), theirs(node, peer.directory, directory)] as const;

  const rounds = quick ? 20 : 60;
  say(`${rounds} ADDs one after the other, in turn with the reference plugins`);
  const one = await interleave(rounds, {
    ours: () => inSandbox(node, subjects[0]),
    theirs: () => inSandbox(node, subjects[1]),
    socket: () => inSandbox(node, overSocket(node)),
    kernel: () => inSandbox(node, kernelAlone(node)),
  });
  const many = { ours: [] as Samples[], theirs: [] as Samples[] };
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    say(`a hundred ADDs at once, round ${round + 1}`);
    many.ours.push(await hundred(node, subjects[0]));
    many.theirs.push(await hundred(node, subjects[1]));
  }
  const { version } = peer;
  const at = (side: readonly Samples[], of: (samples: Samples) => number) => side.map(of);
  const compared = (name: string, of: (samples: Samples) => number) =>
    rowOf(name, 'ms', at(many.ours, of), { version, samples: at(many.theirs, of) });
  return [
    rowOf('ADD, one at a time, p50', 'ms', one.ours, { version, samples: one.theirs }),
    rowOf('ADD, one at a time, p90', 'ms', [percentile(one.ours, 0.9)], {
      version,
      samples: [percentile(one.theirs, 0.9)],
    }),
    rowOf("ADD at the agent's socket, p50", 'ms', one.socket),
    rowOf('veth, addresses and routes alone, p50', 'ms', one.kernel),
    compared('100 ADDs at once: all done', ({ all }) => all),
    compared('100 ADDs at once: p50', ({ each }) => median(each)),
    compared('100 ADDs at once: p99', ({ each }) => percentile(each, 0.99)),
  ];
}

interface Samples {
  readonly all: number;
  readonly each: readonly number[];
}

interface Subject {
  add(sandbox: Sandbox): Promise<void>;
  remove(sandbox: Sandbox): Promise<void>;
}

async function inSandbox(node: TestNode, subject: Subject): Promise<number> {
  const sandbox = await node.sandbox('one');
  const milliseconds = await timed(() => subject.add(sandbox));
  await subject.remove(sandbox);
  return milliseconds;
}

async function hundred(node: TestNode, subject: Subject): Promise<Samples> {
  const sandboxes: Sandbox[] = [];
  for (let index = 0; index < 100; index++) sandboxes.push(await node.sandbox(`many-${index}`));
  let each: readonly number[] = [];
  const all = await timed(async () => {
    each = await Promise.all(sandboxes.map(sandbox => timed(() => subject.add(sandbox))));
  });
  for (const sandbox of sandboxes) await subject.remove(sandbox);
  return { all, each };
}

function ours(node: TestNode): Subject {
  const call = async (command: string, sandbox: Sandbox) => {
    const { code, stdout } = await node.plugin({ command, ...sandbox });
    if (code !== 0) throw new Error(`${command} failed: ${stdout}`);
  };
  return { add: sandbox => call('ADD', sandbox), remove: sandbox => call('DEL', sandbox) };
}

function theirs(node: TestNode, plugins: string, directory: string): Subject {
  const stdin = peerNetwork(join(directory, 'addresses'));
  mkdirSync(join(directory, 'addresses'), { recursive: true });
  const environment = { CNI_PATH: plugins };
  const call = async (command: string, sandbox: Sandbox) => {
    const program = join(plugins, 'bridge');
    const { code, stdout } = await node.plugin({ command, ...sandbox, program, stdin, environment });
    if (code !== 0) throw new Error(`${command} failed: ${stdout}`);
  };
  return { add: sandbox => call('ADD', sandbox), remove: sandbox => call('DEL', sandbox) };
}

/** Without starting a plugin: what the agent itself takes. */
function overSocket(node: TestNode): Subject {
  const call = async (command: string, { containerId, namespace, pod }: Sandbox) => {
    const stdin = Buffer.from(JSON.stringify(node.configuration()));
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: namespace,
      CNI_IFNAME: 'eth0',
      CNI_ARGS: argumentsOf(pod),
    };
    const socket = connect(node.paths.cniSocket);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.end(Buffer.concat([Buffer.from(`${JSON.stringify({ env, stdinBytes: stdin.length })}\n`), stdin]));
    await once(socket, 'close');
    if (!answer.startsWith('0 ')) throw new Error(`${command} failed: ${answer}`);
  };
  return { add: sandbox => call('ADD', sandbox), remove: sandbox => call('DEL', sandbox) };
}

/** The floor: the same links, addresses and routes, by netlink from this process, with no plugin and no policy. */
function kernelAlone(node: TestNode): Subject {
  const name = 'floor0';
  return {
    add: async ({ namespace }) => {
      await Promise.resolve();
      using host = RouteSocket.open(node.namespace);
      host.apply([
        { do: 'link-add', kind: 'veth', name, up: true, peer: { name: 'eth0', namespace } },
        { do: 'route-replace', dst: '10.8.0.1/32', dev: name },
        { do: 'route-replace', dst: 'fd00:10:8::1/128', dev: name },
      ]);
      using inside = RouteSocket.open(namespace);
      inside.apply([
        { do: 'link-set', dev: 'eth0', up: true },
        { do: 'address-add', dev: 'eth0', address: '10.8.0.1/32', nodad: true },
        { do: 'address-add', dev: 'eth0', address: 'fd00:10:8::1/128', nodad: true },
        { do: 'route-replace', dst: '169.254.1.1/32', dev: 'eth0', scope: 'link' },
        { do: 'route-replace', dst: '0.0.0.0/0', via: '169.254.1.1', dev: 'eth0' },
        { do: 'route-replace', dst: '::/0', via: 'fe80::1', dev: 'eth0' },
      ]);
    },
    remove: async () => {
      await Promise.resolve();
      using host = RouteSocket.open(node.namespace);
      host.apply([{ do: 'link-delete', dev: name }]);
    },
  };
}

async function leakRows(quick: boolean, say: (text: string) => void): Promise<readonly Row[]> {
  const rounds = quick ? 2 : 10;
  say(`${rounds} pods that send from their first instruction, with the gate and without`);
  const leaked = await interleave(rounds, {
    gated: () => leakedPackets('first'),
    open: () => leakedPackets('last'),
  });
  return [
    rowOf('packets before policy, gate on', 'packets', [Math.max(...leaked.gated)]),
    rowOf('packets before policy, gate off (control)', 'packets', [Math.min(...leaked.open)]),
  ];
}
