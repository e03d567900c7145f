import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { silentLog } from '../src/base/log.ts';
import { parseAddress } from '../src/base/ip.ts';
import { bindUdpIn } from '../src/kernel/ns/index.ts';
import { RouteSocket } from '../src/kernel/netlink/index.ts';
import { KernelWorker } from '../src/kernel/worker/index.ts';
import { policyMatrix } from '../src/insight/policy/index.ts';
import type { NetworkPolicy } from '../src/kube/types/networking.ts';
import type { Pod } from '../src/kube/types/pod.ts';
import { PolicyNode, buildPolicyModel, decidePolicy } from '../src/policy/index.ts';
import type { TestEnd } from '../test/netns/kernel-fixture.ts';
import { buildRig } from '../test/netns/policy-rig.ts';
import type { Rig } from '../test/netns/policy-rig.ts';
import { withPorts } from '../test/netns/raw-packets.ts';
import type { Bench } from './harness/bench.ts';
import { median, percentile, type Row, rowOf } from './harness/result.ts';
import { interleave, timed } from './harness/rounds.ts';
import { nodeKernel } from './policy/kernel.ts';
import { connectTimes, openConnectionRates } from './policy/connections.ts';
import type { Wired } from './policy/connections.ts';
import { readEvents, timeOfEvents } from './policy/events.ts';
import { unpackIptables } from './policy/iptables.ts';
import { Sender } from './policy/sender.ts';
import {
  addressOf,
  labelsOf,
  namespace,
  openPort,
  podCount,
  podOf,
  policyFacts,
  policyOf,
  serverPod,
} from './policy/world.ts';

const many = 10_000;
const packetsInRound = 200;

/**
 * Objects are given to the node's block as its informers do, the kernel is the real one, and packets go from a pod's cable
 * to another's. What the API server adds is not in it (`bench api` measures that).
 */
export const bench: Bench = {
  question: 'What do policies cost a packet, and how soon does a change of them hold?',
  run: async ({ quick, say }) => {
    const ends: (() => unknown)[] = [];
    const context: TestEnd = { after: (end: () => unknown) => void ends.push(end) };
    try {
      return await measure(context, quick, say);
    } finally {
      for (const end of ends.toReversed()) await end();
    }
  },
};

/** What another program on the machine took from a round is no cost of a packet. */
const fasterHalf = (samples: readonly number[]): readonly number[] =>
  samples.toSorted((a, b) => a - b).slice(0, Math.ceil(samples.length / 2));

/** A node with two pods that have cables, and policies on all of its pods. */
interface Subject {
  readonly rig: Rig;
  readonly wired: readonly [string, string];
  readonly sender: Sender;
  port: number;
}

interface OurSubject extends Subject {
  readonly node: PolicyNode;
  readonly writtenAt: () => number;
  readonly pods: Pod[];
  readonly policies: NetworkPolicy[];
  readonly startMilliseconds: number;
}

async function measure(
  context: TestEnd,
  quick: boolean,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  const worker = new KernelWorker();
  context.after(() => worker.close());
  const sizes = quick ? [10, many] : [0, 10, 100, 1000, many];
  const ours = new Map<number, OurSubject>();
  for (const size of sizes) {
    say(`${size} policies on ${podCount} pods`);
    ours.set(size, await ourSubject(context, worker, size));
  }
  const largest = ours.get(many) ?? assert.fail();

  const iptables = unpackIptables(say);
  const theirs = new Map<number, Subject>();
  let loaded: number | undefined;
  for (const size of iptables === undefined ? [] : sizes) {
    const subject = subjectOf(context, `ipt-${size}`);
    const milliseconds = await iptables?.load(subject.rig.router, policyFacts(size), subject.wired);
    if (size === many) loaded = milliseconds;
    theirs.set(size, subject);
  }

  say(`${packetsInRound} first packets of connections at a time, in turn`);
  const named = new Map<string, Subject>([
    ...[...ours].map(([size, subject]) => [`ours ${size}`, subject] as const),
    ...[...theirs].map(([size, subject]) => [`theirs ${size}`, subject] as const),
  ]);
  const flush = (subject: Subject) => worker.forgetConnections([{}], subject.rig.router);
  const datagrams = new Map<Subject, Socket>();
  for (const subject of named.values()) {
    datagrams.set(subject, await received(context, subject));
    await flush(subject);
  }
  const first = await interleave(
    quick ? 41 : 101,
    Object.fromEntries(
      [...named].map(([name, subject]) => [
        name,
        async () => {
          const each = firstPackets(subject);
          await flush(subject);
          return each;
        },
      ]),
    ),
  );
  const of = (side: 'ours' | 'theirs', size: number) => fasterHalf(first[`${side} ${size}`] ?? []);
  const version = iptables?.version ?? '';
  const beside = (size: number) =>
    theirs.has(size) ? { peer: { version, samples: of('theirs', size) } } : {};

  say('TCP connections, and packets of one that is open, in turn');
  const wired = new Map(
    [...named].map(([name, subject]) => [name, wiredOf(subject, datagrams.get(subject) ?? assert.fail())]),
  );
  const connects = await connectTimes(context, wired, quick ? 400 : 4000);
  const rates = await openConnectionRates(wired, quick ? 15 : 101);

  say('changes of one policy and of one pod, among ten thousand');
  const changed = await changes(largest, quick ? 30 : 200, changePort);
  const structural = await changes(largest, quick ? 20 : 100, addAndRemove);
  const relabelled = await changes(largest, quick ? 20 : 100, relabel);

  say('events: first packets while the node tells of them, and while it does not');
  const reporting = await ourSubject(context, worker, 10, { reportsPasses: true });
  const silent = ours.get(10) ?? assert.fail();
  const told = readEvents(context, reporting.rig.router, () => reporting.node.model);
  await received(context, reporting);
  const events = await interleave(quick ? 41 : 101, {
    reporting: async () => (await flush(reporting), firstPackets(reporting)),
    silent: async () => (await flush(silent), firstPackets(silent)),
  });
  await flush(reporting);
  const paced = await pacedPackets(reporting, silent, quick ? 50 : 200);
  assert.ok(told() > 0, 'nothing was told');
  const model = largest.node.model ?? assert.fail();
  const eventTimes = [1000, 50_000].map(rate => ({ rate, ...timeOfEvents(model, largest.wired, rate) }));

  say('the engine');
  const { decisions, matrix } = engine(quick);
  const start = rowOf(
    `start with ${many} policies: until all are in force`,
    's',
    [largest.startMilliseconds / 1000],
    loaded === undefined ? undefined : { version, samples: [loaded / 1000] },
  );
  return [
    ...sizes.map(size =>
      rowOf(
        `first packet of a connection, ${size} policies, beside iptables`,
        'µs',
        of('ours', size),
        beside(size).peer,
      ),
    ),
    ...sizes.flatMap(size => {
      const times = (side: 'ours' | 'theirs') => connects.get(`${side} ${size}`) ?? [];
      const peer = (samples: readonly number[]) => (theirs.has(size) ? { version, samples } : undefined);
      const rate = (samples: readonly number[]) => [
        (samples.length * 1e6) / samples.reduce((sum, one) => sum + one, 0),
      ];
      return [
        rowOf(
          `new TCP connections a second of one client, ${size} policies, beside iptables`,
          '1/s',
          rate(times('ours')),
          peer(rate(times('theirs'))),
        ),
        rowOf(
          `a new TCP connection, ${size} policies, beside iptables, p50`,
          'µs',
          times('ours'),
          peer(times('theirs')),
        ),
        rowOf(
          `a new TCP connection, ${size} policies, beside iptables, p99`,
          'µs',
          [percentile(times('ours'), 0.99)],
          peer([percentile(times('theirs'), 0.99)]),
        ),
        rowOf(
          `packets a second of an open connection, ${size} policies, beside iptables`,
          '1/s',
          rates[`ours ${size}`] ?? [],
          peer(rates[`theirs ${size}`] ?? []),
        ),
      ];
    }),
    rowOf(`first packet of a connection, ${many} policies, beside 10`, 'µs', of('ours', many), {
      version: 'the same with 10 policies',
      samples: of('ours', 10),
    }),
    start,
    rowOf('a policy has another port: in the kernel, p50', 'ms', [median(changed)]),
    rowOf('a policy has another port: in the kernel, p99', 'ms', [percentile(changed, 0.99)]),
    rowOf('a policy comes or goes: in the kernel, p50', 'ms', [median(structural)]),
    rowOf('a policy comes or goes: in the kernel, p99', 'ms', [percentile(structural, 0.99)]),
    rowOf('a pod has another label: in the kernel, p50', 'ms', [median(relabelled)]),
    rowOf(
      'first packet of a connection that is told, beside one that is not',
      'µs',
      fasterHalf(events.reporting),
      {
        version: 'without events',
        samples: fasterHalf(events.silent),
      },
    ),
    rowOf(
      'first packet of a connection, 1000 of them a second, told beside not told',
      'µs',
      fasterHalf(paced.reporting),
      { version: 'without events', samples: fasterHalf(paced.silent) },
    ),
    ...eventTimes.flatMap(({ lost, milliseconds, rate }) => [
      rowOf(`the agent, ${rate} reports in a second`, 'ms', [milliseconds]),
      ...(lost === 0 ? [] : [rowOf(`the same: not kept, and counted`, 'reports', [lost])]),
    ]),
    rowOf('decisions of the engine a second', '1/s', [decisions]),
    rowOf('who may speak to whom among 1000 pods', 's', [matrix]),
  ];
}

function subjectOf(context: TestEnd, part: string): Subject {
  const rig = buildRig(context, `bench-${part}`, 2);
  const [client, server] = rig.pods;
  assert.ok(client && server);
  using route = RouteSocket.open(rig.router);
  const gatewayMac = route.link('veth0')?.mac ?? assert.fail();
  const sender = new Sender(context, client.namespace, gatewayMac);
  return { rig, sender, wired: [client.addresses[0], server.addresses[0]], port: 10_000 };
}

async function ourSubject(
  context: TestEnd,
  worker: KernelWorker,
  size: number,
  options: { readonly reportsPasses?: boolean } = {},
): Promise<OurSubject> {
  const subject = subjectOf(context, `${size}${options.reportsPasses === true ? '-told' : ''}`);
  const pods = Array.from({ length: podCount }, (_, index) => podOf(index, addressOf(index, subject.wired)));
  const policies = policyFacts(size).map(policyOf);
  const { kernel, writtenAt } = nodeKernel(context, worker, subject.rig.router);
  const node = new PolicyNode({
    node: 'node-1',
    kernel,
    log: silentLog,
    reportsDrops: true,
    ...options,
    assigned: [],
    namespacePath: subject.rig.router,
    sources: {
      pods: () => pods,
      policies: () => policies,
      clusterPolicies: () => [],
      nodes: () => [],
      nodeLocalServices: () => [],
      namespaceLabels: () => ({}),
      reached: () => Promise.resolve(),
    },
  });
  const startMilliseconds = await timed(() => node.sync());
  return { ...subject, node, writtenAt, pods, policies, startMilliseconds };
}

/** The server's socket; throws when what is measured does not arrive. */
async function received(context: TestEnd, subject: Subject): Promise<Socket> {
  const [, server] = subject.rig.pods;
  const socket = createSocket('udp4');
  context.after(() => socket.close());
  const listening = once(socket, 'listening');
  socket.bind({
    fd: bindUdpIn(server?.namespace ?? '', { host: subject.wired[1], port: openPort }),
  });
  await listening;
  const arrived = once(socket, 'message', { signal: AbortSignal.timeout(10_000) });
  firstPackets(subject);
  await arrived;
  return socket;
}

/** Microseconds for each of some packets, each the first of its connection: the call returns when it has been forwarded. */
function firstPackets(subject: Subject, count = packetsInRound): number {
  const { sender, wired } = subject;
  const packets = Array.from({ length: count }, (_, index) => {
    const payload = withPorts(10_000 + ((subject.port + index) % 50_000), openPort);
    payload.set([0, payload.length], 4); // the datagram's length
    return { source: wired[0], destination: wired[1], protocol: 17, payload };
  });
  subject.port += count;
  return sender.send(packets);
}

const wiredOf = ({ rig, sender, wired }: Subject, datagrams: Socket): Wired => {
  const [client, server] = rig.pods;
  assert.ok(client && server);
  return {
    clientNamespace: client.namespace,
    serverNamespace: server.namespace,
    clientHost: wired[0],
    serverHost: wired[1],
    sender,
    datagrams,
  };
};

const pacedMilliseconds = 20;

/** A thousand new connections a second of each, for so many turns. */
async function pacedPackets(reporting: Subject, silent: Subject, turns: number) {
  const samples = { reporting: [] as number[], silent: [] as number[] };
  for (let turn = 0; turn < turns; turn++) {
    const next = sleep(pacedMilliseconds);
    samples.reporting.push(firstPackets(reporting, pacedMilliseconds));
    samples.silent.push(firstPackets(silent, pacedMilliseconds));
    await next;
  }
  return samples;
}

type Change = (subject: OurSubject, turn: number) => void;

/** Milliseconds until the kernel has it; the walk through open connections follows. */
async function changes(subject: OurSubject, turns: number, change: Change): Promise<readonly number[]> {
  const samples: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const started = performance.now();
    change(subject, turn);
    await subject.node.catchUp();
    samples.push(subject.writtenAt() - started);
  }
  return samples;
}

const changePort: Change = ({ node, policies }, turn) => {
  const index = (turn * 37) % policies.length;
  const facts = policyFacts(many)[index] ?? assert.fail();
  const policy = policyOf({ ...facts, port: facts.port + 100 + turn });
  policies[index] = policy;
  node.tell({ kind: 'policy', key: `${namespace}/${facts.name}`, object: policy });
};

/** It isolates another direction, so that a group of its own, with sets and chains, comes and goes. */
const addAndRemove: Change = ({ node, policies }, turn) => {
  const key = `${namespace}/extra`;
  if (turn % 2 === 1) {
    policies.pop();
    node.tell({ kind: 'policy', key, object: undefined });
    return;
  }
  const policy: NetworkPolicy = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name: 'extra', uid: `extra-${turn}`, generation: 1 },
    spec: {
      podSelector: { matchLabels: labelsOf((serverPod + turn + 1) % podCount) },
      policyTypes: ['Egress'],
      egress: [{ to: [{ podSelector: { matchLabels: labelsOf(turn) } }], ports: [{ port: 80 }] }],
    },
  };
  policies.push(policy);
  node.tell({ kind: 'policy', key, object: policy });
};

const relabel: Change = ({ node, pods }, turn) => {
  const index = 300 + (turn % 100);
  const pod = pods[index] ?? assert.fail();
  const labels = { ...labelsOf(index), turn: `${turn}` };
  const changed = { ...pod, metadata: { ...pod.metadata, labels } };
  pods[index] = changed;
  node.tell({ kind: 'pod', key: `${namespace}/${pod.metadata.name}`, object: changed });
};

function engine(quick: boolean): { readonly decisions: number; readonly matrix: number } {
  const wired = ['10.244.0.10', '10.244.0.11'] as const;
  const model = buildPolicyModel({
    pods: Array.from({ length: 1000 }, (_, index) => podOf(index, addressOf(index, wired))),
    namespaces: [],
    policies: policyFacts(1000).map(policyOf),
    nodes: [],
    nodeLocalServices: [],
  });
  const addresses = Array.from(
    { length: 1000 },
    (_, index) => parseAddress(addressOf(index, wired)) ?? assert.fail(),
  );
  const count = quick ? 50_000 : 200_000;
  const begun = performance.now();
  for (let index = 0; index < count; index++) {
    const [source, destination] = [addresses[index % 1000], addresses[(index * 13) % 1000]];
    if (source && destination) decidePolicy(model, { source, destination, protocol: 'TCP', port: 1000 });
  }
  const decisions = (count * 1000) / (performance.now() - begun);
  const started = performance.now();
  policyMatrix(model, { namespaces: 'all' });
  return { decisions, matrix: (performance.now() - started) / 1000 };
}
