import type { FieldError, Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import { Expressions } from './cel/expression.ts';
import { problemOf, unreadable } from './policy.ts';
import { listOf, textOf } from './rules.ts';
import { SCOPE } from './webhooks/webhooks.ts';

/** Expressions of a policy or webhook configuration that cannot be read; those that were stored before may stay. */
export function unreadableIn(
  kind: Kind,
  object: ApiObject,
  before: ApiObject | undefined,
): readonly FieldError[] {
  const known = new Set(before === undefined ? [] : problemsIn(kind, before).map(({ text }) => text));
  return problemsIn(kind, object)
    .filter(({ text }) => !known.has(text))
    .map(({ field, text, why }) => ({ type: 'Invalid', field, value: text, detail: why }));
}

function problemsIn(
  kind: Kind,
  object: ApiObject,
): readonly { readonly field: string; readonly text: string; readonly why: string }[] {
  const expressions = new Expressions();
  if (kind.kind === 'ValidatingAdmissionPolicy') return unreadable(expressions, object);
  return listOf(object['webhooks']).flatMap((hook, index) =>
    listOf(hook['matchConditions']).flatMap((condition, at) => {
      const text = textOf(condition['expression']).trim();
      if (text === '') return [];
      const why = problemOf(() => expressions.compile(text, SCOPE, 'bool'));
      const field = `webhooks[${index}].matchConditions[${at}].expression`;
      return why === undefined ? [] : [{ field, text, why }];
    }),
  );
}
