import type { BenchResult } from './result.ts';

/** A result for people: the rows, then the bars. */
export function resultText(question: string, result: BenchResult): string {
  const rows = result.rows.map(row => {
    const peer =
      row.peer === null ? 'no peer' : `peer ${row.peer} (${row.peerVersion ?? ''}), ratio ${row.ratio ?? ''}`;
    return `  ${row.name.padEnd(48)} ${`${row.ours} ${row.unit}`.padStart(14)}   ${peer}, ${row.samples} samples`;
  });
  const bars = result.bars.map(
    bar => `  ${bar.holds ? 'holds ' : 'FAILS '} ${bar.name}: ${bar.value}, the bar is ${bar.bar}`,
  );
  return `${question}\n${result.machine}\n\n${rows.join('\n')}\n\n${bars.join('\n')}\n`;
}
