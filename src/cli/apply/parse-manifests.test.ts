import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairleadError } from '../../base/errors.ts';
import { parseManifests } from './parse-manifests.ts';
import type { Manifest } from './read-manifests.ts';

const pod = (name: string) => `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n`;

test('several documents give several objects, each with its line; empty documents are nothing', () => {
  const manifests = parseManifests(`---\n---\n${pod('a')}---\n# nothing\n---\n${pod('b')}`, 'pods.yaml');
  assert.deepEqual(
    manifests.map(({ object, line }) => [object.metadata.name, line]),
    [
      ['a', 3],
      ['b', 10],
    ],
  );
});

test('JSON is read too, and a List gives its items', () => {
  const list = {
    apiVersion: 'v1',
    kind: 'List',
    items: [{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } }],
  };
  const [manifest] = parseManifests(JSON.stringify(list), 'list.json');
  assert.equal(manifest?.object.metadata.name, 'a');
});

test('numbers and words mean what they mean to kubectl', () => {
  const [manifest] = parseManifests(
    `${pod('a')}spec: {mode: 0644, on: yes, day: 2024-01-02, time: 12:30}\n`,
    'x',
  );
  assert.deepEqual(specOf(manifest), {
    mode: 0o644,
    true: true,
    day: '2024-01-02',
    time: '12:30',
  });
});

test('a field of an error leads to its line', () => {
  const [manifest] = parseManifests(`${pod('a')}spec:\n  containers:\n  - name: x\n    image: y\n`, 'x');
  assert.equal(manifest?.lineOf('spec.containers[0].image'), 8);
  assert.equal(manifest?.lineOf('spec.containers[0].missing'), 7);
  assert.equal(manifest?.lineOf('spec.nothing'), 5);
});

const refused: readonly (readonly [string, string, RegExp])[] = [
  ['a tab as indentation', 'a:\n\tb: 1\n', /^x\.yaml:2: is not YAML/],
  ['an unclosed bracket', 'a: [1, 2\nb: 3\n', /^x\.yaml:\d: is not YAML/],
  ['a key twice', `${pod('a')}kind: Pod\n`, /^x\.yaml:5: is not YAML: Map keys must be unique/],
  ['a text', 'hello\n', /^x\.yaml:1: is not a Kubernetes object/],
  ['no kind', 'apiVersion: v1\nmetadata: {name: a}\n', /^x\.yaml:1: has no kind/],
  ['no name', 'apiVersion: v1\nkind: Pod\n', /^x\.yaml:1: Pod has no name/],
  ['a bomb of aliases', bomb(), /^x\.yaml:1: cannot be read/],
];

for (const [name, text, sentence] of refused) {
  test(`refused with file and line: ${name}`, () => {
    assert.throws(
      () => parseManifests(text, 'x.yaml'),
      (error: unknown) => error instanceof FairleadError && sentence.test(error.message),
    );
  });
}

function specOf(manifest: Manifest | undefined): unknown {
  return (manifest?.object as { spec?: unknown } | undefined)?.spec;
}

function bomb(): string {
  const levels = Array.from({ length: 12 }, (_, level) => {
    const parts = Array.from({ length: 10 }, () => (level === 0 ? 'x' : `*l${level - 1}`));
    return `l${level}: &l${level} [${parts.join(', ')}]`;
  });
  return `${levels.join('\n')}\n`;
}
