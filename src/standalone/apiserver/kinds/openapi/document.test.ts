import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { builtInSchemas } from '../index.ts';

/** What a real API server of Kubernetes publishes; developers have it beside the repository. */
const REFERENCE = new URL('../../../../../../shared/data/kubernetes-v1.36/', import.meta.url);
const skip = existsSync(REFERENCE) ? false : 'reference data is absent: OpenAPI documents of Kubernetes 1.36';

type Json = Readonly<Record<string, unknown>>;
const schemas = builtInSchemas();

async function schemasOf(path: string): Promise<Readonly<Record<string, Json>>> {
  const text = await schemas.openApiDocument(path);
  assert.ok(text, `${path} has a document`);
  return (JSON.parse(text) as { components: { schemas: Record<string, Json> } }).components.schemas;
}

function referenceOf(path: string): Readonly<Record<string, Json>> | undefined {
  const file = new URL(`openapi-v3/${path.replaceAll('/', '__')}_openapi.json`, REFERENCE);
  if (!existsSync(file)) return undefined;
  return (JSON.parse(readFileSync(file, 'utf8')) as { components: { schemas: Record<string, Json> } })
    .components.schemas;
}

/** Prose is ours, a lone reference may be wrapped, and which versions have DeleteOptions differs with the server's kinds. */
function comparable(value: unknown, isSchema = true): unknown {
  if (Array.isArray(value)) return value.map(item => comparable(item));
  if (typeof value !== 'object' || value === null) return value;
  const result: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (isSchema && key === 'description') continue;
    if (key === 'x-kubernetes-group-version-kind' && isOfEveryVersion(inner)) continue;
    if (key === 'required' && Array.isArray(inner)) result[key] = inner.map(String).toSorted();
    else if (isSchema && key === '$ref') result['allOf'] = [inner];
    else if (isSchema && key === 'allOf' && Array.isArray(inner)) {
      result[key] = inner.map(item => (item as { $ref: string }).$ref);
    } else result[key] = comparable(inner, key !== 'properties');
  }
  return result;
}

test(
  'every published schema has the fields, defaults and list types of a real server',
  { skip },
  async () => {
    let compared = 0;
    for (const path of schemas.openApiPaths()) {
      const reference = referenceOf(path);
      if (reference === undefined) continue;
      for (const [name, schema] of Object.entries(await schemasOf(path))) {
        if (reference[name] === undefined) continue;
        assert.deepEqual(comparable(schema), comparable(reference[name]), `${name} in ${path}`);
        compared++;
      }
    }
    assert.ok(compared > 200, `${compared} schemas are the same; too few to mean anything`);
  },
);

test('no document refers to a schema that it lacks', async () => {
  for (const path of schemas.openApiPaths()) {
    const known = await schemasOf(path);
    const text = (await schemas.openApiDocument(path)) ?? '';
    for (const [, name = ''] of text.matchAll(/#\/components\/schemas\/([^"]+)/g)) {
      assert.ok(known[name] !== undefined, `${path} refers to ${name}`);
    }
  }
});

test('every kind says which group, version and kind a path leads to, and that writes know fieldValidation', async () => {
  for (const kind of schemas.kinds) {
    const path = kind.group === '' ? `api/${kind.version}` : `apis/${kind.group}/${kind.version}`;
    const document = JSON.parse((await schemas.openApiDocument(path)) ?? '{}') as {
      paths: Record<string, Record<string, { parameters: { name: string }[] } & Json>>;
    };
    const scope = kind.namespaced ? '/namespaces/{namespace}' : '';
    const collection = `/${path}${scope}/${kind.plural}`;
    const write =
      kind.review === undefined
        ? document.paths[`${collection}/{name}`]?.['patch']
        : document.paths[collection]?.['post'];
    assert.deepEqual(write?.['x-kubernetes-group-version-kind'], {
      group: kind.group,
      kind: kind.kind,
      version: kind.version,
    });
    assert.ok(write.parameters.some(parameter => parameter.name === 'fieldValidation'));
  }
});

function isOfEveryVersion(kinds: unknown): boolean {
  return /"(DeleteOptions|WatchEvent)"/.test(JSON.stringify(kinds));
}

interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly group?: string;
    readonly version?: string;
    readonly namespaced: boolean;
    readonly singularName: string;
    readonly shortNames?: readonly string[];
    readonly categories?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

test(
  'kinds have the names, scope, verbs and subresources that discovery of a real server lists',
  { skip },
  () => {
    const standard = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
    for (const kind of schemas.kinds) {
      const name = kind.group === '' ? 'api__v1' : `apis__${kind.group}__${kind.version}`;
      const file = new URL(`discovery/${name}.json`, REFERENCE);
      if (!existsSync(file)) continue;
      const { resources } = JSON.parse(readFileSync(file, 'utf8')) as ResourceList;
      const found = resources.find(resource => resource.name === kind.plural);
      assert.ok(found, `${kind.plural} of ${name}`);
      assert.deepEqual(
        [kind.kind, kind.namespaced, kind.singular, kind.shortNames, kind.categories, kind.verbs ?? standard],
        [
          found.kind,
          found.namespaced,
          found.singularName,
          found.shortNames ?? [],
          found.categories ?? [],
          found.verbs,
        ],
      );
      for (const subresource of kind.subresources) {
        const listed = resources.find(resource => resource.name === `${kind.plural}/${subresource.name}`);
        assert.deepEqual(
          [subresource.kind, subresource.group, subresource.version, subresource.verbs],
          [listed?.kind, listed?.group, listed?.version, listed?.verbs],
          `${kind.plural}/${subresource.name}`,
        );
      }
    }
  },
);
