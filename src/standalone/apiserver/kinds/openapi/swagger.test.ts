import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFields } from '../../object.ts';
import { builtInSchemas } from '../index.ts';

const schemas = builtInSchemas();

interface Json {
  readonly [field: string]: Json;
}

async function document(): Promise<Json> {
  return JSON.parse(String(await schemas.openApiV2('json'))) as Json;
}

test('the v2 document refers to nothing that it does not define, and has no words of v3', async () => {
  const { definitions, paths } = await document();
  const visit = (value: unknown, place: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, place);
    if (!isFields(value)) return;
    for (const [name, inner] of Object.entries(value)) {
      if (name === '$ref') {
        assert.match(String(inner), /^#\/definitions\//, place);
        const target = String(inner).slice('#/definitions/'.length);
        assert.ok(definitions?.[target] !== undefined, `${place}: ${target}`);
      }
      assert.ok(!['oneOf', 'anyOf', 'allOf', 'requestBody'].includes(name), `${place}: ${name}`);
      visit(inner, place);
    }
  };
  for (const part of [definitions, paths]) {
    for (const [name, value] of Object.entries(part ?? {})) visit(value, name);
  }
});

test('every kind that is served is found in the v2 document by its group, version and kind', async () => {
  const { definitions } = await document();
  const known = new Set(
    Object.values(definitions ?? {}).flatMap(definition => {
      const kinds: unknown = definition['x-kubernetes-group-version-kind'];
      return Array.isArray(kinds) ? kinds.map(kind => JSON.stringify(kind)) : [];
    }),
  );
  for (const { group, version, kind } of schemas.kinds) {
    assert.ok(known.has(JSON.stringify({ group, kind, version })), `${group}/${version} ${kind}`);
  }
});

test('operations have the names by which generated clients call them, each its own', async () => {
  const { paths } = await document();
  const operations: readonly unknown[] = Object.values(paths ?? {}).flatMap(item => Object.values(item));
  const names = operations
    .filter(isFields)
    .map(operation => operation['operationId'])
    .filter(name => name !== undefined);
  for (const name of [
    'readCoreV1NamespacedPod',
    'listCoreV1PodForAllNamespaces',
    'listCoreV1Node',
    'patchAppsV1NamespacedDeploymentStatus',
    'deleteCoreV1CollectionNamespacedConfigMap',
    'createRbacAuthorizationV1ClusterRole',
    'replaceCoreV1NamespaceFinalize',
  ]) {
    assert.ok(names.includes(name), name);
  }
  assert.equal(new Set(names).size, names.length);
});

test('the protobuf form holds as many definitions and paths as the JSON form', async () => {
  const { definitions, paths } = await document();
  const bytes = await schemas.openApiV2('protobuf');
  const fields = fieldsOf(Buffer.from(bytes));
  const [swagger, inPaths, inDefinitions] = [1, 8, 9].map(
    number => fields.find(field => field.number === number)?.value ?? Buffer.alloc(0),
  );
  assert.equal(swagger?.toString(), '2.0');
  assert.equal(fieldsOf(inPaths ?? Buffer.alloc(0)).length, Object.keys(paths ?? {}).length);
  const first = fieldsOf(inDefinitions ?? Buffer.alloc(0));
  assert.equal(first.length, Object.keys(definitions ?? {}).length);
  const names = first.map(({ value }) => fieldsOf(value)[0]?.value.toString());
  assert.deepEqual(names, Object.keys(definitions ?? {}));
});

/** The fields of a message that has none but those of wire type 2. */
function fieldsOf(bytes: Buffer): readonly { readonly number: number; readonly value: Buffer }[] {
  const found: { number: number; value: Buffer }[] = [];
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte % 128) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const number = Math.floor(varint() / 8);
    const length = varint();
    found.push({ number, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}
