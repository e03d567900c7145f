import type { Finding, Observed, PolicyChange, Trace } from '../../insight/trace/index.ts';
import { atField, hopBlock } from './hop-text.ts';
import { seenRows } from './seen-text.ts';
import { bad, faint, good, renderBlocks, strong } from './text-blocks.ts';
import type { Block, Paper, Row } from './text-blocks.ts';

/** A trace, and where the request was really sent what was seen of it. */
export interface TraceReport extends Trace {
  readonly observed?: Observed & { readonly findings: readonly Finding[] };
}

export interface TextOptions extends Paper {
  /** A value as YAML. */
  readonly yaml: (value: unknown) => string;
}

/** The whole trace for people: a line of what was asked, a block a hop, the verdict. */
export function traceText(trace: TraceReport, options: TextOptions): string {
  const { observed } = trace;
  const head: Block = { label: 'request', sections: [[[strong(`${trace.from} → ${trace.to}`)]]] };
  const hops = trace.hops.map((hop, index): Block => {
    const { label, sections } = hopBlock(hop);
    return {
      label,
      sections: observed === undefined ? sections : [...sections, seenRows(index, hop, observed)],
    };
  });
  const blocks = [
    head,
    ...hops,
    verdictBlock(trace, options.yaml),
    ...(observed === undefined ? [] : [observedBlock(observed)]),
  ];
  return renderBlocks(blocks, options);
}

function verdictBlock({ problems, verdict }: Trace, yaml: TextOptions['yaml']): Block {
  const { changes = [], decidedBy, next, outcome, parts, sentence } = verdict;
  const rows: Row[] =
    outcome === 'mixed'
      ? [[bad('it depends on the endpoint:')], ...parts.map(partRow)]
      : [[outcome === 'reaches' ? good(sentence) : bad(sentence)]];
  if (decidedBy !== undefined) rows.push([faint('decided by'), atField(decidedBy)]);
  if (next !== undefined) rows.push([faint('next'), next]);
  return {
    label: 'verdict',
    sections: [
      rows,
      changes.flatMap(change => snippet(change, yaml)),
      problems.map((problem): Row => [bad(problem)]),
    ],
  };
}

function partRow({ outcome, places, sentence }: Trace['verdict']['parts'][number]): Row {
  const names = new Set(places.map(({ address, pod }) => pod ?? address));
  const more = names.size > 1 ? ` (and ${names.size - 1} more alike)` : '';
  return [outcome === 'reaches' ? good(`${sentence}${more}`) : bad(`${sentence}${more}`)];
}

function observedBlock({ connection, findings, silent }: NonNullable<TraceReport['observed']>): Block {
  const differing = findings.filter(({ result }) => result === 'differs');
  const agreeing = findings.filter(({ result }) => result === 'agrees');
  const hops = (list: readonly Finding[]) => list.map(({ hop }) => hop).join(', ');
  const first: Row =
    differing.length > 0
      ? [bad(`differs from the model at ${hops(differing)}`)]
      : agreeing.length === 0
        ? [bad('nothing could be compared')]
        : [good(`agrees with the model at ${hops(agreeing)}`)];
  const rows: Row[] = [
    first,
    ...differing.map(({ expected, hop, seen }): Row => [bad(hop), `expected ${expected}; seen: ${seen}`]),
  ];
  if (connection === undefined) rows.push(['nothing was sent: there is no address']);
  for (const sentence of silent) rows.push([faint(sentence)]);
  return { label: 'observed', sections: [rows] };
}

/** What stands below the field, as it is written in the manifest. */
function snippet(change: PolicyChange, yaml: TextOptions['yaml']): readonly Row[] {
  const lines = yaml([change.add]).trimEnd().split('\n');
  return [[faint(`${atField(change)}:`)], ...lines.map((line): Row => [`  ${line}`])];
}
