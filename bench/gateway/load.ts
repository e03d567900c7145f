import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { spawnIn } from '../../src/kernel/ns/index.ts';
import type { Unpacked } from '../harness/debian.ts';
import { host } from './objects.ts';

export interface Subject {
  /** A load balancer's address. */
  readonly address: string;
  /** The processes whose time counts. */
  readonly pids: readonly number[];
}

export interface Load {
  readonly scheme: 'http' | 'https';
  readonly path: string;
  readonly connections: number;
  /** Of HTTP/2, at once on each connection; absent: HTTP/1.1. */
  readonly streams?: number;
  /** Absent: the host that all have a place for. */
  readonly host?: string;
  readonly seconds: number;
}

export interface Measured {
  readonly requestsPerCpuSecond: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
}

/**
 * wrk, or h2load for HTTP/2, from the world outside of the cluster. What counts is the processor's time that the subject takes for a request: it
 * says what one core carries, also where the load has to share the other core with the backend.
 */
export async function measure(
  unpacked: Unpacked,
  namespace: string,
  subject: Subject,
  load: Load,
): Promise<Measured> {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-load-'));
  try {
    const file = join(directory, 'requests');
    const tool =
      load.streams === undefined ? wrkOf(subject, load) : h2loadOf(subject, load, load.streams, file);
    return await run(unpacked, namespace, subject, tool);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function run(unpacked: Unpacked, namespace: string, subject: Subject, tool: Tool): Promise<Measured> {
  const before = cpuMicroseconds(subject.pids);
  const child = spawnIn(
    namespace,
    'taskset',
    ['-c', '1', join(unpacked.root, 'usr/bin', tool.program), ...tool.words],
    {
      env: unpacked.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(child, 'close');
  const output = child.stdout === null ? '' : await text(child.stdout);
  await ended;
  const used = cpuMicroseconds(subject.pids) - before;
  const { requests, p50Microseconds, p99Microseconds } = tool.read(output);
  if (requests === 0) throw new Error(`${tool.program} failed:\n${output}`);
  return { requestsPerCpuSecond: (requests / used) * 1e6, p50Microseconds, p99Microseconds };
}

interface Tool {
  readonly program: string;
  readonly words: readonly string[];
  /** No requests where something went wrong. */
  readonly read: (output: string) => {
    readonly requests: number;
    readonly p50Microseconds: number;
    readonly p99Microseconds: number;
  };
}

const wrkOf = ({ address }: Subject, load: Load): Tool => ({
  program: 'wrk',
  words: [
    '-t1',
    `-c${load.connections}`,
    `-d${load.seconds}s`,
    '--latency',
    '-H',
    `Host: ${load.host ?? host}`,
    `${load.scheme}://${address}${load.path}`,
  ],
  read: output => ({
    requests: /Non-2xx|Socket errors: connect [1-9]/.test(output)
      ? 0
      : Number(/(\d+) requests in/.exec(output)?.[1] ?? 0),
    p50Microseconds: latency(output, '50%'),
    p99Microseconds: latency(output, '99%'),
  }),
});

/** Every request has a line in `file`: when it began, its status, its microseconds. */
const h2loadOf = ({ address }: Subject, load: Load, streams: number, file: string): Tool => ({
  program: 'h2load',
  words: [
    '-t1',
    `-c${load.connections}`,
    `-m${streams}`,
    `-D${load.seconds}`,
    `--log-file=${file}`,
    `--connect-to=${address}:${load.scheme === 'https' ? 443 : 80}`,
    `${load.scheme}://${load.host ?? host}${load.path}`,
  ],
  read: () => {
    const lines = [...readFileSync(file, 'utf8').matchAll(/^\d+\t(-?\d+)\t(\d+)$/gm)];
    const times = lines.map(([, , microseconds]) => Number(microseconds)).toSorted((a, b) => a - b);
    const at = (part: number) => times[Math.floor(times.length * part)] ?? Number.NaN;
    const isRight = lines.every(([, status]) => status === '200');
    return { requests: isRight ? lines.length : 0, p50Microseconds: at(0.5), p99Microseconds: at(0.99) };
  },
});

const units: Readonly<Record<string, number>> = { us: 1, ms: 1e3, s: 1e6 };

function latency(output: string, percentile: string): number {
  const [, value, unit = ''] = new RegExp(`${percentile}\\s+([\\d.]+)(us|ms|s)`).exec(output) ?? [];
  return Number(value) * (units[unit] ?? Number.NaN);
}

/** Of all threads, as the scheduler counted it. */
function cpuMicroseconds(pids: readonly number[]): number {
  let nanoseconds = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [ran = '0'] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
      nanoseconds += Number(ran);
    }
  }
  return nanoseconds / 1000;
}
