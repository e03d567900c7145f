import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configKey,
  dnsLabel,
  dnsSubdomain,
  domainPrefixedPath,
  environmentName,
  fullyQualifiedDomain,
  labelValue,
  portName,
  qualifiedName,
  wildcardSubdomain,
} from './names.ts';

type Rule = (value: string) => readonly string[];

test('names that Kubernetes takes are taken, others are refused', () => {
  const cases: readonly (readonly [Rule, readonly string[], readonly string[]])[] = [
    [dnsLabel, ['a', '1a', 'a-b'], ['', 'A', 'a.b', '-a', 'a-', 'a'.repeat(64)]],
    [dnsSubdomain, ['a.b', '1.2.3.4', 'a'], ['', 'a..b', '.a', 'a_b', 'a'.repeat(254)]],
    [wildcardSubdomain, ['*.a', '*.a.b'], ['*', 'a', '*.', '**.a', 'a.*.b']],
    [qualifiedName, ['app', 'a.b/C_d', 'A.b-c'], ['', '/a', 'a/', 'a/b/c', 'UP.er/a', 'a b', 'x'.repeat(64)]],
    [labelValue, ['', 'A_b.c-1'], ['-a', 'a b', 'x'.repeat(64)]],
    [configKey, ['a', 'A.b_c', '...a'.slice(2)], ['', '..', '.', '..a', 'a/b']],
    [portName, ['http', 'h-2'], ['80', 'a--b', '-a', 'A', 'longer-than-fifteen', '']],
    [environmentName, ['A', 'a.b', 'with space', '1'], ['', 'a=b', 'ü', 'a\n']],
    [domainPrefixedPath, ['a.io/b/c', 'fairlead.dev/x'], ['a', '/a', 'a/', 'A.io/x', 'a.io/x y']],
    [fullyQualifiedDomain, ['a.b', 'a.b.'], ['a', '', 'a..b']],
  ];
  for (const [rule, taken, refused] of cases) {
    for (const value of taken)
      assert.deepEqual(rule(value), [], `${rule.name} takes ${JSON.stringify(value)}`);
    for (const value of refused)
      assert.notDeepEqual(rule(value), [], `${rule.name} refuses ${JSON.stringify(value)}`);
  }
});

test('refusals are worded as clients expect them', () => {
  assert.deepEqual(dnsLabel('a.b'), ['must not contain dots']);
  assert.deepEqual(dnsLabel('A'), [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ]);
  assert.deepEqual(portName('8080'), ['must contain at least one letter (a-z)']);
});

test('a very long text is refused at once', () => {
  const long = `${'a-'.repeat(1_000_000)}!`;
  const started = performance.now();
  for (const rule of [dnsLabel, dnsSubdomain, qualifiedName, labelValue, configKey, wildcardSubdomain])
    rule(long);
  assert.ok(performance.now() - started < 1000);
});
