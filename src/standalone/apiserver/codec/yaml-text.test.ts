import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { yamlText } from './yaml-text.ts';

test('what is written as YAML reads as what it was', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), value => {
      fc.pre(!JSON.stringify(value).includes('__proto__'));
      const zeros = JSON.parse(JSON.stringify(value)) as unknown; // JSON knows no -0
      assert.deepEqual(parse(yamlText(value), { version: '1.1' }), zeros);
    }),
  );
});

test('an object is written in block style, its fields by name', () => {
  const object = {
    kind: 'ConfigMap',
    data: { on: 'yes', port: '80', text: 'a\nb', empty: '' },
    list: [{ b: 1, a: [] }, ['x']],
    none: {},
  };
  assert.equal(
    yamlText(object),
    'data:\n  empty: ""\n  "on": "yes"\n  port: "80"\n  text: "a\\nb"\nkind: ConfigMap\nlist:\n- a: []\n  b: 1\n- - x\nnone: {}\n',
  );
});
