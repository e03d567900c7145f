import type { Kind, Subresource } from '../../kind.ts';
import type { Types } from '../schema/types.ts';
import { isFields } from '../../object.ts';
import { documentPathOf } from './document-path.ts';
import { pathsOf } from './operations.ts';
import type { References } from './operations.ts';
import { SchemaWriter } from './schema.ts';
import type { Schema } from './schema.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.';

/** The OpenAPI v3 document of one group version; undefined if no kind is in it. */
export function openApiDocument(types: Types, kinds: readonly Kind[], path: string): Schema | undefined {
  const own = kinds.filter(kind => documentPathOf(kind) === path);
  if (own.length === 0) return undefined;
  const writer = new SchemaWriter(types, groupVersionsOf(kinds));
  const shared = {
    status: writer.ref(`${META}Status`),
    deleteOptions: writer.ref(`${META}DeleteOptions`),
    patch: writer.define(`${META}Patch`, { description: 'A change to an object.', type: 'object' }),
  };
  writer.ref(`${META}WatchEvent`);
  const paths: Record<string, Schema> = {};
  for (const kind of own) {
    const references = {
      ...shared,
      takesStrategicMerge: kind.mergeSchema !== undefined,
      ...(kind.openApi === undefined ? tableRefs(writer, kind) : customRefs(writer, kind, kind.openApi)),
      bodyOf: (subresource: Subresource) => bodyOf(types, writer, kind, subresource),
    };
    Object.assign(paths, pathsOf(kind, references));
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'unversioned' },
    paths,
    components: { schemas: writer.schemas },
  };
}

type Refs = Pick<References, 'object' | 'list'>;

const tableRefs = (writer: SchemaWriter, kind: Kind): Refs => ({
  object: writer.ref(kind.schema),
  // Nobody lists questions.
  list: writer.ref(kind.review === undefined ? `${kind.schema}List` : kind.schema),
});

const HEAD = { apiVersion: { type: 'string' }, kind: { type: 'string' } };

/** A custom resource's own schema, with what every object has and the name that clients find it by. */
function customRefs(writer: SchemaWriter, kind: Kind, schema: Schema): Refs {
  const { group, version } = kind;
  const named = (name: string) => ({ 'x-kubernetes-group-version-kind': [{ group, version, kind: name }] });
  const properties = schema['properties'];
  const object = writer.define(kind.schema, {
    ...schema,
    properties: {
      ...(isFields(properties) ? properties : {}),
      ...HEAD,
      metadata: writer.ref(`${META}ObjectMeta`),
    },
    ...named(kind.kind),
  });
  const list = writer.define(`${kind.schema}List`, {
    description: `A list of ${kind.kind}.`,
    type: 'object',
    required: ['items'],
    properties: { ...HEAD, metadata: writer.ref(`${META}ListMeta`), items: { type: 'array', items: object } },
    ...named(kind.listKind),
  });
  return { object, list };
}

/** Streams (exec, attach, log …) have a body without a schema. */
function bodyOf(
  types: Types,
  writer: SchemaWriter,
  kind: Kind,
  subresource: Subresource,
): Schema | undefined {
  const group = subresource.group ?? kind.group;
  const version = subresource.version ?? kind.version;
  if (subresource.name === 'log') return undefined;
  const found = types.groups
    .filter(candidate => candidate.group === group && candidate.version === version)
    .map(candidate => types.find(candidate.prefix + subresource.kind))
    .find(type => type !== undefined);
  return found === undefined ? undefined : writer.ref(found.name);
}

function groupVersionsOf(kinds: readonly Kind[]): readonly { group: string; version: string }[] {
  const unique = new Map(
    kinds.map(kind => [documentPathOf(kind), { group: kind.group, version: kind.version }] as const),
  );
  return [...unique.values()];
}
