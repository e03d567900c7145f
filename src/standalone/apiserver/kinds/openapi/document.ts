import type { Kind, Subresource } from '../../kind.ts';
import type { Types } from '../schema/types.ts';
import { documentPathOf } from './document-path.ts';
import { pathsOf } from './operations.ts';
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
      object: writer.ref(kind.schema),
      // Nobody lists questions.
      list: writer.ref(kind.review === undefined ? `${kind.schema}List` : kind.schema),
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
