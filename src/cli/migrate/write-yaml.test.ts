import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { writeYaml } from './write-yaml.ts';

test('what is written is read as the same object, by the rules of YAML 1.1 and 1.2', () => {
  const value = fc.letrec(tie => ({
    any: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(
        'yes',
        'NO',
        '~',
        'null',
        '0644',
        '1:30',
        '- a',
        'a: b',
        '# c',
        '*x',
        '2024-01-01',
        '1e3',
      ),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(
        fc.string({ maxLength: 8 }).filter(key => key !== '__proto__'),
        tie('any'),
        { maxKeys: 4 },
      ),
    ),
  })).any;
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.string({ minLength: 1, maxLength: 5 }).filter(key => key !== '__proto__'),
        value,
        { minKeys: 1 },
      ),
      object => {
        const text = writeYaml(object);
        for (const version of ['1.1', '1.2'] as const)
          assert.deepEqual(parse(text, { version }), JSON.parse(JSON.stringify(object)));
      },
    ),
    { numRuns: 300 },
  );
});

test('comments stand above what they speak of, whatever they say', () => {
  const hostile = 'x\n---\nkind: Secret\u2028y\u0085z';
  const text = writeYaml(
    { spec: { rules: [{ name: 'a' }, { name: 'b' }] } },
    { '': ['of all'], 'spec.rules[1]': [hostile] },
  );
  assert.equal(
    text,
    '# of all\nspec:\n  rules:\n    - name: a\n    # x --- kind: Secret y z\n    - name: b\n',
  );
});
