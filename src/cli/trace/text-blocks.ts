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
const gap = '  ';
/** Narrower than this nothing can be read. */
const leastRoom = 30;
const codes = { good: '32', bad: '31', strong: '1', faint: '90', plain: '' } as const;

export const good = (text: string): Span => ({ text, tone: 'good' });
export const bad = (text: string): Span => ({ text, tone: 'bad' });
export const strong = (text: string): Span => ({ text, tone: 'strong' });
export const faint = (text: string): Span => ({ text, tone: 'faint' });

export interface Paper {
  readonly isColoured: boolean;
  /** A terminal's width: the last cell of a row is broken to fit. Absent: every row is one line. */
  readonly columns?: number;
}

/** Aligned text; colours only where they are asked for. */
export function renderBlocks(blocks: readonly Block[], paper: Paper): string {
  return blocks.map(block => renderBlock(block, paper)).join('\n');
}

function renderBlock({ label, sections }: Block, paper: Paper): string {
  const lines = sections.flatMap(rows => renderRows(rows, paper));
  const head = paint({ text: label.padEnd(labelWidth), tone: 'strong' }, paper.isColoured);
  return lines.map((line, index) => `${index === 0 ? head : ' '.repeat(labelWidth)}${line}\n`).join('');
}

function renderRows(rows: readonly Row[], { columns, isColoured }: Paper): readonly string[] {
  const widths = columnWidths(rows);
  return rows.flatMap(row => {
    const spans = row.map(cell => (typeof cell === 'string' ? { text: cell, tone: 'plain' as const } : cell));
    const last = spans.at(-1) ?? { text: '', tone: 'plain' as const };
    const before = spans.slice(0, -1).map((span, column) => {
      const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - span.text.length));
      return { shown: `${paint(span, isColoured)}${padding}`, width: span.text.length + padding.length };
    });
    const indent = before.reduce((sum, { width }) => sum + width + gap.length, 0);
    const room = columns === undefined ? Infinity : columns - labelWidth - indent;
    const head = before.map(({ shown }) => `${shown}${gap}`).join('');
    return broken(last.text, Math.max(room, leastRoom)).map((text, line) =>
      `${line === 0 ? head : ' '.repeat(indent)}${paint({ ...last, text }, isColoured)}`.trimEnd(),
    );
  });
}

/** At blanks; a line that goes on begins with the blanks that the first one has. */
function broken(text: string, room: number): readonly string[] {
  if (text.length <= room) return [text];
  const margin = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = margin;
  for (const word of text.trimStart().split(' ')) {
    const longer = line.trim() === '' ? `${line}${word}` : `${line} ${word}`;
    if (longer.length > room && line.trim() !== '') {
      lines.push(line);
      line = `${margin}${word}`;
    } else line = longer;
  }
  return [...lines, line];
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
