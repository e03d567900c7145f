import type { Definition } from '../define.ts';
import { AGE, NAME, ageOf, column, nameOf } from '../print/columns.ts';
import { configKey } from '../text/names.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** What a ConfigMap or Secret may hold in all, in bytes. */
export const LARGEST_CONFIGURATION = 1024 * 1024;

export const CONFIG_MAP: Definition = {
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  schema: 'io.k8s.api.core.v1.ConfigMap',
  namespaced: true,
  shortNames: ['cm'],
  validate: (found, object, before) => {
    const [data, binary] = [object.child('data'), object.child('binaryData')];
    let size = 0;
    for (const [key, value] of data.entries()) {
      for (const complaint of configKey(key)) found.invalid(data.key(key), complaint, key);
      if (binary.key(key).present)
        found.invalid(data.key(key), 'duplicate of key present in binaryData', key);
      size += Buffer.byteLength(value.text);
    }
    for (const [key, value] of binary.entries()) {
      for (const complaint of configKey(key)) found.invalid(binary.key(key), complaint, key);
      size += Buffer.byteLength(value.text, 'base64');
    }
    // Upstream's path for the object as a whole.
    if (size > LARGEST_CONFIGURATION)
      found.add({
        type: 'TooLong',
        field: '[]',
        detail: `may not be more than ${LARGEST_CONFIGURATION} bytes`,
      });
    if (before !== undefined) checkImmutable(found, object, before, ['data', 'binaryData']);
  },
  table: {
    columns: [NAME, column('Data', 'How many entries it has.'), AGE],
    cells: (object, now) => [
      nameOf(object),
      object.child('data').entries().length + object.child('binaryData').entries().length,
      ageOf(object, now),
    ],
  },
};

/** With `immutable: true` neither the contents nor the mark itself may change again. */
export function checkImmutable(
  found: Findings,
  object: Place,
  before: Place,
  contents: readonly string[],
): void {
  if (!before.child('immutable').flag) return;
  if (!object.child('immutable').flag)
    found.forbidden(object.child('immutable'), 'field is immutable when `immutable` is set');
  for (const name of contents) {
    if (!same(object.child(name), before.child(name))) {
      found.forbidden(object.child(name), 'field is immutable when `immutable` is set');
    }
  }
}

function same(a: Place, b: Place): boolean {
  const [left, right] = [a.entries(), b.entries()];
  return left.length === right.length && left.every(([key, value]) => b.key(key).value === value.value);
}
