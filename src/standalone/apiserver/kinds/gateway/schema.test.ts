import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { builtInSchemas } from '../index.ts';

/** The Gateway API's own CustomResourceDefinitions; developers have them beside the repository. */
const REFERENCE = new URL('../../../../../../shared/data/gateway-api-v1.6.1/experimental/', import.meta.url);
const skip = existsSync(REFERENCE)
  ? false
  : 'reference data is absent: CustomResourceDefinitions of the Gateway API';

type Json = Readonly<Record<string, unknown>>;

interface Definition {
  readonly spec: {
    readonly names: Json;
    readonly versions: readonly {
      readonly name: string;
      readonly additionalPrinterColumns: readonly { readonly name: string; readonly priority?: number }[];
      readonly schema: { readonly openAPIV3Schema: Json };
      readonly subresources?: Json;
    }[];
  };
}

const read = (plural: string): Definition =>
  parse(readFileSync(new URL(`gateway.networking.k8s.io_${plural}.yaml`, REFERENCE), 'utf8')) as Definition;

/** Fields of the experimental channel that nothing here follows: a server that does not know them says so. */
const UNSERVED = ['defaultScope', 'useDefaultGateways'];

/** Of header values in the experimental channel alone: objects of the standard one have to stay valid. */
const HEADER_VALUE = String.raw`^[!-~]+([\t ]?[!-~]+)*$`;

/** Without prose, without rules in CEL and one-of (they are code here), and without what the server adds to every kind. */
function comparable(value: unknown, isSchema = true, isRoot = true): unknown {
  if (Array.isArray(value)) return value.map(item => comparable(item, isSchema, false));
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (isSchema && ['description', 'x-kubernetes-validations', 'oneOf'].includes(key)) continue;
    if (isSchema && key === 'x-kubernetes-group-version-kind') continue;
    if (UNSERVED.includes(key) || (key === 'pattern' && inner === HEADER_VALUE)) continue;
    if (isRoot && !isSchema && ['apiVersion', 'kind', 'metadata'].includes(key)) continue;
    if (isSchema && key === 'required' && Array.isArray(inner)) result[key] = inner.map(String).toSorted();
    else if (isSchema && key === 'default') result[key] = inner;
    else result[key] = comparable(inner, key !== 'properties', isRoot && key === 'properties');
  }
  return result;
}

test(
  'kinds of the Gateway API have the schemas, names and columns of its own definitions',
  { skip },
  async () => {
    const schemas = builtInSchemas();
    const text = (await schemas.openApiDocument('apis/gateway.networking.k8s.io/v1')) ?? '{}';
    const ours = (JSON.parse(text) as { components: { schemas: Record<string, Json> } }).components.schemas;
    const kinds = schemas.kinds.filter(
      kind => kind.group === 'gateway.networking.k8s.io' && kind.version === 'v1',
    );
    assert.equal(kinds.length, 10);
    for (const kind of kinds) {
      const { names, versions } = read(kind.plural).spec;
      const version = versions.find(candidate => candidate.name === 'v1');
      assert.ok(version, kind.kind);
      assert.deepEqual(comparable(ours[kind.schema]), comparable(version.schema.openAPIV3Schema), kind.kind);
      assert.deepEqual(
        [kind.kind, kind.listKind, kind.singular, kind.shortNames, kind.categories],
        [names['kind'], names['listKind'], names['singular'], names['shortNames'] ?? [], names['categories']],
      );
      assert.deepEqual(
        kind.columns.slice(1).map(column => [column.name, column.priority]),
        version.additionalPrinterColumns.map(column => [column.name, column.priority ?? 0]),
      );
      assert.equal(
        kind.subresources.some(subresource => subresource.name === 'status'),
        version.subresources !== undefined && 'status' in version.subresources,
      );
    }
  },
);
