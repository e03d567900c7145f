import { createHash } from 'node:crypto';
import type { PodTemplateSpec } from '../../../kube/types/apps.ts';

/** apps/v1: the label that keeps the pods of a Deployment's ReplicaSets apart. */
export const TEMPLATE_HASH_LABEL = 'pod-template-hash';

/** Whether two templates make the same pods; the hash label, and fields that are empty in one and absent in the other, do not count. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return canonical(a) === canonical(b);
}

/**
 * The value of the hash label: ten letters and digits that are safe in names. Equal templates give equal hashes, also
 * after a restart; `collisionCount` gives another one when a name is taken.
 */
export function templateHash(template: PodTemplateSpec, collisionCount: number): string {
  const digest = createHash('sha256')
    .update(`${collisionCount} ${canonical(template)}`)
    .digest();
  return Array.from(digest.subarray(0, 10), byte => ALPHABET[byte % ALPHABET.length]).join('');
}

const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

function canonical(template: PodTemplateSpec): string {
  const labels = { ...template.metadata?.labels };
  delete labels[TEMPLATE_HASH_LABEL];
  const metadata = { ...template.metadata, labels };
  return JSON.stringify(withoutEmpty({ ...template, metadata }));
}

/** Keys in order; null, absent and empty lists are one, as in the API's own comparison. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value))
    return value.length === 0 ? undefined : value.map(item => withoutEmpty(item) ?? null);
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const kept = Object.entries(value)
    .map(([key, inner]) => [key, withoutEmpty(inner)] as const)
    .filter(
      ([key, inner]) => inner !== undefined && !(MEANINGLESS_WHEN_EMPTY.has(key) && isEmptyObject(inner)),
    )
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(kept);
}

/** Elsewhere an empty object says something: `emptyDir: {}`, `labelSelector: {}`. */
const MEANINGLESS_WHEN_EMPTY: ReadonlySet<string> = new Set([
  'annotations',
  'labels',
  'nodeSelector',
  'resources',
  'securityContext',
]);

function isEmptyObject(value: unknown): boolean {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0
  );
}
