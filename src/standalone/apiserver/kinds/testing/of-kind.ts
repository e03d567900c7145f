import assert from 'node:assert/strict';
import type { FieldError, Kind } from '../../kind.ts';
import { builtInKinds } from '../index.ts';

/** The registry's entry of a kind, for tests. */
export function ofKind(group: string, kind: string): Kind {
  const found = builtInKinds().find(candidate => candidate.group === group && candidate.kind === kind);
  assert.ok(found, `${kind} is registered`);
  return found;
}

/** Each finding in one line: `spec.ports[0].port: Invalid 0 must be between 1 and 65535, inclusive`. */
export function messagesOf(errors: readonly FieldError[]): readonly string[] {
  return errors.map(({ field, type, value, detail }) => {
    const shown = value === undefined ? '' : `${JSON.stringify(value)} `;
    return `${field}: ${type} ${shown}${detail}`;
  });
}
