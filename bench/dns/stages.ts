import type { Unpacked } from '../harness/debian.ts';
import { median, type Row, rowOf } from '../harness/result.ts';
import { type Load, type Measured, measure } from './load.ts';
import type { Mixes } from './questions.ts';
import { type PeerName, peers, type Subject } from './server.ts';

export type Name = 'ours' | PeerName;

/** One kind of load, with what is read off it. */
interface Stage {
  readonly mix: keyof Mixes;
  readonly load: Load;
  /** Beside the first one alone in a quick run, which has a round of it; not at all there where undefined. */
  readonly quickRounds: number | undefined;
  readonly isForwarded?: boolean;
  readonly rows: readonly (readonly [string, string, (measured: Measured) => number])[];
}

const busy = { seconds: 2, outstanding: 200 };
const fullRounds = 5;

const perSecond = (what: string) => [what, '/s', (it: Measured) => it.perSecond] as const;

/** The first is the one that bars are about: all peers, in every run. */
export const stages: readonly Stage[] = [
  {
    mix: 'mixed',
    load: busy,
    quickRounds: 2,
    rows: [
      perSecond('answers a second on one core'),
      // What an answer costs one core, also where whoever asks can ask no more, or others have the processor.
      ['processor time an answer', 'µs', it => it.processorMicroseconds],
      ['processor time of the machine an answer', 'µs', it => it.machineMicroseconds],
    ],
  },
  { mix: 'hits', load: busy, quickRounds: undefined, rows: [perSecond('names that are there, on one core')] },
  { mix: 'pods', load: busy, quickRounds: 1, rows: [perSecond('what pods ask, on one core')] },
  {
    mix: 'forwarded',
    load: { ...busy, outstanding: 100 },
    quickRounds: 1,
    isForwarded: true,
    rows: [perSecond('names of others, on one core')],
  },
  {
    mix: 'mixed',
    load: { ...busy, perSecond: 10_000 },
    quickRounds: 1,
    rows: [
      ['half of the answers at 10,000 a second within', 'µs', it => it.p50Microseconds],
      ['99 of 100 answers at 10,000 a second within', 'µs', it => it.p99Microseconds],
      ['processor time of the machine an answer at 10,000 a second', 'µs', it => it.machineMicroseconds],
    ],
  },
  {
    mix: 'mixed',
    load: { seconds: 1, outstanding: 1 },
    quickRounds: undefined,
    rows: [['a lone question', 'µs', it => it.latencyMicroseconds]],
  },
];

export interface StageRun {
  readonly unpacked: Unpacked;
  readonly subjects: ReadonlyMap<Name, Subject>;
  readonly mixes: Mixes;
  readonly quick: boolean;
  readonly say: (text: string) => void;
}

/** In rounds that alternate between the servers. */
export async function runStage(stage: Stage, run: StageRun): Promise<readonly Row[]> {
  const { quick, say, subjects, unpacked } = run;
  const rounds = quick ? (stage.quickRounds ?? 0) : fullRounds;
  const isWhole = !quick || stage === stages[0];
  const names = [...subjects.keys()].filter(
    name =>
      name === 'ours' ||
      ((stage.isForwarded === true ? peers[name].canForward : true) && (isWhole || name === 'dnsmasq')),
  );
  const samples = new Map<Name, Measured[]>(names.map(name => [name, []]));
  // A server's first round is for its caches, and for the compiler.
  for (let round = isWhole && stage === stages[0] ? 0 : 1; round <= rounds; round++) {
    for (const name of names) {
      const subject = subjects.get(name);
      // One round says enough of those that no bar is about.
      const isOfBar = name === 'ours' || name === 'dnsmasq';
      const isSpare = quick && round !== 1 && !isOfBar;
      if (subject === undefined || isSpare) continue;
      say(`${stage.mix}, ${round === 0 ? 'warming' : `round ${round}`}: ${name}`);
      const isShort = round === 0 || (quick && (stage !== stages[0] || !isOfBar));
      const load = { ...stage.load, seconds: isShort ? 1 : stage.load.seconds };
      const measured = await measure(unpacked, subject, run.mixes[stage.mix], load);
      if (round > 0) samples.get(name)?.push(measured);
    }
  }
  if (rounds === 0) return [];
  const of = (name: Name) => samples.get(name) ?? [];
  const compared = stage.rows.flatMap(([what, unit, read]) =>
    names
      .filter(name => name !== 'ours')
      .map(name => {
        const version = `${name} ${unpacked.version(peers[name].package)}`;
        return rowOf(`${what}, beside ${name}`, unit, of('ours').map(read), {
          version,
          samples: of(name).map(read),
        });
      }),
  );
  if (stage !== stages[0]) return compared;
  return [
    ...compared,
    rowOf('questions without an answer', '%', [median(of('ours').map(({ lost }) => 100 * lost))]),
  ];
}
