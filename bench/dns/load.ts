import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { spawnIn } from '../../src/kernel/ns/index.ts';
import type { Unpacked } from '../harness/debian.ts';
import { type ClusterName, processorSeconds, type Subject } from './server.ts';

export interface Load {
  readonly seconds: number;
  /** Questions that wait for an answer at a time. */
  readonly outstanding: number;
}

export interface Measured {
  readonly perSecond: number;
  /** Microseconds of the server's processor time for an answer. */
  readonly processorMicroseconds: number;
  /** Part of the questions that got no answer. */
  readonly lost: number;
  readonly latencyMicroseconds: number;
}

/** Of ten questions four are A, four AAAA and two are for names that a search list makes and nobody has. */
export function writeQuestions(directory: string, names: readonly ClusterName[]): string {
  const file = join(directory, 'questions');
  const lines = names.flatMap(({ name }, index) => [
    `${name} A`,
    `${name} AAAA`,
    ...(index % 2 === 0 ? [`${name}.bench.svc.cluster.local A`] : []),
  ]);
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** dnsperf on a processor of its own, in the server's namespace. */
export async function measure(
  unpacked: Unpacked,
  subject: Subject,
  questions: string,
  load: Load,
): Promise<Measured> {
  const { namespace, host, port, pid } = subject;
  const { seconds, outstanding } = load;
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
    ...Object.entries(options).flatMap(([option, value]) => [`-${option}`, String(value)]),
  ];
  const before = processorSeconds(pid);
  const child = spawnIn(namespace, 'taskset', words, {
    env: unpacked.environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('dnsperf has no output');
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const used = processorSeconds(pid) - before;
  const number = (pattern: RegExp) => Number(pattern.exec(said)?.[1] ?? Number.NaN);
  const completed = number(/Queries completed:\s+(\d+)/);
  const sent = number(/Queries sent:\s+(\d+)/);
  if (!(completed > 0)) throw new Error(`${host} port ${port} answered nothing:\n${said}`);
  return {
    perSecond: number(/Queries per second:\s+([\d.]+)/),
    processorMicroseconds: (used * 1e6) / completed,
    lost: (sent - completed) / sent,
    latencyMicroseconds: number(/Average Latency \(s\):\s+([\d.]+)/) * 1e6,
  };
}
