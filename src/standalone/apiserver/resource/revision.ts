import { badRequest, tooLargeRevision } from '../status.ts';
import type { Store } from '../store/store.ts';

/** A resourceVersion parameter: undefined where it is absent or empty, 0 for "any". */
export function revisionParameter(query: URLSearchParams, store: Store): number | undefined {
  const text = query.get('resourceVersion');
  if (text === null || text === '') return undefined;
  if (!/^\d{1,15}$/.test(text))
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  const revision = Number(text);
  if (revision > store.revision) throw tooLargeRevision(revision, store.revision);
  return revision;
}

export type Match = 'Exact' | 'NotOlderThan' | undefined;

/** What the options' rules have left over of it. */
export function matchParameter(query: URLSearchParams): Match {
  const text = query.get('resourceVersionMatch');
  return text === 'Exact' || text === 'NotOlderThan' ? text : undefined;
}
