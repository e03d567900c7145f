import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { spawnIn } from '../../src/kernel/ns/index.ts';
import type { Unpacked } from '../harness/debian.ts';
import { percentile } from '../harness/result.ts';
import { processorSeconds, type Subject } from './server.ts';

export interface Load {
  readonly seconds: number;
  /** Questions that wait for an answer at a time. */
  readonly outstanding: number;
  /** No more than so many a second; each one's time is taken then. */
  readonly perSecond?: number;
}

export interface Measured {
  readonly perSecond: number;
  /** Microseconds of the server's processor time for an answer. */
  readonly processorMicroseconds: number;
  /** The same of the whole machine, with whoever asks and all else that runs. */
  readonly machineMicroseconds: number;
  /** Part of the questions that got no answer. */
  readonly lost: number;
  readonly latencyMicroseconds: number;
  /** Where each one's time was taken. */
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
}

/** dnsperf on a processor of its own, in the server's namespace. */
export async function measure(
  unpacked: Unpacked,
  subject: Subject,
  questions: string,
  load: Load,
): Promise<Measured> {
  const { namespace, host, port, pid } = subject;
  const { seconds, outstanding, perSecond } = load;
  const options = {
    s: host,
    p: port,
    d: questions,
    l: seconds,
    c: Math.min(4, outstanding),
    q: outstanding,
    t: 1,
  };
  const words = [
    '-c',
    '0',
    join(unpacked.root, 'usr/bin/dnsperf'),
    // Says of each answer how long it took.
    ...(perSecond === undefined ? [] : ['-v', '-Q', String(perSecond)]),
    ...Object.entries(options).flatMap(([option, value]) => [`-${option}`, String(value)]),
  ];
  const before = processorSeconds(pid);
  const machineBefore = machineSeconds();
  const child = spawnIn(namespace, 'taskset', words, {
    env: unpacked.environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('dnsperf has no output');
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const used = processorSeconds(pid) - before;
  const machineUsed = machineSeconds() - machineBefore;
  const number = (pattern: RegExp) => Number(pattern.exec(said)?.[1] ?? Number.NaN);
  const completed = number(/Queries completed:\s+(\d+)/);
  const sent = number(/Queries sent:\s+(\d+)/);
  const times = [...said.matchAll(/^> \S+ \S+ \S+ ([\d.]+)$/gm)].map(([, time]) => Number(time) * 1e6);
  if (!(completed > 0)) throw new Error(`${host} port ${port} answered nothing:\n${said}`);
  return {
    perSecond: number(/Queries per second:\s+([\d.]+)/),
    processorMicroseconds: (used * 1e6) / completed,
    machineMicroseconds: (machineUsed * 1e6) / completed,
    lost: (sent - completed) / sent,
    latencyMicroseconds: number(/Average Latency \(s\):\s+([\d.]+)/) * 1e6,
    p50Microseconds: percentile(times, 0.5),
    p99Microseconds: percentile(times, 0.99),
  };
}

/** Seconds that all processors were not idle (proc_stat(5): idle and iowait are the fourth and fifth). */
function machineSeconds(): number {
  const [, ...ticks] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .map(Number);
  return (
    ticks.reduce((sum, each, index) => sum + (index === 3 || index === 4 || index > 7 ? 0 : each), 0) / 100
  );
}
