import type { Context } from '../context.ts';
import type { Kind, Subresource } from '../kind.ts';
import type { ApiRequest, User } from '../request.ts';
import { badRequest, unauthorized } from '../status.ts';
import { Objects } from '../store/objects.ts';
import { storageKey } from '../context.ts';

/** A request, resolved against the registry. */
export interface Target {
  readonly context: Context;
  readonly request: ApiRequest;
  readonly kind: Kind;
  readonly subresource: Subresource | undefined;
  readonly namespace: string;
  readonly name: string;
}

export const objectsOf = (target: Pick<Target, 'context' | 'kind'>): Objects =>
  new Objects(target.context.store, target.kind);
export const keyOfTarget = (target: Target): string => storageKey(target.namespace, target.name);

/** Who asks; nobody gets this far without. */
export function userOf(request: ApiRequest): User {
  if (request.user === undefined) throw unauthorized();
  return request.user;
}

/** `?dryRun=All`: everything but the write. */
export function isDryRun(target: Target): boolean {
  const values = target.request.query.getAll('dryRun').filter(value => value !== '');
  if (values.some(value => value !== 'All')) {
    throw badRequest(`invalid dryRun value ${JSON.stringify(values[0])}: supported values: "All"`);
  }
  return values.length > 0;
}

/** A query parameter that has to be a whole number of at least 0; undefined if absent. */
export function numberParameter(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`invalid value ${JSON.stringify(text)} for query parameter ${name}`);
  return Number(text);
}

/** As strconv.ParseBool reads it, with an empty value (`?watch`) as true. */
export function booleanParameter(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (['', '1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  throw badRequest(`invalid value ${JSON.stringify(text)} for query parameter ${name}`);
}
