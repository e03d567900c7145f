import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeCertificate } from '../src/gateway/testing/certificate.ts';
import { cgroupProcesses } from '../src/kernel/cgroup/index.ts';
import { cgroups, namespaces } from '../src/kernel/contract.ts';
import { namespacePath } from '../src/kernel/ns/index.ts';
import { proportionalSetSize } from '../src/kernel/process/index.ts';
import { createClient, type KubeClient } from '../src/kube/client.ts';
import { loadKubeconfig } from '../src/kube/kubeconfig.ts';
import { DEPLOYMENTS, PODS, SERVICES } from '../src/kube/resources.ts';
import type { Pod } from '../src/kube/types/pod.ts';
import { clusterFiles } from '../src/standalone/cluster.ts';
import { type Load, type Measured, measure, type Subject } from './gateway/load.ts';
import { backendPort, callHost, manifests, namespace, type PeerName, peerNames } from './gateway/objects.ts';
import { startBackend, startPeer } from './gateway/peers.ts';
import { changeRoutes, makeRoutes } from './gateway/route-changes.ts';
import type { Bench } from './harness/bench.ts';
import { type Unpacked, unpackDebian } from './harness/debian.ts';
import { percentile, type Row, rowOf } from './harness/result.ts';

const cluster = 'bench-gateway';
const node = 'node-1';
const launcher = resolve(import.meta.dirname, '..', 'fairlead');
const packages = ['haproxy', 'nginx', 'nghttp2-client', 'wrk'] as const;
/** Of those who are measured; the load and the backend have the other one. */
const subjectProcessor = '0';
const loadProcessor = '1';

type Name = 'ours' | PeerName;

interface Scenario {
  readonly name: string;
  readonly load: Omit<Load, 'seconds'>;
  readonly names: readonly Name[];
  /** With --quick: who is measured then, how often; nobody where it is absent. */
  readonly quick?: { readonly names: readonly Name[]; readonly rounds: number };
}

const small = { scheme: 'http', path: '/' } as const;
const threads = ['ours', 'haproxy', 'nginx'] as const;
const scenarios: readonly Scenario[] = [
  {
    name: 'HTTP/1.1, 16 connections',
    load: { ...small, connections: 16 },
    names: ['ours', ...peerNames],
    quick: { names: ['ours', ...peerNames], rounds: 3 },
  },
  {
    name: 'HTTPS, 16 connections',
    load: { ...small, scheme: 'https', connections: 16 },
    names: threads,
    quick: { names: ['ours', 'haproxy'], rounds: 3 },
  },
  {
    name: 'HTTP/1.1, 1 connection',
    load: { ...small, connections: 1 },
    names: threads,
    quick: { names: ['ours', 'haproxy'], rounds: 2 },
  },
  {
    name: '1 MB, 4 connections',
    load: { ...small, path: '/1m', connections: 4 },
    names: threads,
    quick: { names: ['ours', 'haproxy'], rounds: 2 },
  },
  {
    name: 'HTTP/2 over TLS, 4 connections of 16 streams',
    load: { ...small, scheme: 'https', connections: 4, streams: 16 },
    names: threads,
    quick: { names: ['ours', 'haproxy'], rounds: 2 },
  },
  {
    name: 'calls of gRPC in clear, 4 connections of 16 streams',
    load: { ...small, host: callHost, connections: 4, streams: 16 },
    names: ['ours', 'haproxy'],
    quick: { names: ['ours', 'haproxy'], rounds: 2 },
  },
  { name: 'HTTP/1.1, 512 connections', load: { ...small, connections: 512 }, names: threads },
];

/** Seconds until V8 has compiled what is hot, on a quiet machine: what runs for days is measured, not its first seconds. */
const warming: readonly (readonly [name: Name, load: Omit<Load, 'seconds'>, seconds: number])[] = [
  ['ours', { ...small, connections: 16 }, 5],
  ['ours', { ...small, scheme: 'https', connections: 16 }, 3],
  ['ours', { ...small, scheme: 'https', connections: 4, streams: 16 }, 2],
  ['ours', { ...small, host: callHost, connections: 4, streams: 16 }, 2],
  ['plain', { ...small, connections: 16 }, 2],
];

/**
 * A Gateway as `up` ships it, scaled to one pod, and peers in pods of the same node behind load balancers of the same kind, so that every
 * request goes the same way: world, node, proxy, backend. All do the same work, with a line in an access log a request.
 */
export const bench: Bench = {
  question: 'What does a request through the Gateway cost, and how soon does a route’s change hold?',
  run: async ({ quick, say }) => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
    const children: ChildProcess[] = [];
    try {
      const unpacked = unpackDebian(packages, say);
      say('a cluster with a Gateway');
      const certificate = makeCertificate();
      fairlead('down', '--name', cluster);
      const file = join(directory, 'manifests.json');
      writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests(certificate) }));
      fairlead('up', '--name', cluster, '--nodes', '1', '-f', file);
      const client = createClient(loadKubeconfig(clusterFiles.kubeconfig(cluster, 'admin')));
      try {
        const subjects = await startAll(client, unpacked, directory, certificate, children);
        const world = namespacePath(namespaces.world(cluster));
        say('warming');
        for (const [name, load, seconds] of warming)
          await measure(unpacked, world, subjectOf(subjects, name), {
            ...load,
            seconds: quick ? seconds : 3 * seconds,
          });
        const rows: Row[] = [];
        for (const scenario of scenarios) {
          if (quick && scenario.quick === undefined) continue;
          say(scenario.name);
          rows.push(...(await runScenario(scenario, unpacked, world, subjects, quick)));
        }
        rows.push(...memoryRows(subjectOf(subjects, 'ours').pids));
        if (!quick) rows.push(...(await routeRows(client, world, subjectOf(subjects, 'ours'), say)));
        return rows;
      } finally {
        client.close();
      }
    } finally {
      for (const child of children) child.kill('SIGKILL');
      fairlead('down', '--name', cluster);
      rmSync(directory, { recursive: true });
    }
  },
};

async function startAll(
  client: KubeClient,
  unpacked: Unpacked,
  directory: string,
  pair: { readonly certificate: string; readonly key: string },
  children: ChildProcess[],
): Promise<ReadonlyMap<Name, Subject>> {
  const certificate = join(directory, 'certificate.pem');
  writeFileSync(certificate, pair.certificate + pair.key, { mode: 0o600 });
  const backend = await client.get(PODS, { namespace, name: 'backend' });
  const upstream = `${backend.status?.podIP ?? ''}:${backendPort}`;
  const place = async (name: string) => {
    const pod = await client.get(PODS, { namespace, name });
    const path = namespacePath(namespaces.pod(cluster, pod.metadata.uid ?? ''));
    return { namespace: path, directory: join(directory, name), upstream, certificate, unpacked };
  };
  const pinned = (child: ChildProcess, processor: string): number => {
    children.push(child);
    const { pid } = child;
    if (pid === undefined) throw new Error('a program of a peer did not start');
    pin(pid, processor);
    return pid;
  };
  pinned(startBackend(await place('backend')), loadProcessor);
  const subjects = new Map<Name, Subject>();
  for (const name of peerNames) {
    const pid = pinned(startPeer(name, await place(name)), subjectProcessor);
    subjects.set(name, { address: await addressOf(client, name), pids: [pid] });
  }
  const selector = { labelSelector: 'gateway.networking.k8s.io/gateway-name=gateway', namespace };
  const items = await oneProxy(client, selector);
  const containers = items.map(pod => cgroups.container(cluster, node, pod.metadata.uid ?? '', 'proxy'));
  // Supervisors and workers; what reads their log is the container runtime's.
  const pids = containers
    .flatMap(container => cgroupProcesses(container))
    .filter(pid => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('entry/proxy'));
  for (const pid of pids) pin(pid, subjectProcessor);
  const [service] = (await client.list(SERVICES, selector)).items;
  subjects.set('ours', { address: await addressOf(client, service?.metadata.name ?? ''), pids });
  await sleep(500); // until the peers listen
  return subjects;
}

/** One core is measured: one pod has to have all of the load, as a peer has. */
async function oneProxy(
  client: KubeClient,
  selector: { readonly labelSelector: string },
): Promise<readonly Pod[]> {
  const [deployment] = (await client.list(DEPLOYMENTS, { ...selector, namespace })).items;
  const name = deployment?.metadata.name ?? '';
  await client.patch(DEPLOYMENTS, { namespace, name }, { spec: { replicas: 1 } }, { type: 'merge' });
  for (let tries = 0; tries < 300; tries++) {
    const { items } = await client.list(PODS, { ...selector, namespace });
    if (items.length === 1) return items;
    await sleep(100);
  }
  throw new Error('the Gateway keeps more than one proxy');
}

async function runScenario(
  scenario: Scenario,
  unpacked: Unpacked,
  world: string,
  subjects: ReadonlyMap<Name, Subject>,
  quick: boolean,
): Promise<readonly Row[]> {
  const { name, load } = scenario;
  const { names, rounds } =
    quick && scenario.quick !== undefined ? scenario.quick : { ...scenario, rounds: 7 };
  const samples = new Map<Name, Measured[]>(names.map(subject => [subject, []]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of names) {
      const measured = await measure(unpacked, world, subjectOf(subjects, subject), {
        ...load,
        seconds: quick ? 1 : 3,
      });
      samples.get(subject)?.push(measured);
    }
  }
  const valuesOf = (subject: Name, value: (measured: Measured) => number) =>
    (samples.get(subject) ?? []).map(value);
  return names
    .filter(subject => subject !== 'ours')
    .flatMap(peer => {
      const row = (what: string, unit: string, value: (measured: Measured) => number) =>
        rowOf(`${name}: ${what}, beside ${peer}`, unit, valuesOf('ours', value), {
          version: peer === 'plain' ? process.versions.node : unpacked.version(peer),
          samples: valuesOf(peer, value),
        });
      return [
        row('requests a CPU second', '/s', measured => measured.requestsPerCpuSecond),
        row('p50', 'µs', measured => measured.p50Microseconds),
        row('p99', 'µs', measured => measured.p99Microseconds),
      ];
    });
}

/** The supervisor and its workers. */
function memoryRows(pids: readonly number[]): readonly Row[] {
  const megabytes = pids.map(pid => proportionalSetSize(pid) / 1e6);
  const total = megabytes.reduce((sum, size) => sum + size, 0);
  return [rowOf(`PSS: the Gateway's ${pids.length} processes`, 'MB', [total])];
}

async function routeRows(
  client: KubeClient,
  world: string,
  ours: Subject,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  const count = 5000;
  const memory = () => Math.max(...ours.pids.map(pid => proportionalSetSize(pid) / 1e6));
  const before = memory();
  say(`${count} routes`);
  await makeRoutes(client, count);
  say('changes of routes');
  await changeRoutes(client, world, ours.address, [count - 1]); // until all of them are in force
  const indexes = Array.from({ length: 100 }, (_, index) => index * 37);
  const { milliseconds, failed, asked } = await changeRoutes(client, world, ours.address, indexes);
  const row = (what: string, part: number) => ({
    ...rowOf(`${count} routes: a change holds after, ${what}`, 'ms', [percentile(milliseconds, part)]),
    samples: milliseconds.length,
  });
  return [
    row('p50', 0.5),
    row('p99', 0.99),
    { ...rowOf(`${count} routes: failed requests meanwhile`, '', [failed]), samples: asked },
    rowOf(`${count} routes: more PSS of the largest process`, 'MB', [memory() - before]),
  ];
}

async function addressOf(client: KubeClient, name: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const service = await client.get(SERVICES, { namespace, name });
    const address = service.status?.loadBalancer?.ingress?.find(({ ip }) => ip?.includes('.') === true)?.ip;
    if (address !== undefined) return address;
    await sleep(100);
  }
  throw new Error(`the Service ${name} got no address`);
}

function subjectOf(subjects: ReadonlyMap<Name, Subject>, name: Name): Subject {
  const subject = subjects.get(name);
  if (subject === undefined) throw new Error(`${name} was not started`);
  return subject;
}

function pin(pid: number, processor: string): void {
  spawnSync('taskset', ['-a', '-p', '-c', processor, String(pid)]);
}

/** Runs the product as a user does. */
function fairlead(...words: readonly string[]): void {
  const { status, stderr } = spawnSync(launcher, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`fairlead ${words.join(' ')} failed:\n${stderr}`);
}
