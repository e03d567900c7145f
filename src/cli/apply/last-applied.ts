import type { KubeObject } from '../../kube/types/meta.ts';
import { type Json, threeWayPatch } from './three-way-patch.ts';

/** kubectl's annotation: what was applied last. Both write it alike, so that either may apply what the other applied. */
const annotation = 'kubectl.kubernetes.io/last-applied-configuration';

type JsonObject = { readonly [key: string]: Json };

/** The manifest of the last time; an empty one where there was none, or someone broke the annotation. */
export function lastApplied(live: KubeObject): JsonObject {
  try {
    const parsed = JSON.parse(live.metadata.annotations?.[annotation] ?? '{}') as Json;
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as JsonObject)
      : {};
  } catch {
    return {}; // then nothing is removed, and everything wanted is set
  }
}

/** The object with its annotation. Where the live one says the same in other words, its words stay. */
export function withLastApplied(object: KubeObject, live?: KubeObject): KubeObject {
  const { [annotation]: _, ...annotations } = object.metadata.annotations ?? {};
  const bare = asJson({ ...object, metadata: { ...object.metadata, annotations } });
  const present = live?.metadata.annotations?.[annotation];
  const isSame =
    live !== undefined && threeWayPatch(lastApplied(live), bare, lastApplied(live)) === undefined;
  const text = isSame && present !== undefined ? present : `${canonical(bare)}\n`;
  return { ...object, metadata: { ...object.metadata, annotations: { ...annotations, [annotation]: text } } };
}

/** Objects of the API are JSON objects; their types only say more. */
export const asJson = (object: KubeObject): JsonObject => object as unknown as JsonObject;

/** JSON as Go's encoder writes it: keys sorted, and what HTML would read escaped. */
function canonical(value: Json): string {
  return JSON.stringify(sorted(value)).replaceAll(
    /[<>&\u2028\u2029]/g,
    character => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as JsonObject).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
