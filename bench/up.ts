import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClusterStatus } from '../src/cli/read-status.ts';
import { createClient, type KubeClient } from '../src/kube/client.ts';
import { loadKubeconfig } from '../src/kube/kubeconfig.ts';
import { CONFIG_MAPS } from '../src/kube/resources.ts';
import type { Bench } from './harness/bench.ts';
import { percentile, type Row, rowOf } from './harness/result.ts';
import { interleave, timed } from './harness/rounds.ts';

/** No peer is measured: others that bring up a cluster need images and a container runtime. */
const cluster = 'bench-up';
const launcher = resolve(import.meta.dirname, '..', 'fairlead');
const shop = resolve(import.meta.dirname, '..', 'examples', 'shop');

export const bench: Bench = {
  question:
    'How long until a cluster and its pods are ready, what does it weigh, how fast does its API answer?',
  run: async ({ quick, say }) => {
    const directory = mkdtempSync(join(tmpdir(), 'fairlead-bench-'));
    try {
      const upWith = async (what: string, file: string) => {
        say(`up from nothing, with ${what}`);
        await fairlead('down', '--name', cluster);
        return timed(() => fairlead('up', '--name', cluster, '--nodes', '3', '-f', file));
      };
      const shops = await interleave(quick ? 1 : 5, { ours: () => upWith('the shop', shop) });
      const shopStatus = await statusOf();
      const tenPods = manifest(directory, 10);
      const { ours } = await interleave(quick ? 1 : 5, { ours: () => upWith('ten pods', tenPods) });
      const status = await statusOf();
      const api = await apiRows(status, quick ? 300 : 2000, say);
      say('100 pods');
      const hundredPods = manifest(directory, 100);
      const hundred = await timed(() => fairlead('up', '--name', cluster, '-f', hundredPods));
      return [
        rowOf('up: three nodes, the shop ready and programmed', 's', shops.ours.map(seconds)),
        rowOf('PSS with the shop: control plane and three agents', 'MB', [megabytes(counted(shopStatus))]),
        rowOf('PSS with the shop: all processes of the cluster', 'MB', [megabytes(shopStatus.processes)]),
        rowOf('up: three nodes, ten pods ready', 's', ours.map(seconds)),
        ...memoryRows(status),
        rowOf('apply: 100 pods ready', 's', [seconds(hundred)]),
        ...api,
      ];
    } finally {
      await fairlead('down', '--name', cluster);
      rmSync(directory, { recursive: true });
    }
  },
};

const seconds = (milliseconds: number): number => milliseconds / 1000;

/** The processes that have a bar together. */
const counted = (status: ClusterStatus): ClusterStatus['processes'] =>
  status.processes.filter(({ name }) => name === 'control-plane' || name.startsWith('agent-'));

const megabytes = (processes: ClusterStatus['processes']): number =>
  processes.reduce((total, process) => total + process.pssBytes, 0) / 1e6;

/** Each process by its name, with ten pods running, and what counts together. */
function memoryRows(status: ClusterStatus): readonly Row[] {
  return [
    rowOf('PSS: control plane and three agents', 'MB', [megabytes(counted(status))]),
    rowOf('PSS: all processes of the cluster', 'MB', [megabytes(status.processes)]),
    ...status.processes.map(process => rowOf(`PSS: ${process.name}`, 'MB', [megabytes([process])])),
  ];
}

const statusOf = async (): Promise<ClusterStatus> =>
  JSON.parse(await fairlead('status', '--name', cluster, '-o', 'json')) as ClusterStatus;

/** From the moment a ConfigMap is sent until a watch in the same process shows it. */
async function apiRows(
  status: ClusterStatus,
  count: number,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  say(`API create and watch, ${count} times`);
  const client = createClient(loadKubeconfig(status.kubeconfig));
  try {
    const samples = await createAndWatch(client, count);
    return [
      rowOf('API: create to watch event, p50', 'ms', [percentile(samples, 0.5)]),
      rowOf('API: create to watch event, p99', 'ms', [percentile(samples, 0.99)]),
    ].map(row => ({ ...row, samples: samples.length }));
  } finally {
    client.close();
  }
}

async function createAndWatch(client: KubeClient, count: number): Promise<readonly number[]> {
  const done = new AbortController();
  const { resourceVersion } = await client.list(CONFIG_MAPS, { namespace: 'default' });
  const events = client.watch(CONFIG_MAPS, { namespace: 'default', resourceVersion, signal: done.signal });
  const iterator = events[Symbol.asyncIterator]();
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    const name = `bench-${index}`;
    const started = performance.now();
    const created = client.create(CONFIG_MAPS, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: 'default' },
      data: { index: String(index) },
    });
    while (true) {
      const next = await iterator.next();
      if (next.done === true) throw new Error('the watch ended before its event came');
      if (next.value.type === 'ADDED' && next.value.object.metadata.name === name) break;
    }
    samples.push(performance.now() - started);
    await created;
  }
  done.abort();
  return samples;
}

function manifest(directory: string, pods: number): string {
  const name = `echo-${pods}`;
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: pods,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'echo', image: 'fairlead.dev/echo' }] },
      },
    },
  };
  const file = join(directory, `${name}.json`);
  writeFileSync(file, JSON.stringify(deployment));
  return file;
}

/** Runs the product as a user does; resolves with its standard output. */
function fairlead(...words: readonly string[]): Promise<string> {
  return new Promise((resolved, rejected) => {
    const child = spawn(launcher, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let complaints = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    child.once('error', rejected);
    child.once('close', code => {
      // status says by its exit code that something is wrong, which is no failure of the measurement
      if (code === 0 || words[0] === 'status') resolved(output);
      else rejected(new Error(`fairlead ${words.join(' ')} failed:\n${complaints}`));
    });
  });
}
