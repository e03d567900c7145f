import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { builtInKinds } from '../../src/standalone/apiserver/kinds/index.ts';
import { startTestServer } from '../../src/standalone/apiserver/testing/in-process.ts';
import type { TestServer } from '../../src/standalone/apiserver/testing/in-process.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const THINGS = '/apis/example.com/v1/namespaces/default/things';

const type = fc.constantFrom('object', 'array', 'string', 'integer', 'number', 'boolean', 'nonsense', '');
const rule = fc.oneof(
  fc.constantFrom(
    'self == oldSelf',
    'has(self.a.b)',
    'self.all(x, x > 0)',
    "self.matches('(a+)+$')",
    'self',
    'self[0] == 1',
    '1 / 0 == 1',
  ),
  fc.string({ maxLength: 30 }),
);

/** Schemas that are nearly right, and some that are not at all. */
const schema: fc.Arbitrary<unknown> = fc.letrec(tie => ({
  schema: fc.oneof(
    { maxDepth: 2 },
    // The first is taken where it is deep enough.
    fc.record({ type }),
    fc.record(
      {
        type,
        default: fc.jsonValue({ maxDepth: 1 }),
        pattern: fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('^(a+)+$', '(?i)x', '[')),
        minimum: fc.oneof(fc.integer(), fc.string()),
        enum: fc.array(fc.jsonValue({ maxDepth: 0 }), { maxLength: 3 }),
        nullable: fc.boolean(),
        required: fc.array(fc.constantFrom('a', 'b', 'constructor')),
        'x-kubernetes-list-type': fc.constantFrom('map', 'set', 'atomic', 'other'),
        'x-kubernetes-list-map-keys': fc.array(fc.constantFrom('a', 'b')),
        'x-kubernetes-int-or-string': fc.boolean(),
        'x-kubernetes-preserve-unknown-fields': fc.boolean(),
        'x-kubernetes-validations': fc.array(
          fc.record({ rule, messageExpression: rule }, { requiredKeys: ['rule'] }),
          { maxLength: 2 },
        ),
        properties: fc.dictionary(
          fc.constantFrom('a', 'b', '__proto__', 'constructor', 'metadata'),
          tie('schema'),
          { maxKeys: 3 },
        ),
        items: tie('schema'),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
        anyOf: fc.array(tie('schema'), { maxLength: 2 }),
        not: tie('schema'),
      },
      { requiredKeys: ['type'] },
    ),
    fc.jsonValue({ maxDepth: 1 }),
  ),
})).schema;

const value = fc.jsonValue({ maxDepth: 3 });

async function isWell(
  server: TestServer,
  what: string,
  method: string,
  path: string,
  body: unknown,
): Promise<number> {
  const answer = await server.call(method, path, {
    body,
    ...(method === 'PATCH' ? { type: 'application/merge-patch+json' } : {}),
  });
  assert.ok(answer.status < 500, `${what} is answered with ${answer.status}: ${answer.text}`);
  return answer.status;
}

test('whatever a definition says, and whatever its objects are, the answer is a status that blames nobody else', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  let served = 0;
  await fc.assert(
    fc.asyncProperty(schema, value, value, async (spec, one, other) => {
      const definition = {
        metadata: { name: 'things.example.com' },
        spec: {
          group: 'example.com',
          scope: 'Namespaced',
          names: { plural: 'things', kind: 'Thing' },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              subresources: { status: {} },
              schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
            },
          ],
        },
      };
      const status = await isWell(server, 'the definition', 'POST', DEFINITIONS, definition);
      if (status !== 201) return;
      served++;
      const object = (inner: unknown) => ({
        apiVersion: 'example.com/v1',
        kind: 'Thing',
        metadata: { name: 'a' },
        spec: inner,
      });
      await isWell(server, 'a new object', 'POST', THINGS, object(one));
      await isWell(server, 'a change', 'PATCH', `${THINGS}/a`, { spec: other });
      await isWell(server, 'a list', 'GET', THINGS, undefined);
      await isWell(server, 'OpenAPI', 'GET', '/openapi/v3', undefined);
      await isWell(server, 'the end', 'DELETE', `${DEFINITIONS}/things.example.com`, undefined);
      await untilGone(server);
    }),
    { numRuns: 300 },
  );
  assert.ok(served > 20, `${served} definitions were served; too few to mean anything`);
});

async function untilGone(server: TestServer): Promise<void> {
  const deadline = Date.now() + 20_000;
  while ((await server.call('GET', `${DEFINITIONS}/things.example.com`)).status !== 404) {
    assert.ok(Date.now() < deadline, 'a definition that was deleted goes');
    await new Promise(resolve => setImmediate(resolve));
  }
}
