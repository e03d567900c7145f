import type { PolicyChange, Trace } from '../../insight/trace/index.ts';
import { atField, hopBlock } from './hop-text.ts';
import { bad, faint, good, renderBlocks, strong } from './text-blocks.ts';
import type { Block, Row } from './text-blocks.ts';

export interface TextOptions {
  readonly isColoured: boolean;
  /** A value as YAML. */
  readonly yaml: (value: unknown) => string;
}

/** The whole trace for people: a line of what was asked, a block a hop, the verdict. */
export function traceText(trace: Trace, { isColoured, yaml }: TextOptions): string {
  const head: Block = { label: 'request', rows: [[strong(`${trace.from} → ${trace.to}`)]] };
  const blocks = [head, ...trace.hops.map(hopBlock), verdictBlock(trace, yaml)];
  return renderBlocks(blocks, isColoured);
}

function verdictBlock({ problems, verdict }: Trace, yaml: TextOptions['yaml']): Block {
  const { change, decidedBy, next, outcome, sentence } = verdict;
  const rows: Row[] = [[outcome === 'reaches' ? good(sentence) : bad(sentence)]];
  if (decidedBy !== undefined) rows.push([faint('decided by'), atField(decidedBy)]);
  if (next !== undefined) rows.push([faint('next'), next]);
  if (change !== undefined) rows.push(...snippet(change, yaml));
  for (const problem of problems) rows.push([bad(problem)]);
  return { label: 'verdict', rows };
}

/** What stands below the field, as it is written in the manifest. */
function snippet({ add }: PolicyChange, yaml: TextOptions['yaml']): readonly Row[] {
  return yaml([add])
    .trimEnd()
    .split('\n')
    .map(line => [`  ${line}`]);
}
