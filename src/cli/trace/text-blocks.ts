/** How a word is shown: what it means, not which colour it has. */
export type Tone = 'good' | 'bad' | 'strong' | 'faint' | 'plain';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** Cells of one line; the cells of neighbouring rows stand below each other. */
export type Row = readonly (Span | string)[];

/** One hop: its name, then lines beside it. Rows align with those of their own section. */
export interface Block {
  readonly label: string;
  readonly sections: readonly (readonly Row[])[];
}

const labelWidth = 10;
const codes = { good: '32', bad: '31', strong: '1', faint: '90', plain: '' } as const;

export const good = (text: string): Span => ({ text, tone: 'good' });
export const bad = (text: string): Span => ({ text, tone: 'bad' });
export const strong = (text: string): Span => ({ text, tone: 'strong' });
export const faint = (text: string): Span => ({ text, tone: 'faint' });

/** Aligned text; colours only where they are asked for. */
export function renderBlocks(blocks: readonly Block[], isColoured: boolean): string {
  return blocks.map(block => renderBlock(block, isColoured)).join('\n');
}

function renderBlock({ label, sections }: Block, isColoured: boolean): string {
  const lines = sections.flatMap(rows => renderRows(rows, isColoured));
  const head = paint({ text: label.padEnd(labelWidth), tone: 'strong' }, isColoured);
  return lines.map((line, index) => `${index === 0 ? head : ' '.repeat(labelWidth)}${line}\n`).join('');
}

function renderRows(rows: readonly Row[], isColoured: boolean): readonly string[] {
  const widths = columnWidths(rows);
  return rows.map(row =>
    row
      .map((cell, column) => {
        const span = typeof cell === 'string' ? { text: cell, tone: 'plain' as const } : cell;
        const isLast = column === row.length - 1;
        const padding = isLast ? 0 : (widths[column] ?? 0) - span.text.length;
        return `${paint(span, isColoured)}${' '.repeat(Math.max(0, padding))}`;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** A cell that ends its row may be as long as it wants. */
function columnWidths(rows: readonly Row[]): readonly number[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.slice(0, -1).entries()) {
      const { length } = typeof cell === 'string' ? cell : cell.text;
      widths[column] = Math.max(widths[column] ?? 0, length);
    }
  return widths;
}

function paint({ text, tone }: Span, isColoured: boolean): string {
  return isColoured && tone !== 'plain' ? `\u001B[${codes[tone]}m${text}\u001B[0m` : text;
}
