import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentStatus } from '../src/agent/status.ts';
import { createCgroup } from '../src/kernel/cgroup/index.ts';
import { cgroups, namespaces, paths } from '../src/kernel/contract.ts';
import { createNamespace, deleteNamespace, namespacePath, spawnIn } from '../src/kernel/ns/index.ts';
import { connectIn } from '../src/kernel/ns/sockets.ts';
import { createClient } from '../src/kube/client.ts';
import type { KubeClient } from '../src/kube/client.ts';
import { loadKubeconfig } from '../src/kube/kubeconfig.ts';
import { clusterFiles } from '../src/standalone/cluster.ts';
import { ENDPOINT_SLICES, NODES, PODS, SERVICES } from '../src/kube/resources.ts';
import type { Bench } from './harness/bench.ts';
import { percentile, rowOf } from './harness/result.ts';
import type { Row } from './harness/result.ts';
import { timed } from './harness/rounds.ts';
import { Client, Talker, startSink } from './services/client.ts';
import type { ColdResult } from './services/cold.ts';
import { questionMilliseconds } from './services/talk.ts';
import { fillerAddress, makeService, makeSlice, namespace } from './services/objects.ts';
import { loadIptables, loadNftables, serverAddress, startPeerRig, virtualAddress } from './services/peers.ts';

const cluster = 'bench-services';
const launcher = resolve(import.meta.dirname, '..', 'fairlead');
const node = 'node-1';
const ports = [9000, 9001] as const;
const modes = ['ebpf', 'nftables'] as const;
type Mode = (typeof modes)[number];

/**
 * A pod that connects to another one directly and to its Service, in turns of ten connections, on one node as `up` ships it, in
 * both modes, with more and more Services made through the API. Peers' rules stand in namespaces of their own, each
 * with direct connections beside it: what is compared with them is what each adds to its own direct connection.
 */
export const bench: Bench = {
  question: 'What does a Service add to a connection, and how soon does a change of one hold?',
  run: async ({ quick, say }) => [
    ...(await coldRows(quick, say)),
    ...(await peerRows(quick, say)),
    ...(await clusterRows(quick, say)),
  ],
};

async function coldRows(quick: boolean, say: (what: string) => void): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const count of quick ? [10_000] : [1000, 10_000, 30_000]) {
    const results: ColdResult[] = [];
    for (let round = 0; round < (quick ? 1 : 3); round++) {
      say(`${count} Services of 10 endpoints from nothing`);
      results.push(await cold(count));
    }
    const changes = results.flatMap(result => result.changes);
    rows.push(
      rowOf(
        `${count} Services, nftables: from nothing into the kernel`,
        's',
        results.map(({ load }) => load / 1000),
      ),
      rowOf(`${count} Services, nftables: one changes, p50`, 'ms', [percentile(changes, 0.5)]),
      rowOf(`${count} Services, nftables: one changes, p99`, 'ms', [percentile(changes, 0.99)]),
      rowOf(
        `${count} Services, nftables: more memory afterwards`,
        'MB',
        results.map(({ memory }) => memory / 1e6),
      ),
    );
  }
  return rows;
}

/** The flags of an agent, and the collector at hand. */
const agentFlags = ['--min-semi-space-size=1', '--max-semi-space-size=1', '--no-maglev', '--expose-gc'];

async function cold(count: number): Promise<ColdResult> {
  const program = resolve(import.meta.dirname, 'services', 'cold.ts');
  const name = `fairlead-bench-cold-${process.pid}`;
  try {
    const child = spawnIn(createNamespace(name), process.execPath, [...agentFlags, program, String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout === null) throw new Error('the process has no output');
    return JSON.parse(await text(child.stdout)) as ColdResult;
  } finally {
    deleteNamespace(name);
  }
}

/** What rules of the peers' shape add to a direct connection, in their own rig. */
async function peerRows(quick: boolean, say: (what: string) => void): Promise<readonly Row[]> {
  const rows: Row[] = [];
  const engines = { nftables: loadNftables, iptables: loadIptables } as const;
  for (const count of quick ? [1000] : [1, 1000, 5000]) {
    for (const [engine, load] of Object.entries(engines)) {
      say(`${count} Services in rules of kube-proxy's shape, ${engine}`);
      using rig = startPeerRig(engine);
      let version: string | undefined;
      const took = await timed(async () => {
        version = await load(rig.node, count, say);
      });
      if (version === undefined) continue;
      const sink = await startSink(rig.server, [ports[0]]);
      try {
        using client = new Client(rig.client);
        const found = await measure(client, serverAddress, virtualAddress, quick ? 2000 : 10_000);
        rows.push(
          rowOf(`${count} Services, ${version}: loaded from nothing`, 's', [took / 1000]),
          rowOf(`${count} Services, ${version}: a connection, p50, beside direct`, 'µs', [found.service], {
            version: 'direct',
            samples: [found.direct],
          }),
          rowOf(
            `${count} Services, ${version}: connections a second, beside direct`,
            '1/s',
            [found.rate.service],
            {
              version: 'direct',
              samples: [found.rate.direct],
            },
          ),
        );
      } finally {
        sink.kill('SIGKILL');
      }
    }
  }
  return rows;
}

interface Measured {
  /** Microseconds of connect(2), p50. */
  readonly service: number;
  readonly serviceTail: number;
  readonly direct: number;
  /** Connections a second, opened and closed one after the other. */
  readonly rate: { readonly service: number; readonly direct: number };
}

async function measure(client: Client, direct: string, virtual: string, count: number): Promise<Measured> {
  const targets = [
    { host: direct, port: ports[0] },
    { host: virtual, port: 80 },
  ];
  await client.connect({ targets, count: 500 }); // until V8 has compiled it
  const [toDirect = [], toService = []] = await client.connect({ targets, count });
  return {
    direct: percentile(toDirect, 0.5),
    service: percentile(toService, 0.5),
    serviceTail: percentile(toService, 0.99),
    rate: await rateOf(client, targets, count),
  };
}

/** In turns, so that what else the machine does meets both alike. */
async function rateOf(
  client: Client,
  targets: readonly { readonly host: string; readonly port: number }[],
  count: number,
): Promise<Measured['rate']> {
  const milliseconds = targets.map(() => 0);
  const each = count / rateTurns;
  for (let turn = 0; turn < rateTurns; turn++)
    for (const [index, target] of targets.entries())
      milliseconds[index] =
        (milliseconds[index] ?? 0) + (await timed(() => client.connect({ targets: [target], count: each })));
  const [direct = 0, service = 0] = milliseconds.map(took => (1000 * count) / took);
  return { direct, service };
}

const rateTurns = 10;

async function clusterRows(quick: boolean, say: (what: string) => void): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
  const sinks: { kill(signal: 'SIGKILL'): boolean }[] = [];
  fairlead('down', '--name', cluster);
  try {
    say('a cluster of one node');
    const file = join(directory, 'manifests.json');
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }));
    fairlead('up', '--name', cluster, '--nodes', '1', '-f', file);
    const api = createClient(loadKubeconfig(clusterFiles.kubeconfig(cluster, 'admin')));
    try {
      const [from, to] = await Promise.all(
        ['client', 'server'].map(name => api.get(PODS, { namespace, name })),
      );
      const [fromUid = '', toUid = ''] = [from?.metadata.uid, to?.metadata.uid];
      const pod = namespacePath(namespaces.pod(cluster, fromUid));
      const server = to?.status?.podIP ?? '';
      sinks.push(await startSink(namespacePath(namespaces.pod(cluster, toUid)), ports));
      const virtual = await serve(api, 'measured', server);
      const cgroup = `${cgroups.pod(cluster, node, fromUid)}/bench`;
      createCgroup(cgroup);
      using client = new Client(pod, cgroup);
      const rows: Row[] = [];
      let made = 1;
      for (const count of quick ? [10_000] : [1, 1000, 10_000, 30_000]) {
        say(`${count} Services through the API`);
        await fill(api, made, count);
        made = count;
        await untilInForce(count);
        rows.push(...(await connectRows(api, client, { count, server, virtual, quick, say })));
        if (count !== 10_000) continue;
        rows.push(...(await changeRows(api, pod, server, virtual, quick ? 40 : 200)));
        rows.push(...(await failoverRows(api, { pod, cgroup, server, count, say, turns: quick ? 3 : 10 })));
      }
      return rows;
    } finally {
      api.close();
    }
  } finally {
    for (const sink of sinks) sink.kill('SIGKILL');
    fairlead('down', '--name', cluster);
    rmSync(directory, { recursive: true });
  }
}

const manifests = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  ...['client', 'server'].map(name => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name },
    spec: { containers: [{ name: 'pause', image: 'pause' }] },
  })),
];

/** A Service of one endpoint; its address. */
async function serve(api: KubeClient, name: string, address: string): Promise<string> {
  await api.create(ENDPOINT_SLICES, makeSlice(name, [address], ports[0]));
  return (await api.create(SERVICES, makeService(name))).spec.clusterIP ?? '';
}

async function fill(api: KubeClient, from: number, to: number): Promise<void> {
  let next = from;
  const work = async () => {
    while (next < to) {
      const name = `filler-${next++}`;
      await api.create(ENDPOINT_SLICES, makeSlice(name, [fillerAddress(next)], 8080));
      await api.create(SERVICES, makeService(name));
    }
  };
  await Promise.all(Array.from({ length: 16 }, work));
}

/**
 * Until the node has so many front ends, in the mode that is asked for, and everything was compared since `after`: the
 * mode is told before its maps are full.
 */
async function untilInForce(count: number, mode?: Mode, after = 0): Promise<void> {
  const socketPath = join(paths.nodeRun(cluster, node), 'agent.sock');
  const deadline = performance.now() + 300_000;
  while (performance.now() < deadline) {
    const { services } = await new Promise<AgentStatus>((resolved, rejected) => {
      get(
        { socketPath, path: '/status' },
        response => void json(response).then(resolved as never, rejected),
      ).once('error', rejected);
    });
    const isCompared = Date.parse(services.lastReconcile ?? '') > after || after === 0;
    if (services.frontends >= count && isCompared && (mode === undefined || services.mode.mode === mode))
      return;
    await sleep(100);
  }
  throw new Error(`the node does not get ${count} Services into its kernel, in mode ${mode ?? 'any'}`);
}

interface ConnectScenario {
  readonly count: number;
  readonly server: string;
  readonly virtual: string;
  readonly quick: boolean;
  readonly say: (what: string) => void;
}

async function connectRows(
  api: KubeClient,
  client: Client,
  { count, quick, say, server, virtual }: ConnectScenario,
): Promise<readonly Row[]> {
  const samples = new Map<Mode, Measured[]>(modes.map(mode => [mode, []]));
  for (let round = 0; round < (quick ? 1 : 4); round++)
    for (const mode of modes) {
      say(`${count} Services, ${mode}: connections`);
      await switchTo(api, count, mode);
      samples.get(mode)?.push(await measure(client, server, virtual, quick ? 2000 : 5000));
    }
  return [...samples].flatMap(([mode, found]) => {
    const direct = { version: 'direct', samples: found.map(one => one.direct) };
    return [
      rowOf(
        `${count} Services, ${mode}: a connection, p50, beside direct`,
        'µs',
        found.map(one => one.service),
        direct,
      ),
      rowOf(
        `${count} Services, ${mode}: a connection, p99`,
        'µs',
        found.map(one => one.serviceTail),
      ),
      rowOf(
        `${count} Services, ${mode}: connections a second, beside direct`,
        '1/s',
        found.map(one => one.rate.service),
        { version: 'direct', samples: found.map(one => one.rate.direct) },
      ),
    ];
  });
}

async function switchTo(api: KubeClient, count: number, mode: Mode): Promise<void> {
  const annotations = { 'fairlead.dev/service-mode': mode };
  const before = await api.get(NODES, { name: node });
  if (before.metadata.annotations?.['fairlead.dev/service-mode'] === mode) return;
  const started = Date.now();
  await api.patch(NODES, { name: node }, { metadata: { annotations } }, { type: 'merge' });
  await untilInForce(count, mode, started);
}

/** From the write of a slice to the first connection that reaches the new endpoint. */
async function changeRows(
  api: KubeClient,
  pod: string,
  server: string,
  virtual: string,
  turns: number,
): Promise<readonly Row[]> {
  const key = { namespace, name: 'measured' };
  const delays: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const port = ports[(turn + 1) % ports.length] ?? ports[0];
    const { ports: written } = makeSlice('measured', [server], port);
    await api.patch(ENDPOINT_SLICES, key, { ports: written }, { type: 'merge' });
    const started = performance.now();
    const deadline = started + 20_000;
    while ((await portOf(pod, virtual)) !== port)
      if (performance.now() > deadline) throw new Error('a change of a slice does not take effect');
    delays.push(performance.now() - started);
  }
  return [
    rowOf('10000 Services: slice written to first connection, p50', 'ms', [percentile(delays, 0.5)]),
    rowOf('10000 Services: slice written to first connection, p99', 'ms', [percentile(delays, 0.99)]),
  ];
}

interface FailoverScenario {
  readonly pod: string;
  readonly cgroup: string;
  readonly server: string;
  readonly count: number;
  readonly turns: number;
  readonly say: (what: string) => void;
}

/** From the removal of the endpoint that a UDP client talks to, until another one answers it. */
async function failoverRows(
  api: KubeClient,
  { cgroup, count, pod, say, server, turns }: FailoverScenario,
): Promise<readonly Row[]> {
  const name = 'talked-to';
  const sliceOf = (port: number) => {
    const made = makeSlice(name, [server], port, 'UDP');
    return { ...made, metadata: { ...made.metadata, name: `${name}-${port}` } };
  };
  for (const port of ports) await api.create(ENDPOINT_SLICES, sliceOf(port));
  const { clusterIP = '' } = (await api.create(SERVICES, makeService(name, 'UDP'))).spec;
  const rows: Row[] = [];
  for (const mode of modes) {
    say(`${count} Services, ${mode}: a UDP client whose endpoint goes`);
    await switchTo(api, count, mode);
    using talker = new Talker(pod, cgroup, clusterIP, 80);
    const delays: number[] = [];
    let answers = await talker.next();
    for (let turn = 0; turn < turns; turn++) {
      const gone = sliceOf(answers);
      await api.delete(ENDPOINT_SLICES, { namespace, name: gone.metadata.name });
      const started = performance.now();
      answers = await talker.next();
      delays.push(performance.now() - started);
      await api.create(ENDPOINT_SLICES, gone);
      await sleep(40 * questionMilliseconds); // the client may stay; the next turn needs both endpoints in force
    }
    rows.push(
      rowOf(`${count} Services, ${mode}: UDP client of a removed endpoint, longest`, 'ms', [
        Math.max(...delays),
      ]),
    );
  }
  return rows;
}

/** Which port answers behind the Service. */
async function portOf(pod: string, host: string): Promise<number> {
  const socket = await connectIn(pod, { host, port: 80, timeoutMilliseconds: 5000 });
  try {
    return Number(await text(socket));
  } finally {
    socket.destroy();
  }
}

function fairlead(...words: readonly string[]): void {
  execFileSync(launcher, words, { stdio: ['ignore', 'ignore', 'inherit'] });
}
