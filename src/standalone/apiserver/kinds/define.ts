import type { ApiObject, Fields } from '../object.ts';
import type { Kind, StorageView, Strategy, Subresource, TableColumn, Verb } from '../kind.ts';
import { typeErrors } from './schema/check.ts';
import { mergeSchema } from './schema/merge.ts';
import { normalise } from './schema/normalise.ts';
import { ownershipSchema } from './schema/ownership.ts';
import { checkStructure } from './schema/structural.ts';
import { withStructuralDefaults } from './schema/structural-defaults.ts';
import type { Types } from './schema/types.ts';
import { unknownFields, withoutUnknownFields } from './schema/unknown.ts';
import { Findings } from './validation/findings.ts';
import { rootOf } from './validation/place.ts';
import type { Place } from './validation/place.ts';

/** What one file says about a built-in kind; the rest follows from its table. */
export interface Definition {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  /** Full name of its type in the tables. */
  readonly schema: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly nameFormat?: NonNullable<Kind['nameFormat']>;
  readonly verbs?: readonly Verb[];
  readonly subresources?: readonly Subresource[];
  readonly storage?: string;
  /** How it differs in form from the kind whose storage it shares. */
  readonly view?: StorageView;
  /** Sets what is absent; gets an object in canonical form. */
  readonly defaults?: (object: Fields) => Fields;
  /** Adds what is wrong; `before` is set on updates. */
  readonly validate?: (
    found: Findings,
    object: Place,
    before: Place | undefined,
    subresource?: string,
  ) => void;
  readonly strategy?: Partial<Strategy>;
  readonly review?: NonNullable<Kind['review']>;
  /** Selectable fields: their names, as `spec.nodeName`, where the name is the path. */
  readonly selectors?: readonly string[];
  /** Selectable fields that are read otherwise than by their path. */
  readonly computedSelectors?: Readonly<Record<string, (object: Place) => string>>;
  /** Columns after `Name`, and what stands in them. */
  readonly table: Table;
}

export interface Table {
  readonly columns: readonly TableColumn[];
  readonly cells: (object: Place, now: number) => readonly unknown[];
}

/** A built-in kind: its definition, and what its table of fields says about types, unknown fields and merging. */
export function defineKind(types: Types, definition: Definition): Kind {
  const { schema, nameFormat, verbs, storage, view, review } = definition;
  return {
    group: definition.group,
    version: definition.version,
    kind: definition.kind,
    listKind: `${definition.kind}List`,
    plural: definition.plural,
    singular: definition.kind.toLowerCase(),
    shortNames: definition.shortNames ?? [],
    categories: definition.categories ?? [],
    namespaced: definition.namespaced,
    ...(nameFormat === undefined ? {} : { nameFormat }),
    ...(verbs === undefined ? {} : { verbs }),
    ...(storage === undefined ? {} : { storage }),
    ...(view === undefined ? {} : { view }),
    ...(review === undefined ? {} : { review }),
    subresources: definition.subresources ?? [],
    schema,
    ...behaviourOf(types, definition),
    strategy: {
      statusFields: [],
      countsGenerations: false,
      allowsUnconditionalUpdate: true,
      allowsCreateOnUpdate: false,
      ...definition.strategy,
    },
    fieldSelectors: fieldSelectors(definition),
    columns: definition.table.columns,
    cells: (object, now) => definition.table.cells(rootOf(object), now),
  };
}

type Behaviour = Pick<
  Kind,
  | 'typeErrors'
  | 'unknownFields'
  | 'withoutUnknownFields'
  | 'withDefaults'
  | 'validate'
  | 'mergeSchema'
  | 'ownership'
>;

function behaviourOf(types: Types, definition: Definition): Behaviour {
  const { schema } = definition;
  return {
    unknownFields: object => unknownFields(types, schema, object),
    withoutUnknownFields: object => withoutUnknownFields(types, schema, object),
    ...(definition.review === undefined ? { ownership: once(() => ownershipSchema(types, schema)) } : {}),
    ...(types.groupOf(schema)?.custom === true
      ? customBehaviour(types, definition)
      : ownBehaviour(types, definition)),
  };
}

/** The tables are read when they are needed first. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A built-in type is kept in typed form: its JSON is refused where it does not fit, and made canonical. */
function ownBehaviour(
  types: Types,
  definition: Definition,
): Omit<Behaviour, 'unknownFields' | 'withoutUnknownFields' | 'ownership'> {
  const { schema, defaults, validate } = definition;
  return {
    typeErrors: object => typeErrors(types, schema, object),
    withDefaults: object => {
      const canonical = normalise(types, schema, object);
      // Defaulting adds fields beneath the top level and keeps what an ApiObject has.
      return defaults === undefined ? canonical : (defaults(canonical) as ApiObject);
    },
    validate: (object, before, subresource) => {
      const found = new Findings();
      validate?.(found, rootOf(object), before === undefined ? undefined : rootOf(before), subresource);
      return found.errors;
    },
    mergeSchema: mergeSchema(types, schema),
  };
}

/** A custom resource stays as it is written; its schema checks and defaults it, and its rules run on what has its form. */
function customBehaviour(
  types: Types,
  definition: Definition,
): Omit<Behaviour, 'unknownFields' | 'withoutUnknownFields' | 'ownership'> {
  const { schema, validate } = definition;
  return {
    typeErrors: ({ apiVersion, kind, metadata }) => typeErrors(types, schema, { apiVersion, kind, metadata }),
    withDefaults: object => withStructuralDefaults(types, schema, object),
    validate: (object, before, subresource) => {
      const found = new Findings();
      checkStructure(types, schema, found, rootOf(object));
      if (found.errors.length === 0) {
        validate?.(found, rootOf(object), before === undefined ? undefined : rootOf(before), subresource);
      }
      return found.errors;
    },
  };
}

/** `/status` of a kind, as discovery lists it. */
export const statusOf = (kind: string): Subresource => ({
  name: 'status',
  kind,
  verbs: ['get', 'patch', 'update'],
});

function fieldSelectors(definition: Definition): Kind['fieldSelectors'] {
  const byPath = (definition.selectors ?? []).map(name => {
    const path = name.split('.');
    const read = (object: ApiObject) => {
      const place = path.reduce((at, step) => at.child(step), rootOf(object));
      return place.present ? String(place.value) : '';
    };
    return [name, read] as const;
  });
  const computed = Object.entries(definition.computedSelectors ?? {}).map(
    ([name, read]) => [name, (object: ApiObject) => read(rootOf(object))] as const,
  );
  return Object.fromEntries([...byPath, ...computed]);
}
