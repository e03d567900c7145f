import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
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
  readonly seconds: number;
}

export interface Measured {
  readonly requestsPerCpuSecond: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
}

/**
 * wrk from the world outside of the cluster. What counts is the processor's time that the subject takes for a request: it
 * says what one core carries, also where the load has to share the other core with the backend.
 */
export async function measure(
  unpacked: Unpacked,
  namespace: string,
  subject: Subject,
  load: Load,
): Promise<Measured> {
  const { scheme, path, connections, seconds } = load;
  const words = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-H', `Host: ${host}`];
  const wrk = join(unpacked.root, 'usr/bin/wrk');
  const before = cpuMicroseconds(subject.pids);
  const child = spawnIn(
    namespace,
    'taskset',
    ['-c', '1', wrk, ...words, `${scheme}://${subject.address}${path}`],
    {
      env: unpacked.environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(child, 'close');
  const output = child.stdout === null ? '' : await text(child.stdout);
  await ended;
  const used = cpuMicroseconds(subject.pids) - before;
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0);
  if (requests === 0 || /Non-2xx|Socket errors: connect [1-9]/.test(output))
    throw new Error(`wrk failed:\n${output}`);
  return {
    requestsPerCpuSecond: (requests / used) * 1e6,
    p50Microseconds: latency(output, '50%'),
    p99Microseconds: latency(output, '99%'),
  };
}

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
