import type { ApiObject } from '../object.ts';
import { parseFieldSelector } from '../select/field-selector.ts';
import { parseLabelSelector } from '../select/label-selector.ts';
import type { Target } from './target.ts';

/** Which objects a list, a watch or a collection's deletion is about. */
export interface Selection {
  /** Undefined: all in scope. */
  readonly matches: ((object: ApiObject) => boolean) | undefined;
  /** Keys of the scope begin with this: a namespace, or one object. */
  readonly prefix: string;
  readonly inScope: (key: string) => boolean;
}

const NO_LABELS = {};

export function selectionOf(target: Target): Selection {
  const { query } = target.request;
  const labels = parseLabelSelector(query.get('labelSelector') ?? undefined);
  const fields = parseFieldSelector(query.get('fieldSelector') ?? undefined, target.kind);
  const name = target.name === '' ? fields?.name : target.name;
  const scope = target.namespace === '' ? '' : `${target.namespace}/`;
  const isExact = name !== undefined && (target.namespace !== '' || !target.kind.namespaced);
  const prefix = isExact ? scope + name : scope;
  const matches =
    labels === undefined && fields === undefined
      ? undefined
      : (object: ApiObject) =>
          labels?.(object.metadata.labels ?? NO_LABELS) !== false && fields?.matches(object) !== false;
  return { matches, prefix, inScope: isExact ? key => key === prefix : key => key.startsWith(prefix) };
}
