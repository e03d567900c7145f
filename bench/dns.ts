import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { json } from 'node:stream/consumers';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '../src/cli/read-status.ts';
import { namespaces, paths } from '../src/kernel/contract.ts';
import { Nft } from '../src/kernel/nft/index.ts';
import { namespacePath } from '../src/kernel/ns/index.ts';
import { createClient } from '../src/kube/client.ts';
import type { KubeClient } from '../src/kube/client.ts';
import { loadKubeconfig } from '../src/kube/kubeconfig.ts';
import { NAMESPACES, SERVICES } from '../src/kube/resources.ts';
import { type Measured, measure, writeQuestions } from './dns/load.ts';
import { measureNew, measureRestart } from './dns/restart.ts';
import { type ClusterName, peers, pin, type RunningPeer, startPeer, type Subject } from './dns/server.ts';
import type { Bench } from './harness/bench.ts';
import { unpackDebian } from './harness/debian.ts';
import { median, type Row, rowOf } from './harness/result.ts';

const cluster = 'bench-dns';
const launcher = resolve(import.meta.dirname, '..', 'fairlead');
const serviceCount = 1000;
const firstPort = 5301;
const serverProcessor = 1;
const busy = { seconds: 2, outstanding: 200 };
const lone = { seconds: 1, outstanding: 1 };

interface Samples {
  readonly busy: readonly Measured[];
  readonly lone: readonly Measured[];
}

type Name = 'ours' | keyof typeof peers;

/**
 * Each server on one processor, the load on the other, over loopback. Ours is the one of a node as `up` ships it, with the
 * names of Services made through the API; the peers stand on the same node behind the same rules, and are as little tracked.
 */
export const bench: Bench = {
  question: 'How many cluster names a second does one core answer, and what does an answer cost?',
  run: async ({ quick, say }) => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
    const running: RunningPeer[] = [];
    try {
      const unpacked = unpackDebian(['dnsperf', ...Object.values(peers).map(peer => peer.package)], say);
      say(`a cluster with ${serviceCount} Services`);
      fairlead('down', '--name', cluster);
      fairlead('up', '--name', cluster, '--nodes', '1');
      const names = await makeServices();
      const questions = writeQuestions(directory, names);
      const namespace = namespacePath(namespaces.node(cluster, 'node-1'));
      leaveUntracked(namespace);
      const subjects = new Map<Name, Subject>([['ours', ourServer()]]);
      for (const [index, [name, peer]] of Object.entries(peers).entries()) {
        const own = join(directory, name);
        mkdirSync(own);
        const started = startPeer(
          peer,
          unpacked,
          { namespace, directory: own, port: firstPort + index },
          names,
        );
        running.push(started);
        subjects.set(name as Name, started); // a key of peers
      }
      await Promise.all(running.map(peer => peer.ready()));
      for (const { pid } of subjects.values()) pin(pid, serverProcessor);
      const samples = new Map<Name, Samples>();
      for (let round = 0; round <= (quick ? 2 : 5); round++) {
        for (const [name, subject] of subjects) {
          say(`${round === 0 ? 'warming' : `round ${round}`}: ${name}`);
          const seconds = round === 0 ? 1 : busy.seconds;
          const measured = await measure(unpacked, subject, questions, { ...busy, seconds });
          if (round === 0) continue;
          const alone = quick ? [] : [await measure(unpacked, subject, questions, lone)];
          const before = samples.get(name) ?? { busy: [], lone: [] };
          samples.set(name, { busy: [...before.busy, measured], lone: [...before.lone, ...alone] });
        }
      }
      say('new Services, and a restart');
      const fresh = await withClient(client =>
        measureNew(ourServer(), quick ? 5 : 20, name => createService(client, name)),
      );
      const restart = await measureRestart(
        ourServer(),
        names.map(({ name }) => name),
      );
      return [
        ...rowsOf(samples, name => `${name} ${unpacked.version(peers[name].package)}`),
        rowOf('a new Service until its answer', 'ms', fresh),
        rowOf('questions lost over a restart', '%', [100 * restart.lost]),
        rowOf('longest wait over a restart', 'ms', [restart.longestMilliseconds]),
      ];
    } finally {
      for (const peer of running) await peer.close();
      fairlead('down', '--name', cluster);
      rmSync(directory, { recursive: true });
    }
  },
};

function rowsOf(
  samples: ReadonlyMap<Name, Samples>,
  versionOf: (name: keyof typeof peers) => string,
): readonly Row[] {
  const of = (name: Name): Samples => samples.get(name) ?? { busy: [], lone: [] };
  const names = Object.keys(peers) as (keyof typeof peers)[]; // the keys of peers
  const row = (
    what: string,
    unit: string,
    name: keyof typeof peers,
    read: (name: Name) => readonly number[],
  ) =>
    rowOf(`${what}, beside ${name}`, unit, read('ours'), { version: versionOf(name), samples: read(name) });
  return [
    ...names.map(name =>
      row('answers a second on one core', '/s', name, it => of(it).busy.map(({ perSecond }) => perSecond)),
    ),
    ...names.map(name =>
      row('processor time an answer', 'µs', name, it =>
        of(it).busy.map(({ processorMicroseconds }) => processorMicroseconds),
      ),
    ),
    ...(of('ours').lone.length === 0 ? [] : names).map(name =>
      row('a lone question', 'µs', name, it =>
        of(it).lone.map(({ latencyMicroseconds }) => latencyMicroseconds),
      ),
    ),
    rowOf('questions without an answer', '%', [median(of('ours').busy.map(({ lost }) => 100 * lost))]),
  ];
}

/** Services of both families without pods: their names have addresses all the same. */
function makeServices(): Promise<readonly ClusterName[]> {
  return withClient(async client => {
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'bench' } });
    const wanted = Array.from({ length: serviceCount }, (_, index) => `service-${index}`).values();
    const worker = async () => {
      for (const name of wanted) await createService(client, name);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    const services = (await client.list(SERVICES, { namespace: 'bench' })).items;
    await untilServed(services.length);
    return services.map(({ metadata, spec }) => ({
      name: `${metadata.name}.bench.svc.cluster.local`,
      addresses: spec.clusterIPs ?? [],
    }));
  });
}

async function withClient<T>(use: (client: KubeClient) => Promise<T>): Promise<T> {
  const status = JSON.parse(fairlead('status', '--name', cluster, '-o', 'json')) as ClusterStatus;
  const client = createClient(loadKubeconfig(status.kubeconfig));
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

async function createService(client: KubeClient, name: string): Promise<void> {
  await client.create(SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'bench', name },
    spec: { ipFamilyPolicy: 'RequireDualStack', selector: { app: name }, ports: [{ port: 80 }] },
  });
}

/** Until the server has a name for each Service at least. */
async function untilServed(count: number): Promise<void> {
  const socketPath = join(paths.nodeRun(cluster, 'node-1'), 'dns.sock');
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) {
    const { names } = await new Promise<{ names: number }>((resolved, rejected) => {
      get(
        { socketPath, path: '/status' },
        response => void json(response).then(resolved as never, rejected),
      ).once('error', rejected);
    });
    if (names >= count) return;
    await sleep(100);
  }
  throw new Error('the DNS server does not learn the names of the Services');
}

/** As our own rules do for our server: otherwise every question to a peer would cost a connection entry. */
function leaveUntracked(namespace: string): void {
  const ports = `${firstPort}-${firstPort + Object.keys(peers).length - 1}`;
  const nft = Nft.open(namespace);
  nft.run('add table inet bench');
  for (const hook of ['prerouting', 'output']) {
    nft.run(`add chain inet bench ${hook} { type filter hook ${hook} priority -300; }`);
    nft.run(`add rule inet bench ${hook} udp dport ${ports} notrack`);
    nft.run(`add rule inet bench ${hook} udp sport ${ports} notrack`);
  }
  nft.close();
}

function ourServer(): Subject {
  const status = JSON.parse(fairlead('status', '--name', cluster, '-o', 'json')) as ClusterStatus;
  const pid = status.processes.find(({ name }) => name === 'dns-node-1')?.pid;
  if (pid === null || pid === undefined) throw new Error('the DNS server does not run');
  return { namespace: namespacePath(namespaces.node(cluster, 'node-1')), host: '10.96.0.10', port: 53, pid };
}

const fairlead = (...words: readonly string[]): string =>
  execFileSync(launcher, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
