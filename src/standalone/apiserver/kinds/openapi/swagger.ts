import type { Kind } from '../../kind.ts';
import { isFields } from '../../object.ts';
import type { Types } from '../schema/types.ts';
import { documentPathOf } from './document-path.ts';
import { openApiDocument } from './document.ts';
import type { Schema } from './schema.ts';

/** The OpenAPI v2 document of all kinds, made of the v3 documents of their group versions. */
export function swaggerDocument(types: Types, kinds: readonly Kind[]): Schema {
  const paths: Record<string, Schema> = {};
  const definitions: Record<string, Schema> = {};
  for (const path of new Set(kinds.map(documentPathOf))) {
    const document = openApiDocument(types, kinds, path);
    for (const [url, item] of entriesIn(document?.['paths'])) {
      paths[url] = pathItem(url, item, kindAt(url, kinds));
    }
    for (const [name, schema] of entriesIn(fieldsAt(document, 'components')['schemas'])) {
      definitions[name] ??= schemaIn2(schema);
    }
  }
  const info = { title: 'Kubernetes', version: 'unversioned' };
  return { swagger: '2.0', info, paths, definitions };
}

function kindAt(url: string, kinds: readonly Kind[]): Kind | undefined {
  const steps = url.split('/').filter(step => step !== '' && !step.startsWith('{'));
  const [root, first = '', second = '', ...rest] = steps;
  const [group, version, named] = root === 'api' ? ['', first, [second, ...rest]] : [first, second, rest];
  const plurals = named[0] === 'namespaces' && named.length > 1 ? named.slice(1) : named;
  const find = (plural: string | undefined) =>
    kinds.find(kind => kind.group === group && kind.version === version && kind.plural === plural);
  return find(plurals[0]) ?? find(named[0]);
}

const METHODS = ['get', 'put', 'post', 'delete', 'patch'];

function pathItem(url: string, item: Schema, kind: Kind | undefined): Schema {
  const operations = METHODS.filter(method => isFields(item[method])).map(
    method => [method, operation(url, fieldsAt(item, method), kind)] as const,
  );
  return {
    ...Object.fromEntries(operations),
    ...(Array.isArray(item['parameters']) ? { parameters: parametersIn2(item['parameters']) } : {}),
  };
}

function operation(url: string, of: Schema, kind: Kind | undefined): Schema {
  const bodies = entriesIn(fieldsAt(of, 'requestBody')['content']);
  const [first] = bodies;
  const action = String(of['x-kubernetes-action']);
  const schema = first === undefined ? undefined : schemaIn2(fieldsAt(first[1], 'schema'));
  const required = action === 'post' || action === 'put' || action === 'patch';
  const body = { in: 'body', name: 'body', ...(required ? { required } : {}), schema };
  const parameters = [
    ...(schema === undefined ? [] : [body]),
    ...parametersIn2(Array.isArray(of['parameters']) ? of['parameters'] : []),
  ];
  const responses = entriesIn(of['responses']).map(([code, response]) => {
    const [content] = entriesIn(response['content']);
    const shown = content === undefined ? {} : { schema: schemaIn2(fieldsAt(content[1], 'schema')) };
    return [code, { description: response['description'], ...shown }] as const;
  });
  return {
    operationId: operationId(url, action, kind),
    consumes: bodies.length === 0 ? ['*/*'] : bodies.map(([type]) => type),
    produces: ['application/json'],
    ...(parameters.length === 0 ? {} : { parameters }),
    responses: Object.fromEntries([...responses, ['401', { description: 'Unauthorized' }] as const]),
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': of['x-kubernetes-group-version-kind'],
  };
}

const VERBS: Readonly<Record<string, string>> = {
  get: 'read',
  post: 'create',
  put: 'replace',
  deletecollection: 'delete',
};

/** `readAppsV1NamespacedDeploymentStatus`, as clients that are generated from it call their methods. */
function operationId(url: string, action: string, kind: Kind | undefined): string {
  const [, root, ...steps] = url.split('/');
  const [group, version] = root === 'api' ? ['core', steps[0]] : [steps[0], steps[1]];
  const rest = steps.slice(root === 'api' ? 1 : 2);
  const isNamespaced = rest[0] === 'namespaces' && rest[1] === '{namespace}' && rest.length > 2;
  const inner = isNamespaced ? rest.slice(2) : rest;
  const isForAll = kind?.namespaced === true && !isNamespaced;
  const groupName = String(group).replace(/\.k8s\.io$/, '');
  return [
    VERBS[action] ?? action,
    ...groupName.split('.').map(capital),
    capital(String(version)),
    action === 'deletecollection' ? 'Collection' : '',
    isNamespaced ? 'Namespaced' : '',
    kind?.kind ?? '',
    capital(inner[2] ?? ''),
    isForAll ? 'ForAllNamespaces' : '',
  ].join('');
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** What stands in a parameter's schema stands in the parameter itself. */
function parametersIn2(parameters: readonly unknown[]): readonly Schema[] {
  return parameters.filter(isFields).map(({ schema, ...rest }) => ({
    ...rest,
    ...(isFields(schema) ? schema : {}),
  }));
}

/** Words that OpenAPI v2 does not have; what they say is checked by the server all the same. */
const NOT_IN_2 = ['oneOf', 'anyOf', 'not', 'nullable', 'allOf'];

const STRUCTURE: readonly string[] = ['properties', 'items', 'required'];

function schemaIn2(schema: Schema): Schema {
  const reference = referenceIn(schema);
  if (reference !== undefined) {
    const { description } = schema;
    const said = typeof description === 'string' ? { description } : {};
    return { ...said, $ref: reference, ...extensionsOf(schema) };
  }
  // Clients of v2 know no exception from the properties that a schema names: upstream leaves them out then.
  const takesAnything = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (NOT_IN_2.includes(name)) continue;
    if (takesAnything && STRUCTURE.includes(name)) continue;
    if (name === 'properties') {
      out[name] = Object.fromEntries(
        entriesIn(value).map(([field, inner]) => [field, schemaIn2(inner)] as const),
      );
    } else if ((name === 'items' || name === 'additionalProperties') && isFields(value)) {
      out[name] = schemaIn2(value);
    } else out[name] = value;
  }
  // A number or a text: v2 has no choice of types.
  if (out['type'] === undefined && Array.isArray(schema['oneOf'])) out['type'] = 'string';
  return out;
}

function referenceIn(schema: Schema): string | undefined {
  const all = schema['allOf'];
  const [only] = Array.isArray(all) && all.length === 1 ? (all as readonly unknown[]) : [schema];
  const reference = isFields(only) ? only['$ref'] : undefined;
  if (typeof reference !== 'string') return undefined;
  return reference.replace('#/components/schemas/', '#/definitions/');
}

const extensionsOf = (schema: Schema): Schema =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => name.startsWith('x-')));

const fieldsAt = (of: unknown, name: string): Schema => {
  const value = isFields(of) ? of[name] : undefined;
  return isFields(value) ? value : {};
};

const entriesIn = (of: unknown): readonly (readonly [string, Schema])[] =>
  Object.entries(isFields(of) ? of : {}).filter((pair): pair is [string, Schema] => isFields(pair[1]));
