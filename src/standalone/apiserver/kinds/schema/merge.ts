import type { MergeSchema } from '../../kind.ts';
import type { Field, Shape } from './notation.ts';
import type { Types } from './types.ts';

/** Merge keys and strategies of a type, node by node as a patch walks into it. */
export function mergeSchema(types: Types, typeName: string): MergeSchema {
  return nodeOf(types, { is: 'object', type: typeName }, undefined);
}

function nodeOf(types: Types, shape: Shape, field: Field | undefined): MergeSchema {
  return {
    field: name => {
      if (shape.is === 'map') return nodeOf(types, shape.of, undefined);
      if (shape.is !== 'object') return undefined;
      const found = types.get(shape.type).fields.get(name);
      return found === undefined ? undefined : nodeOf(types, found.shape, found);
    },
    items: () => (shape.is === 'list' ? nodeOf(types, shape.of, undefined) : undefined),
    strategies: (field?.patchStrategies ?? []) as MergeSchema['strategies'],
    mergeKey: field?.mergeKey,
  };
}
