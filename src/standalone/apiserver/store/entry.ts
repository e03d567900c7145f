import type { ApiObject } from '../object.ts';

/** One object as it was after one write. */
export interface Entry {
  /** `namespace/name`, or `name` for cluster-wide kinds. */
  readonly key: string;
  readonly revision: number;
  readonly object: ApiObject;
  /** The object as JSON: what the log keeps and what answers are made of. */
  readonly text: string;
}

export type ChangeType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** One acknowledged write. For a deletion, `after` is the last state, with the deletion's revision. */
export interface Change {
  readonly type: ChangeType;
  readonly storage: string;
  readonly before: Entry | undefined;
  readonly after: Entry;
}

/** The object with the revision as its resourceVersion, and the text that goes with it. */
export function entryOf(key: string, object: ApiObject, revision: number): Entry {
  const stamped = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
  return { key, revision, object: stamped, text: JSON.stringify(stamped) };
}
