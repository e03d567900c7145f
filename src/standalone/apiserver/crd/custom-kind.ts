import { Findings } from '../kinds/validation/findings.ts';
import { rootOf } from '../kinds/validation/place.ts';
import type { Place } from '../kinds/validation/place.ts';
import { age } from '../kinds/print/duration.ts';
import { AGE, NAME, ageOf, nameOf } from '../kinds/print/columns.ts';
import { storedVersion } from '../kinds/apiextensions/custom-resource-definition.ts';
import type { OwnershipSchema } from '../fields/ownership-schema.ts';
import type { FieldError, Kind, Subresource, TableColumn } from '../kind.ts';
import { isFields } from '../object.ts';
import type { ApiObject, Fields } from '../object.ts';
import { checkObject } from './check-value.ts';
import { defaulted } from './defaults.ts';
import { parseJsonPath, valuesAt } from './json-path.ts';
import { customOwnership } from './ownership.ts';
import { readSchema } from './structural-schema.ts';
import type { StructuralSchema } from './structural-schema.ts';
import { pruned, unknownIn } from './unknown.ts';

/** What checks `x-kubernetes-validations`; it is loaded with the first definition that has some. */
export interface RuleChecker {
  check(schema: StructuralSchema, found: Findings, object: Place, before: unknown): void;
  /** True if there is a rule anywhere in the schema. */
  has(schema: StructuralSchema): boolean;
}

export interface CustomKindParts {
  readonly metadata: OwnershipSchema;
  readonly rules: RuleChecker;
}

/** One kind for each version that a definition serves. */
export function customKinds(definition: ApiObject, parts: CustomKindParts): readonly Kind[] {
  const spec = rootOf(definition).child('spec');
  const versions = spec.child('versions').items();
  const stored = storedVersion(definition);
  return versions
    .filter(version => version.child('served').flag)
    .map(version => customKind(spec, version, { stored, several: versions.length > 1 }, parts));
}

const schemaOf = (version: Place): Fields => version.child('schema').child('openAPIV3Schema').fields;

/** `io.k8s.networking.gateway.v1.HTTPRoute`: the group backwards, the version, the kind. */
const schemaName = (group: string, version: string, kind: string): string =>
  `${group.split('.').toReversed().join('.')}.${version}.${kind}`;

function customKind(
  spec: Place,
  version: Place,
  storage: { readonly stored: string; readonly several: boolean },
  parts: CustomKindParts,
): Kind {
  const [group, names] = [spec.child('group').text, spec.child('names')];
  const schema = readSchema(schemaOf(version));
  const hasStatus = version.child('subresources').child('status').present;
  const name = version.child('name').text;
  const kind = names.child('kind').text;
  return {
    group,
    version: name,
    kind,
    listKind: names.child('listKind').text,
    plural: names.child('plural').text,
    singular: names.child('singular').text,
    shortNames: names.child('shortNames').texts,
    categories: names.child('categories').texts,
    namespaced: spec.child('scope').text === 'Namespaced',
    subresources: subresourcesOf(version, kind),
    ...(storage.several ? { view: viewOf(group, name, storage.stored) } : {}),
    ...schemaBehaviour(schema, parts),
    strategy: {
      statusFields: hasStatus ? ['status'] : [],
      countsGenerations: true,
      allowsUnconditionalUpdate: false,
      allowsCreateOnUpdate: false,
      ...(version.child('deprecated').flag ? { warnings: () => [deprecation(version, group, kind)] } : {}),
    },
    fieldSelectors: Object.fromEntries(
      version
        .child('selectableFields')
        .items()
        .map(
          selectable => [selectable.child('jsonPath').text.replace(/^\./, ''), textAt(selectable)] as const,
        ),
    ),
    ...printing(version),
    openApi: schemaOf(version),
    schema: schemaName(group, name, kind),
  };
}

function schemaBehaviour(
  schema: StructuralSchema,
  parts: CustomKindParts,
): Pick<
  Kind,
  'typeErrors' | 'unknownFields' | 'withoutUnknownFields' | 'withDefaults' | 'validate' | 'ownership'
> {
  let ownership: OwnershipSchema | undefined;
  return {
    // Types beneath the head are the schema's to check: it says all that is wrong at once.
    typeErrors: () => [],
    unknownFields: object => unknownIn(schema, object).map(path => `unknown field ${JSON.stringify(path)}`),
    withoutUnknownFields: object => pruned(schema, object),
    withDefaults: object => defaulted(schema, object),
    validate: (object, before) => findingsOf(schema, parts, object, before),
    ownership: () => (ownership ??= customOwnership(schema, parts.metadata)),
  };
}

/** Findings after which an upstream server asks no rules. */
const BLOCKING: readonly FieldError['type'][] = [
  'NotSupported',
  'Required',
  'TooLong',
  'TooMany',
  'TypeInvalid',
];
const UNASKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

function findingsOf(
  schema: StructuralSchema,
  parts: CustomKindParts,
  object: ApiObject,
  before: ApiObject | undefined,
): readonly FieldError[] {
  const found = new Findings();
  checkObject(schema, found, rootOf(object));
  // Rules rely on the types that the schema says; other findings do not keep them from being asked.
  if (!found.errors.some(({ type }) => BLOCKING.includes(type))) {
    parts.rules.check(schema, found, rootOf(object), before);
  } else if (parts.rules.has(schema)) {
    found.add({ type: 'Invalid', field: '<nil>', value: null, detail: UNASKED });
  }
  return found.errors;
}

/** Versions of one kind differ in their name alone (conversion: None). */
function viewOf(group: string, version: string, stored: string): NonNullable<Kind['view']> {
  const named = (object: ApiObject, name: string): ApiObject => ({
    ...object,
    apiVersion: `${group}/${name}`,
  });
  return { toStorage: object => named(object, stored), fromStorage: object => named(object, version) };
}

function deprecation(version: Place, group: string, kind: string): string {
  const own = version.child('deprecationWarning').text;
  return own === '' ? `${group}/${version.child('name').text} ${kind} is deprecated` : own;
}

function subresourcesOf(version: Place, kind: string): readonly Subresource[] {
  const subresources = version.child('subresources');
  const scale = subresources.child('scale');
  const path = (name: string) =>
    scale
      .child(name)
      .text.split('.')
      .filter(part => part !== '');
  const selector = scale.child('labelSelectorPath').text;
  const status: Subresource = { name: 'status', kind, verbs: ['get', 'patch', 'update'] };
  return [
    ...(subresources.child('status').present ? [status] : []),
    ...(scale.present
      ? [
          {
            name: 'scale',
            group: 'autoscaling',
            version: 'v1',
            kind: 'Scale',
            verbs: ['get', 'patch', 'update'],
            scale: {
              specReplicas: path('specReplicasPath'),
              statusReplicas: path('statusReplicasPath'),
              selector: (object: ApiObject) => (selector === '' ? '' : firstText(object, selector)),
            },
          } as const,
        ]
      : []),
  ];
}

function firstText(object: ApiObject, path: string): string {
  const [value] = valuesAt(object, parseJsonPath(path) ?? []);
  return value === undefined || value === null || isFields(value) ? '' : textOf(value);
}

const textAt = (selectable: Place) => {
  const path = selectable.child('jsonPath').text;
  return (object: ApiObject) => firstText(object, path);
};

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

/** Name, the definition's own columns, and the age where it has no columns of its own. */
function printing(version: Place): Pick<Kind, 'columns' | 'cells'> {
  const own = version.child('additionalPrinterColumns').items();
  if (own.length === 0) {
    return {
      columns: [NAME, AGE],
      cells: (object, now) => [nameOf(rootOf(object)), ageOf(rootOf(object), now)],
    };
  }
  const columns = own.map(column => ({
    column: {
      name: column.child('name').text,
      // The types were checked with the definition.
      type: column.child('type').text as TableColumn['type'],
      format: column.child('format').text,
      description: column.child('description').text,
      priority: column.child('priority').number,
    },
    steps: parseJsonPath(column.child('jsonPath').text) ?? [],
  }));
  return {
    columns: [NAME, ...columns.map(({ column }) => column)],
    cells: (object, now) => [
      nameOf(rootOf(object)),
      ...columns.map(({ column, steps }) => cellOf(column.type, valuesAt(object, steps), now)),
    ],
  };
}

/** The first value; of lists and objects their JSON. Null where there is nothing, or another type. */
function cellOf(type: TableColumn['type'], values: readonly unknown[], now: number): unknown {
  const [value] = values;
  if (value === undefined || value === null) return type === 'date' ? '<unknown>' : null;
  switch (type) {
    case 'date':
      return age(value, now);
    case 'integer':
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string':
      return values.length > 1 ? values.map(textOf).join(',') : textOf(value);
    default:
      return type satisfies never;
  }
}
