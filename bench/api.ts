import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterStatus } from '../src/cli/read-status.ts';
import { createClient, type KubeClient } from '../src/kube/client.ts';
import { type Kubeconfig, loadKubeconfig } from '../src/kube/kubeconfig.ts';
import { CONFIG_MAPS } from '../src/kube/resources.ts';
import { createAndWatch, createConfigMaps, createServices, NAMESPACE, openWatchers } from './api/load.ts';
import { pin, processorSeconds } from './dns/server.ts';
import type { Bench } from './harness/bench.ts';
import { percentile, type Row, rowOf } from './harness/result.ts';
import { timed } from './harness/rounds.ts';

const cluster = 'bench-api';
const launcher = resolve(import.meta.dirname, '..', 'fairlead');
const serverProcessor = 1;
const loadProcessor = 0;
const listed = 10_000;
const services = 10_000;
const watchers = 200;
const watched = 500;

interface Subject {
  readonly client: KubeClient;
  readonly kubeconfig: Kubeconfig;
  /** Of the control plane. */
  readonly pid: number;
  readonly say: (text: string) => void;
}

/**
 * The control plane of a cluster of one node as `up` ships it: the API server with the controllers that watch it. It stands on one
 * processor, the load on the other; what counts for writes is the processor time, which a busy machine changes little. No peer: another API server needs etcd and images.
 */
export const bench: Bench = {
  question: 'How fast does the API answer, and what does it hold?',
  run: async ({ quick, say }) => {
    fairlead('down', '--name', cluster);
    fairlead('up', '--name', cluster, '--nodes', '1');
    const before = status();
    const kubeconfig = loadKubeconfig(before.kubeconfig);
    const client = createClient(kubeconfig);
    try {
      const { pid } = controlPlane(before);
      pin(pid, serverProcessor);
      pin(process.pid, loadProcessor);
      const subject = { client, kubeconfig, pid, say };
      const rows = [
        ...(await tripRows(subject, quick ? 500 : 2000)),
        ...(await writeRows(subject, quick ? 5000 : 20_000)),
      ];
      rows.push(await listRow(subject, quick ? 3 : 10), await watchRow(subject));
      return quick ? rows : [...rows, await memoryRow(subject)];
    } finally {
      client.close();
      fairlead('down', '--name', cluster);
    }
  },
};

async function tripRows({ client, say }: Subject, count: number): Promise<readonly Row[]> {
  say(`create and watch, ${count} times`);
  await createAndWatch(client, 100);
  await client.deleteCollection(CONFIG_MAPS, { namespace: NAMESPACE });
  const samples = await createAndWatch(client, count);
  return [
    rowOf('create to watch event, p50', 'ms', [percentile(samples, 0.5)]),
    rowOf('create to watch event, p99', 'ms', [percentile(samples, 0.99)]),
  ].map(row => ({ ...row, samples: samples.length }));
}

async function writeRows({ client, say, pid }: Subject, count: number): Promise<readonly Row[]> {
  say(`${count} creates, sixteen at a time`);
  const before = processorSeconds(pid);
  const milliseconds = await createConfigMaps(client, 'write', count);
  const processor = processorSeconds(pid) - before;
  return [
    rowOf('creates, on one core', '1/s', [(count / milliseconds) * 1000]),
    rowOf('creates, for a second of the control plane', '1/s', [count / processor]),
  ].map(row => ({ ...row, samples: count }));
}

async function listRow({ client, say }: Subject, times: number): Promise<Row> {
  const { items, remainingItemCount = 0 } = await client.list(CONFIG_MAPS, {
    namespace: NAMESPACE,
    limit: 1,
  });
  await createConfigMaps(client, 'list', Math.max(0, listed - items.length - remainingItemCount));
  say(`list of ${listed} objects, ${times} times`);
  const path = `/api/v1/namespaces/${NAMESPACE}/configmaps?limit=${listed}`;
  const samples: number[] = [];
  for (let index = 0; index < times; index++) samples.push(await timed(() => client.request('GET', path)));
  return rowOf(`list of ${listed} objects`, 'ms', samples);
}

/** How long after the last write has been acknowledged the last of the watchers has seen everything. */
async function watchRow({ client, kubeconfig, say }: Subject): Promise<Row> {
  say(`${watched} writes before ${watchers} watchers`);
  const { resourceVersion } = await client.list(CONFIG_MAPS, { namespace: NAMESPACE, limit: 1 });
  const open = await openWatchers(kubeconfig, watchers, resourceVersion);
  try {
    await createConfigMaps(client, 'watched', watched);
    const began = performance.now();
    while (open.behind(watched) > 0) {
      if (performance.now() - began > 30_000) throw new Error(`${open.behind(watched)} watchers fell behind`);
      await sleep(2);
    }
    const name = `${watchers} watchers: behind the last write`;
    return { ...rowOf(name, 'ms', [performance.now() - began]), samples: watchers };
  } finally {
    open.close();
  }
}

async function memoryRow({ client, say }: Subject): Promise<Row> {
  await client.deleteCollection(CONFIG_MAPS, { namespace: NAMESPACE });
  say(`${services} Services and ${services * 10} endpoints`);
  await createServices(client, services);
  await sleep(5000);
  const bytes = controlPlane(status()).pssBytes;
  return rowOf(`PSS: control plane with ${services} Services, ${services * 10} endpoints`, 'MB', [
    bytes / 1e6,
  ]);
}

function controlPlane({ processes }: ClusterStatus): { readonly pid: number; readonly pssBytes: number } {
  const { pid = null, pssBytes = 0 } = processes.find(({ name }) => name === 'control-plane') ?? {};
  if (pid === null) throw new Error('the control plane does not run');
  return { pid, pssBytes };
}

const status = (): ClusterStatus =>
  JSON.parse(fairlead('status', '--name', cluster, '-o', 'json')) as ClusterStatus;

function fairlead(...words: readonly string[]): string {
  return execFileSync(launcher, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
