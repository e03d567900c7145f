import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalQuantity, formatQuantity, parseQuantity } from './quantity.ts';

test('quantities come back in the canonical form of Kubernetes', () => {
  const cases: readonly (readonly [string | number, string])[] = [
    ['0.5', '500m'],
    [0.5, '500m'],
    [1, '1'],
    ['1000m', '1'],
    ['1.5Gi', '1536Mi'],
    ['0.5Gi', '512Mi'],
    ['1024', '1024'],
    ['1024Ki', '1Mi'],
    ['0.5Mi', '512Ki'],
    ['512', '512'],
    ['0.5Ki', '512'],
    ['1000', '1k'],
    ['1500', '1500'],
    ['1e3', '1e3'],
    ['12e6', '12e6'],
    ['0', '0'],
    ['0Gi', '0'],
    ['-1', '-1'],
    ['+5', '5'],
    ['.5', '500m'],
    ['5.', '5'],
    ['100u', '100u'],
    ['0.1n', '1n'],
    ['9223372036854775808', '9223372036854775807'],
  ];
  for (const [given, canonical] of cases) assert.equal(canonicalQuantity(given), canonical, String(given));
});

test('what is no quantity is refused', () => {
  for (const text of ['', '.', '1 Gi', '1gi', 'Gi', '1e', '--1', '1.2.3', '0x10', '1KiB', '9'.repeat(200)]) {
    assert.equal(canonicalQuantity(text), undefined, text);
  }
  assert.equal(canonicalQuantity(true), undefined);
});

test('the canonical form means the same, and is its own canonical form', () => {
  const suffix = fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e2', 'e-3');
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(999), suffix, (whole, fraction, unit) => {
      const quantity = parseQuantity(`${whole}.${fraction}${unit}`);
      assert.ok(quantity);
      const text = formatQuantity(quantity);
      assert.equal(parseQuantity(text)?.nano, quantity.nano, text);
      assert.equal(canonicalQuantity(text), text);
    }),
  );
});
