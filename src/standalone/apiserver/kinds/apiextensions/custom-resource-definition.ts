import { checkValue } from '../../crd/check-value.ts';
import { readSchema } from '../../crd/structural-schema.ts';
import type { StructuralSchema } from '../../crd/structural-schema.ts';
import { parseJsonPath } from '../../crd/json-path.ts';
import { isBeyondRe2 } from '../../../../base/pattern/pattern.ts';
import type { Fields } from '../../object.ts';
import { fill, within, withinEach } from '../defaults.ts';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { NAME, column, nameOf } from '../print/columns.ts';
import { dnsLabel1035, dnsSubdomain } from '../text/names.ts';
import { Findings } from '../validation/findings.ts';
import { rootOf } from '../validation/place.ts';
import { Place } from '../validation/place.ts';

/** Its objects are removed before it goes itself. */
export const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

const MOST_VERSIONS = 50;

export const CUSTOM_RESOURCE_DEFINITION: Definition = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  schema: 'io.k8s.apiextensions.v1.CustomResourceDefinition',
  namespaced: false,
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  subresources: [statusOf('CustomResourceDefinition')],
  defaults: object => within(fill(object, { spec: {} }), 'spec', withSpec),
  validate: (found, object, before, subresource) => {
    if (subresource === 'status') return;
    checkSpec(found, object);
    if (before !== undefined) checkUpdate(found, object.child('spec'), before.child('spec'));
  },
  strategy: {
    statusFields: ['status'],
    countsGenerations: true,
    onCreate: object => ({
      ...object,
      metadata: {
        ...object.metadata,
        finalizers: [...new Set([...(object.metadata.finalizers ?? []), CLEANUP])],
      },
      status: {
        conditions: [],
        acceptedNames: { plural: '', kind: '' },
        storedVersions: [storedVersion(object)],
      },
    }),
  },
  table: {
    columns: [NAME, column('Created At', 'When it was created.')],
    cells: object => [nameOf(object), object.child('metadata').child('creationTimestamp').text],
  },
};

/** The version that objects are kept in. */
export function storedVersion(definition: Fields): string {
  const versions = rootOf(definition).child('spec').child('versions').items();
  return (versions.find(version => version.child('storage').flag) ?? versions[0])?.child('name').text ?? '';
}

function withSpec(spec: Fields): Fields {
  const filled = fill(spec, { conversion: { strategy: 'None' } });
  const named = within(filled, 'names', names => {
    const kind = typeof names['kind'] === 'string' ? names['kind'] : '';
    return fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` });
  });
  return withinEach(named, 'versions', version => version);
}

function checkSpec(found: Findings, object: Place): void {
  const spec = object.child('spec');
  const [group, names, scope] = [spec.child('group'), spec.child('names'), spec.child('scope')];
  if (group.text === '') found.required(group);
  else found.complaints(group, dnsSubdomain);
  if (group.text !== '' && !group.text.includes('.'))
    found.invalid(group, 'should be a domain with at least one dot');
  const expected = `${names.child('plural').text}.${group.text}`;
  const name = object.child('metadata').child('name');
  if (name.text !== expected) found.invalid(name, `must be spec.names.plural+"."+spec.group`);
  for (const field of ['plural', 'singular']) {
    const place = names.child(field);
    if (place.text === '' && field === 'plural') found.required(place);
    else if (place.text !== '') found.complaints(place, dnsLabel1035);
  }
  for (const short of names.child('shortNames').items()) found.complaints(short, dnsLabel1035);
  for (const field of ['kind', 'listKind']) {
    const place = names.child(field);
    if (place.text === '') found.required(place);
    else
      for (const complaint of dnsLabel1035(place.text.toLowerCase()))
        found.invalid(place, `may have mixed case, but should otherwise match: ${complaint}`);
  }
  if (names.child('kind').text !== '' && names.child('kind').text === names.child('listKind').text) {
    found.invalid(names.child('listKind'), 'kind and listKind may not be the same');
  }
  found.oneOf(scope, ['Cluster', 'Namespaced']);
  const conversion = spec.child('conversion').child('strategy');
  if (conversion.text === 'Webhook') {
    found.invalid(conversion, 'webhooks are not called here: only None is supported', conversion.text);
  } else found.oneOf(conversion, ['None', 'Webhook']);
  if (spec.child('preserveUnknownFields').flag) {
    found.invalid(spec.child('preserveUnknownFields'), 'must be false');
  }
  checkVersions(found, spec.child('versions'));
}

function checkVersions(found: Findings, versions: Place): void {
  const items = versions.items();
  if (items.length === 0) found.required(versions, 'must have at least one version');
  if (items.length > MOST_VERSIONS) {
    found.tooMany(versions, MOST_VERSIONS);
    return;
  }
  const seen = new Set<string>();
  for (const version of items) {
    const name = version.child('name');
    found.complaints(name, dnsLabel1035);
    if (seen.has(name.text)) found.duplicate(name);
    seen.add(name.text);
    const schema = version.child('schema').child('openAPIV3Schema');
    // The one schema of a definition is upstream's `validation` for all of its versions.
    const isOnly = items.length === 1;
    if (schema.present)
      checkSchema(found, isOnly ? new Place('spec.validation.openAPIV3Schema', schema.value) : schema);
    else found.required(schema, 'schemas are required');
    for (const column of version.child('additionalPrinterColumns').items()) checkColumn(found, column);
    const scale = version.child('subresources').child('scale');
    if (scale.present) {
      for (const path of ['specReplicasPath', 'statusReplicasPath']) checkPath(found, scale.child(path));
    }
    for (const selectable of version.child('selectableFields').items())
      checkPath(found, selectable.child('jsonPath'));
  }
  const stored = items.filter(version => version.child('storage').flag);
  if (items.length > 0 && stored.length !== 1) {
    found.invalid(versions, 'must have exactly one version marked as storage version', versions.list.length);
  }
}

function checkColumn(found: Findings, column: Place): void {
  if (column.child('name').text === '') found.required(column.child('name'));
  found.oneOf(column.child('type'), ['boolean', 'date', 'integer', 'number', 'string']);
  checkPath(found, column.child('jsonPath'));
}

function checkPath(found: Findings, path: Place): void {
  if (path.text === '') found.required(path);
  else if (parseJsonPath(path.text) === undefined) {
    found.invalid(path, 'must be a simple json path starting with .');
  }
}

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const DEEPEST = 60;
const MOST_FOUND = 50;

function checkSchema(found: Findings, place: Place): void {
  const root = readSchema(place.value);
  if (root.type !== 'object') found.invalid(place.child('type'), 'must be object at the root', root.type);
  checkStructural(found, place, root, 0);
}

/** What is filled in has to fit itself. */
function checkDefault(found: Findings, place: Place, schema: StructuralSchema): void {
  if (!place.present) return;
  const wrong = new Findings();
  checkValue(schema, wrong, new Place('', place.value));
  for (const { value, detail } of wrong.errors) {
    found.add({ type: 'Invalid', field: place.path, value: value ?? null, detail });
  }
}

/** A schema is structural if each place says its type, outside of conditions, and what is unknown is said to be. */
function checkStructural(found: Findings, place: Place, schema: StructuralSchema, depth: number): void {
  if (found.errors.length > MOST_FOUND) return;
  if (depth > DEEPEST) {
    found.invalid(place, `must not be nested deeper than ${DEEPEST}`, 'object');
    return;
  }
  checkDefault(found, place.child('default'), schema);
  const preserve = place.child('x-kubernetes-preserve-unknown-fields');
  if (preserve.value === false) found.invalid(preserve, 'must be true or undefined');
  const type = place.child('type');
  if (schema.type === '') {
    if (!schema.intOrString && !schema.preservesUnknown) {
      found.required(
        type,
        depth === 0 ? 'must not be empty at the root' : 'must not be empty for specified object fields',
      );
    }
  } else if (!TYPES.includes(schema.type)) found.notSupported(type, TYPES);
  if (schema.type === 'array' && schema.items === undefined) {
    found.required(place.child('items'), 'must be specified');
  }
  if (schema.listType === 'map' && schema.listKeys.length === 0) {
    found.required(
      place.child('x-kubernetes-list-map-keys'),
      'must not be empty if x-kubernetes-list-type is map',
    );
  }
  if (schema.properties.size > 0 && schema.additional !== undefined) {
    found.forbidden(
      place.child('additionalProperties'),
      'additionalProperties and properties are mutual exclusive',
    );
  }
  const pattern = place.child('pattern');
  if (isBeyondRe2(pattern.text)) {
    found.invalid(
      pattern,
      "must be a valid regular expression, but isn't: lookaround and backreferences are not supported",
      pattern.text,
    );
  }
  for (const [index, rule] of schema.rules.entries()) {
    if (rule.rule === '')
      found.required(
        place.child('x-kubernetes-validations').item(index).child('rule'),
        'rule is not specified',
      );
  }
  for (const [name, child] of schema.properties) {
    checkStructural(found, place.child('properties').key(name), child, depth + 1);
  }
  if (schema.additional !== undefined && schema.additional !== true) {
    checkStructural(found, place.child('additionalProperties'), schema.additional, depth + 1);
  }
  if (schema.items !== undefined) checkStructural(found, place.child('items'), schema.items, depth + 1);
}

function checkUpdate(found: Findings, spec: Place, before: Place): void {
  found.immutable(spec.child('group'), before.child('group'));
  found.immutable(spec.child('scope'), before.child('scope'));
  for (const field of ['plural', 'kind']) {
    found.immutable(spec.child('names').child(field), before.child('names').child(field));
  }
}
