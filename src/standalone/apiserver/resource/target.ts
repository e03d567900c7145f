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
  return target.request.query.getAll('dryRun').some(value => value !== '');
}

/** A query parameter that has to be a whole number; undefined if absent. */
export function numberParameter(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d{1,15}$/.test(text))
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** As a real server reads it: all but `0` and `false` is true, an empty value (`?watch`) as well. */
export function booleanParameter(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  return text === null ? undefined : text !== '0' && text.toLowerCase() !== 'false';
}
