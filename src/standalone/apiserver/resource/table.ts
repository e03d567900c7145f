import type { ApiObject } from '../object.ts';
import { badRequest } from '../status.ts';
import type { Target } from './target.ts';

/** `?includeObject=`: what each row carries beside its cells. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject') ?? '';
  if (value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  throw badRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(value)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

/** Table of meta/v1 over `objects`; a watch names its columns only once. */
export function tableOf(
  target: Pick<Target, 'kind' | 'context' | 'request'>,
  objects: readonly ApiObject[],
  options: { readonly version: string; readonly listMeta: object; readonly withColumns: boolean },
): object {
  const include = includeObjectOf(target.request.query);
  const now = target.context.clock.now();
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${options.version}`,
    metadata: options.listMeta,
    columnDefinitions: options.withColumns ? target.kind.columns : null,
    rows: objects.map(object => ({
      cells: target.kind.cells(object, now),
      object: rowObject(object, include, options.version),
    })),
  };
}

function rowObject(object: ApiObject, include: IncludeObject, version: string): object | null {
  if (include === 'None') return null;
  return include === 'Object' ? object : partialOf(object, version);
}

/** PartialObjectMetadata of meta/v1: an object's metadata alone. */
export function partialOf(object: ApiObject, version: string): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}
