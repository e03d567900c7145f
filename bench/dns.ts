import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
import { measureKernel } from './dns/kernel.ts';
import { measureMemory } from './dns/memory.ts';
import { outsideZone, writeQuestions } from './dns/questions.ts';
import { measureNew, measureRestart } from './dns/restart.ts';
import {
  type ClusterName,
  peers,
  pin,
  type RunningPeer,
  startPeer,
  type Subject,
  upstream,
} from './dns/server.ts';
import { type Name, runStage, stages } from './dns/stages.ts';
import type { Bench } from './harness/bench.ts';
import { unpackDebian } from './harness/debian.ts';
import { type Row, rowOf } from './harness/result.ts';

const cluster = 'bench-dns';
const launcher = resolve(import.meta.dirname, '..', 'fairlead');
const serviceCount = 1000;
const firstPort = 5301;
const upstreamPort = 5331;
const serverProcessor = 1;
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
      const namespace = namespacePath(namespaces.node(cluster, 'node-1'));
      leaveUntracked(namespace);
      const subjects = new Map<Name, Subject>([['ours', ourServer()]]);
      const outside = join(directory, 'outside');
      mkdirSync(outside);
      running.push(startPeer(upstream, unpacked, { namespace, directory: outside, port: upstreamPort }, []));
      for (const [index, [name, peer]] of Object.entries(peers).entries()) {
        const own = join(directory, name);
        mkdirSync(own);
        const started = startPeer(
          peer,
          unpacked,
          { namespace, directory: own, port: firstPort + index, upstream: upstreamPort },
          names,
        );
        running.push(started);
        subjects.set(name as Name, started); // a key of peers
      }
      await Promise.all(running.map(peer => peer.ready()));
      forwardTo(upstreamPort);
      const rows: Row[] = [];
      for (const { pid } of subjects.values()) pin(pid, serverProcessor);
      const mixes = writeQuestions(directory, names);
      for (const stage of stages)
        rows.push(...(await runStage(stage, { unpacked, subjects, mixes, quick, say })));
      say('new Services, and a restart');
      const fresh = await withClient(client =>
        measureNew(ourServer(), quick ? 5 : 20, name => createService(client, name)),
      );
      const restart = await measureRestart(
        ourServer(),
        names.map(({ name }) => name),
      );
      const inKernel = await withClient(client => {
        const { host, pid } = ourServer();

        const place = { cluster, node: 'node-1', client, unpacked, questions: mixes.mixed, host, pid };
        return measureKernel(place, quick ? 1 : 5, say);
      });
      const memory = quick
        ? []
        : await withClient(client =>
            measureMemory({
              client,
              namespace,
              directory,
              unpacked,
              firstPort,
              pid: ourServer().pid,
              untilServed: more => untilServed(serviceCount + more),
              say,
            }),
          );
      return [
        ...rows,
        rowOf('a new Service until its answer', 'ms', fresh),
        rowOf('questions lost over a restart', '%', [100 * restart.lost]),
        rowOf('longest wait over a restart', 'ms', [restart.longestMilliseconds]),
        ...inKernel,
        ...memory,
      ];
    } finally {
      for (const peer of running) await peer.close();
      fairlead('down', '--name', cluster);
      rmSync(directory, { recursive: true });
    }
  },
};

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
  const ports = `${firstPort}-${upstreamPort}`;
  const nft = Nft.open(namespace);
  nft.run('add table inet bench');
  for (const hook of ['prerouting', 'output']) {
    nft.run(`add chain inet bench ${hook} { type filter hook ${hook} priority -300; }`);
    nft.run(`add rule inet bench ${hook} udp dport ${ports} notrack`);
    nft.run(`add rule inet bench ${hook} udp sport ${ports} notrack`);
  }
  nft.close();
}

/** Ours asks whom the others ask, and keeps no more of it than they do. It takes the file within two seconds. */
function forwardTo(port: number): void {
  const forward = `forward: [{zones: [${outsideZone}], to: ["127.0.0.1:${port}"]}]\ncache: false\n`;
  writeFileSync(join(paths.state(cluster), 'dns.yaml'), forward);
}

function ourServer(): Subject {
  const status = JSON.parse(fairlead('status', '--name', cluster, '-o', 'json')) as ClusterStatus;
  const pid = status.processes.find(({ name }) => name === 'dns-node-1')?.pid;
  if (pid === null || pid === undefined) throw new Error('the DNS server does not run');
  return { namespace: namespacePath(namespaces.node(cluster, 'node-1')), host: '10.96.0.10', port: 53, pid };
}

const fairlead = (...words: readonly string[]): string =>
  execFileSync(launcher, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
