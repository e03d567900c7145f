import assert from 'node:assert/strict';
import { test } from 'node:test';
import { good, renderBlocks } from './text-blocks.ts';
import type { Block } from './text-blocks.ts';

const block: Block = {
  label: 'service',
  sections: [
    [
      ['a', 'bb', 'a sentence of some words'],
      ['aaa', 'b', good('and another one of words')],
    ],
    [['alone']],
  ],
};

test('cells of a section stand below each other, and the label beside the first line', () => {
  assert.equal(
    renderBlocks([block], { isColoured: false }),
    [
      'service   a    bb  a sentence of some words',
      '          aaa  b   and another one of words',
      '          alone',
      '',
    ].join('\n'),
  );
});

test('on a terminal the last cell is broken at blanks, below itself', () => {
  const long = `${'word '.repeat(12)}end`;
  const lines = renderBlocks([{ label: 'x', sections: [[['cell', long]]] }], {
    isColoured: false,
    columns: 60,
  }).split('\n');
  assert.ok(lines.length > 2);
  assert.ok(lines.every(line => line.length <= 60));
  assert.ok(lines.slice(1, -1).every(line => line.startsWith(' '.repeat(16))));
  assert.equal(lines.join(' ').replaceAll(/\s+/g, ' ').trim(), `x cell ${long}`);
});

test('colours are there only where they are asked for', () => {
  assert.ok(
    renderBlocks([block], { isColoured: true }).includes('\u001B[32mand another one of words\u001B[0m'),
  );
});
