import { FairleadError } from '../base/errors.ts';
import type { ObjectKey, Resource } from './resources.ts';
import type { KubeObject } from './types/meta.ts';

/** The URL path of a collection; without a namespace, of all namespaces. */
export function collectionPath(resource: Resource<KubeObject>, namespace?: string): string {
  const root =
    resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope =
    resource.namespaced && namespace !== undefined && namespace !== ''
      ? `/namespaces/${encodeURIComponent(namespace)}`
      : '';
  return `${root}${scope}/${resource.plural}`;
}

/** The URL path of an object or of its subresource. A namespaced object without a namespace is a caller's mistake. */
export function objectPath(resource: Resource<KubeObject>, key: ObjectKey, subresource?: string): string {
  if (key.name === '') {
    throw new FairleadError('kube/no-name', `A request for a ${resource.kind} names no object.`, {
      object: resource.kind,
      field: 'metadata.name',
    });
  }
  const path = `${collectionPath(resource, requireNamespace(resource, key))}/${encodeURIComponent(key.name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** The namespace to write an object of the resource to; undefined for cluster-scoped resources. */
export function requireNamespace(resource: Resource<KubeObject>, key: ObjectKey): string | undefined {
  if (!resource.namespaced) return undefined;
  if (key.namespace === undefined || key.namespace === '') {
    throw new FairleadError('kube/no-namespace', `A request for a ${resource.kind} names no namespace.`, {
      object: `${resource.kind}/${key.name}`,
      field: 'metadata.namespace',
    });
  }
  return key.namespace;
}

export type QueryValue = string | number | boolean | undefined | readonly string[];

/** `path?a=1&b=2`; undefined values are left out, arrays repeat their name. */
export function withQuery(path: string, query: Readonly<Record<string, QueryValue>>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue;
    if (Array.isArray(value)) for (const one of value as readonly string[]) parameters.append(name, one);
    else parameters.append(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? path : `${path}?${text}`;
}
