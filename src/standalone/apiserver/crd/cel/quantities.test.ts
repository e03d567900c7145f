import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Environment } from '@marcbachmann/cel-js';
import { registerLibrary } from './library.ts';

function evaluate(text: string): unknown {
  const environment = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  registerLibrary(environment);
  environment.registerVariable('self', 'dyn');
  return environment.parse(text)({ self: { limit: '1Gi', names: ['a', 'b'], count: 3n } });
}

const CASES: readonly (readonly [string, unknown])[] = [
  ["quantity(self.limit).isGreaterThan(quantity('900Mi'))", true],
  ["quantity('1500m').isLessThan(quantity('1.5'))", false],
  ["quantity('1').compareTo(quantity('1000m'))", 0n],
  ["quantity('1').add(quantity('500m')).isGreaterThan(quantity('1'))", true],
  ["quantity('5').sub(2).asInteger()", 3n],
  ["quantity('500m').isInteger()", false],
  ["quantity('-1').sign()", -1n],
  ["cidr('10.0.0.0/8').containsIP('10.1.2.3')", true],
  ["cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", true],
  ["cidr('10.1.0.0/16').containsCIDR(cidr('10.0.0.0/8'))", false],
  ["cidr('fd00::/64').prefixLength()", 64n],
  ["'%s has %d of %s'.format(['web', self.count, self.names])", 'web has 3 of [a, b]'],
  ["'100%% %.2f %x'.format([1.5, 255])", '100% 1.50 ff'],
];

for (const [text, expected] of CASES) {
  test(`rules may say ${text}`, () => assert.deepEqual(evaluate(text), expected));
}

test('what is no quantity, no network, or lacks a value is an error of the rule', () => {
  for (const text of [
    "quantity('much')",
    "cidr('10.0.0.1')",
    "'%s %s'.format(['a'])",
    "'%d'.format(['a'])",
  ]) {
    assert.throws(() => evaluate(text), text);
  }
});
