import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseForm } from '../../src/standalone/apiserver/codec/accept.ts';
import { parseJson } from '../../src/standalone/apiserver/codec/json.ts';
import { builtInKinds } from '../../src/standalone/apiserver/kinds/index.ts';
import type { Fields } from '../../src/standalone/apiserver/object.ts';
import { JsonPatchError, jsonPatch } from '../../src/standalone/apiserver/patch/json-patch.ts';
import { mergePatch } from '../../src/standalone/apiserver/patch/merge-patch.ts';
import { StrategicPatchError, strategicMerge } from '../../src/standalone/apiserver/patch/strategic-merge.ts';
import { parseResourcePath } from '../../src/standalone/apiserver/routes/path.ts';
import { parseFieldSelector } from '../../src/standalone/apiserver/select/field-selector.ts';
import { parseLabelSelector } from '../../src/standalone/apiserver/select/label-selector.ts';
import { StatusError } from '../../src/standalone/apiserver/status.ts';

const RUNS = { numRuns: 1500 };
const kinds = builtInKinds();
const pod = kinds.find(kind => kind.kind === 'Pod');
const deployment = kinds.find(kind => kind.kind === 'Deployment');
assert.ok(pod !== undefined && deployment !== undefined);

/** Throws on anything but the refusals that a decoder may answer with. */
function refusedOrDone(run: () => unknown, ...refusals: readonly (new (...parts: never[]) => Error)[]): void {
  try {
    run();
  } catch (error) {
    if (!refusals.some(refusal => error instanceof refusal)) throw error;
  }
}

const selectorText = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc
    .array(
      fc.constantFrom(
        'a',
        'b/c',
        '=',
        '==',
        '!=',
        '!',
        'in',
        'notin',
        '(',
        ')',
        ',',
        '>',
        '<',
        ' ',
        '\\',
        '1',
        'metadata.name',
      ),
      { maxLength: 12 },
    )
    .map(parts => parts.join('')),
);

test('selectors of any text choose or are refused', () => {
  fc.assert(
    fc.property(selectorText, fc.dictionary(fc.string(), fc.string()), (text, labels) => {
      refusedOrDone(() => parseLabelSelector(text)?.(labels), StatusError);
      const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', labels } };
      refusedOrDone(() => parseFieldSelector(text, pod)?.matches(object), StatusError);
    }),
    RUNS,
  );
});

test('bodies, paths and Accept headers of any text are read or refused', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map(text => text.slice(0, -1)),
      ),
      text => {
        refusedOrDone(() => parseJson(text), StatusError);
        refusedOrDone(() => parseResourcePath(`/${text}`), StatusError);
        refusedOrDone(() => chooseForm(text, ['object', 'Table']), StatusError);
        refusedOrDone(() => chooseForm(`application/json;${text}`, ['object', 'Table']), StatusError);
      },
    ),
    RUNS,
  );
});

const NAMES = ['spec', 'containers', 'metadata', 'labels', 'finalizers', 'name', 'ports', 'a', '0', '-'];
const DIRECTIVES = [
  '$patch',
  '$retainKeys',
  '$setElementOrder/containers',
  '$setElementOrder/finalizers',
  '$deleteFromPrimitiveList/finalizers',
];

const { value: anyValue } = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 'a', 'delete', 'replace', 'merge'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES, ...DIRECTIVES), tie('value'), { maxKeys: 4 }),
  ),
}));
const anyObject = fc.dictionary(fc.constantFrom(...NAMES), anyValue, { maxKeys: 4 });
const anyPatch = fc.dictionary(fc.constantFrom(...NAMES, ...DIRECTIVES), anyValue, { maxKeys: 5 });

test('a strategic or merge patch of any shape applies or is refused, and leaves the original alone', () => {
  fc.assert(
    fc.property(anyObject, anyPatch, (original: Fields, patch: Fields) => {
      const before = JSON.stringify(original);
      refusedOrDone(
        () => JSON.stringify(strategicMerge(original, patch, deployment.mergeSchema)),
        StrategicPatchError,
      );
      mergePatch(original, patch);
      assert.equal(JSON.stringify(original), before);
    }),
    RUNS,
  );
});

test('a JSON patch of any shape applies or is refused, and leaves the original alone', () => {
  const pointer = fc
    .array(fc.constantFrom(...NAMES, '~', '~1', '__proto__'), { maxLength: 4 })
    .map(steps => steps.map(step => `/${step}`).join(''));
  const operation = fc.record(
    {
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'nope'),
      path: fc.oneof(pointer, fc.string()),
      from: pointer,
      value: anyValue,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(anyValue, fc.oneof(fc.array(operation, { maxLength: 5 }), anyValue), (document, patch) => {
      const before = JSON.stringify(document);
      refusedOrDone(() => jsonPatch(document, patch), JsonPatchError);
      assert.equal(JSON.stringify(document), before);
      assert.equal(({} as Fields)['a'], undefined, 'the prototype of objects is untouched');
    }),
    RUNS,
  );
});
