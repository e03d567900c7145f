/** One measured line. Peers are measured in the same run, in rounds that alternate; null where a row has no peer. */
export interface Row {
  readonly name: string;
  readonly ours: number;
  readonly peer: number | null;
  readonly peerVersion: string | null;
  /** `ours / peer`. */
  readonly ratio: number | null;
  readonly unit: string;
  /** How many measurements `ours` is the middle of. */
  readonly samples: number;
}

/** What a row has to reach; `bars.json` holds them, taken from the design. */
export interface Bar {
  readonly name: string;
  readonly row: string;
  readonly of: 'ours' | 'ratio';
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface BarResult {
  readonly name: string;
  readonly value: number;
  readonly bar: string;
  readonly holds: boolean;
}

export interface BenchResult {
  readonly bench: string;
  readonly machine: string;
  readonly rows: readonly Row[];
  readonly bars: readonly BarResult[];
}

/** Samples of one side: a row shows their median. */
export function rowOf(
  name: string,
  unit: string,
  ours: readonly number[],
  peer?: { readonly version: string; readonly samples: readonly number[] },
): Row {
  const middle = median(ours);
  const peerMiddle = peer === undefined ? null : median(peer.samples);
  return {
    name,
    ours: rounded(middle),
    peer: peerMiddle === null ? null : rounded(peerMiddle),
    peerVersion: peer?.version ?? null,
    ratio: peerMiddle === null ? null : rounded(middle / peerMiddle),
    unit,
    samples: ours.length,
  };
}

/** The bars of the rows that were measured. */
export function barsOf(bars: readonly Bar[], rows: readonly Row[]): readonly BarResult[] {
  return bars.flatMap(bar => {
    const value = rows.find(row => row.name === bar.row)?.[bar.of];
    if (value === undefined || value === null) return [];
    const { atMost, atLeast } = bar;
    const words = [
      atMost === undefined ? [] : `<= ${atMost}`,
      atLeast === undefined ? [] : `>= ${atLeast}`,
    ].flat();
    const holds = (atMost === undefined || value <= atMost) && (atLeast === undefined || value >= atLeast);
    return [{ name: bar.name, value, bar: words.join(' and '), holds }];
  });
}

export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

/** Nearest rank; `part` from 0 to 1. NaN for no samples. */
export function percentile(samples: readonly number[], part: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** Four digits say enough. */
const rounded = (value: number): number => Number(value.toPrecision(4));
