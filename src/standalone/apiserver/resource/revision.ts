import { StatusError, badRequest, tooLargeRevision } from '../status.ts';
import type { Store } from '../store/store.ts';

/** A resourceVersion parameter: undefined where it is absent or empty, 0 for "any". */
export function revisionParameter(query: URLSearchParams, store: Store): number | undefined {
  const text = query.get('resourceVersion');
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(`Invalid value: ${JSON.stringify(text)}: resourceVersion is not a number`);
  const revision = Number(text);
  if (revision > store.revision) throw tooLargeRevision(revision, store.revision);
  return revision;
}

export type Match = 'Exact' | 'NotOlderThan' | undefined;

export function matchParameter(query: URLSearchParams): Match {
  const text = query.get('resourceVersionMatch') ?? '';
  if (text === '') return undefined;
  if (text === 'Exact' || text === 'NotOlderThan') return text;
  throw badRequest(
    `resourceVersionMatch: Unsupported value: ${JSON.stringify(text)}: supported values: "Exact", "NotOlderThan", ""`,
  );
}

export const forbiddenOption = (message: string): StatusError =>
  new StatusError(422, 'Invalid', `ListOptions.meta.k8s.io "" is invalid: ${message}`);
