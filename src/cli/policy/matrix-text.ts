import type { MatrixCell } from '../../insight/policy/index.ts';

export const matrixForms = ['text', 'json', 'csv', 'dot', 'mermaid'] as const;
export type MatrixForm = (typeof matrixForms)[number];

/** All pairs for programs; who may speak to whom for people. */
export function matrixText(cells: readonly MatrixCell[], form: MatrixForm): string {
  const open = cells.filter(cell => cell.everything || cell.ports.length > 0);
  switch (form) {
    case 'json':
      return `${JSON.stringify({ cells }, null, 2)}\n`;
    case 'csv':
      return lines([
        'from,to,ports,family',
        ...cells.map(cell =>
          [cell.from, cell.to, portsText(cell), cell.family === undefined ? '' : `IPv${cell.family}`]
            .map(quoted)
            .join(','),
        ),
      ]);
    case 'dot':
      return lines([
        'digraph policy {',
        ...open.map(cell => `  ${quoted(cell.from)} -> ${quoted(cell.to)} [label=${quoted(labelOf(cell))}];`),
        '}',
      ]);
    case 'mermaid': {
      const numbers = new Map<string, string>();
      for (const name of cells.flatMap(cell => [cell.from, cell.to]))
        if (!numbers.has(name)) numbers.set(name, `n${numbers.size}`);
      return lines([
        'graph LR',
        ...[...numbers].map(([name, id]) => `  ${id}["${name}"]`),
        ...open.map(
          cell => `  ${numbers.get(cell.from) ?? ''} -->|"${labelOf(cell)}"| ${numbers.get(cell.to) ?? ''}`,
        ),
      ]);
    }
    case 'text': {
      const width = (of: (cell: MatrixCell) => string) => Math.max(0, ...open.map(cell => of(cell).length));
      const [from, to] = [width(cell => cell.from), width(cell => cell.to)];
      return lines([
        ...open.map(cell => `${cell.from.padEnd(from)}  →  ${cell.to.padEnd(to)}  ${labelOf(cell)}`),
        `${open.length} of ${cells.length} pairs may speak; the others may not.`,
      ]);
    }
    default:
      return form satisfies never;
  }
}

const labelOf = (cell: MatrixCell): string =>
  cell.family === undefined ? portsText(cell) : `${portsText(cell)} (IPv${cell.family})`;

/** `TCP 80, 8080-8090; UDP 53` */
export function portsText({ everything, ports }: Pick<MatrixCell, 'everything' | 'ports'>): string {
  if (everything) return 'everything';
  const texts = (['TCP', 'UDP', 'SCTP'] as const).flatMap(protocol => {
    const spans = ports.filter(span => span.protocol === protocol);
    const numbers = spans.map(({ from, to }) =>
      from === 0 && to === 65_535 ? 'all' : from === to ? `${from}` : `${from}-${to}`,
    );
    return numbers.length === 0 ? [] : [`${protocol} ${numbers.join(', ')}`];
  });
  return texts.length === 0 ? 'nothing' : texts.join('; ');
}

const lines = (texts: readonly string[]): string => texts.map(text => `${text}\n`).join('');

/** As CSV and dot do alike for what these names have. */
const quoted = (text: string): string => `"${text.replaceAll('"', "'")}"`;
