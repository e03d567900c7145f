import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { addToCgroup, cgroupMount, createCgroup, removeCgroup } from '../../src/kernel/cgroup/index.ts';
import { namespaces } from '../../src/kernel/contract.ts';
import { namespacePath, spawnIn } from '../../src/kernel/ns/index.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { NODES, PODS } from '../../src/kube/resources.ts';
import type { Unpacked } from '../harness/debian.ts';
import { type Row, rowOf } from '../harness/result.ts';
import { processorSeconds } from './server.ts';

export interface KernelPlace {
  readonly cluster: string;
  readonly node: string;
  readonly client: KubeClient;
  readonly unpacked: Unpacked;
  /** A file of dnsperf's. */
  readonly questions: string;
  /** Of the node's DNS server. */
  readonly host: string;
  readonly pid: number;
}

interface Measured {
  readonly latencyMicroseconds: number;
  readonly processorMicroseconds: number;
}

const annotation = 'fairlead.dev/dns-kernel';
const pod = { namespace: 'default', name: 'asker' };
const startMilliseconds = 30_000;
const lone = ['-q', '1', '-c', '1'];
/** Closer together they cost less: both sides take several at a time, and more so on a machine that is busy otherwise. */
const steady = ['-q', '50', '-c', '4', '-Q', '10000'];

/** What a pod sees of the kernel's answers, and of the server's for the same names: switched over on one cluster, round by round. */
export async function measureKernel(
  place: KernelPlace,
  rounds: number,
  say: (text: string) => void,
): Promise<readonly Row[]> {
  const namespace = await startAsker(place);
  const samples = { auto: { lone: [], steady: [] }, off: { lone: [], steady: [] } } as Record<
    'auto' | 'off',
    Record<'lone' | 'steady', Measured[]>
  >;
  for (let round = 1; round <= rounds; round++)
    for (const by of ['auto', 'off'] as const) {
      say(`round ${round}: a pod asks the ${by === 'auto' ? 'kernel' : 'server'}`);
      await switchTo(place, namespace, by);
      samples[by].lone.push(await measure(place, namespace, lone));
      samples[by].steady.push(await measure(place, namespace, steady));
    }
  await switchTo(place, namespace, 'auto');
  const row = (name: string, load: 'lone' | 'steady', read: (one: Measured) => number) =>
    rowOf(name, 'µs', samples.auto[load].map(read), {
      version: 'our server',
      samples: samples.off[load].map(read),
    });
  return [
    row('in the kernel: a lone question', 'lone', one => one.latencyMicroseconds),
    row('in the kernel: processor time of all for a lone question', 'lone', one => one.processorMicroseconds),
    row(
      'in the kernel: processor time of all at 10,000 questions a second',
      'steady',
      one => one.processorMicroseconds,
    ),
    row('in the kernel: latency at 10,000 questions a second', 'steady', one => one.latencyMicroseconds),
  ];
}

async function startAsker({ client, cluster }: KernelPlace): Promise<string> {
  const made = await client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: pod,
    spec: { containers: [{ name: 'asker', image: 'busybox', command: ['sleep', '100000'] }] },
  });
  const deadline = performance.now() + startMilliseconds;
  while ((await client.get(PODS, pod)).status?.phase !== 'Running') {
    if (performance.now() > deadline) throw new Error('the pod that asks does not start');
    await sleep(100);
  }
  return namespacePath(namespaces.pod(cluster, made.metadata.uid ?? ''));
}

/** Until questions go the way that is asked for. */
async function switchTo(place: KernelPlace, namespace: string, by: 'auto' | 'off'): Promise<void> {
  const { client, node } = place;
  const patch = { metadata: { annotations: { [annotation]: by } } };
  await client.patch(NODES, { name: node }, patch, { type: 'merge' });
  const deadline = performance.now() + startMilliseconds;
  for (;;) {
    const from = processorSeconds(place.pid);
    await measure(place, namespace, steady, 0.4);
    const isServer = processorSeconds(place.pid) - from > 0.02;
    if (isServer === (by === 'off')) return;
    if (performance.now() > deadline)
      throw new Error(`questions do not go to the ${by === 'off' ? 'server' : 'kernel'}`);
  }
}

/** dnsperf in the pod; the processors' time is its own and the server's, with the kernel's work in their turns. */
async function measure(
  { unpacked, questions, host, pid }: KernelPlace,
  namespace: string,
  load: readonly string[],
  seconds = 1,
): Promise<Measured> {
  const group = `fairlead-bench-${process.pid}`;
  createCgroup(group);
  try {
    const before = processorSeconds(pid);
    const words = ['-s', host, '-d', questions, '-l', String(seconds), '-T', '1', ...load];
    const child = spawnIn(namespace, join(unpacked.root, 'usr/bin/dnsperf'), words, {
      env: unpacked.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.pid !== undefined) addToCgroup(group, child.pid);
    if (child.stdout === null) throw new Error('dnsperf has no output');
    const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    const used = processorSeconds(pid) - before + groupSeconds(group);
    const number = (pattern: RegExp) => Number(pattern.exec(said)?.[1] ?? Number.NaN);
    const completed = number(/Queries completed:\s+(\d+)/);
    if (!(completed > 0)) throw new Error(`${host} answered nothing:\n${said}`);
    return {
      latencyMicroseconds: number(/Average Latency \(s\):\s+([\d.]+)/) * 1e6,
      processorMicroseconds: (used * 1e6) / completed,
    };
  } finally {
    removeCgroup(group);
  }
}

function groupSeconds(group: string): number {
  const stat = readFileSync(join(cgroupMount(), group, 'cpu.stat'), 'utf8');
  return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1] ?? Number.NaN) / 1e6;
}
