import { equalJson } from '../../codec/json.ts';
import { isFields } from '../../object.ts';
import type { Fields } from '../../object.ts';
import type { Findings } from '../../kinds/validation/findings.ts';
import { Place } from '../../kinds/validation/place.ts';
import { typeOf } from '../check-value.ts';
import { childOf } from '../structural-schema.ts';
import type { StructuralSchema, ValidationRule } from '../structural-schema.ts';
import { firstLine } from './rule.ts';
import type { CompiledRule, Rules } from './rule.ts';
import { ruleValue } from './values.ts';

/** Steps that a rule's loops may take on one value; upstream estimates and counts as well, and refuses what costs too much. */
export const MOST_STEPS = 2_000_000;
const MOST_FINDINGS = 100;

/** The rules of a schema, read when a value first leads to them. */
export class RuleCheck {
  readonly #rules: Rules;
  readonly #compiled = new Map<ValidationRule, CompiledRule | Error>();
  readonly #hasRules = new Map<StructuralSchema, boolean>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** Adds what rules find wrong; `before` is the object before an update. */
  check(schema: StructuralSchema, found: Findings, object: Place, before: unknown): void {
    this.#visit(schema, found, object, before, before !== undefined);
  }

  /** True if there is a rule anywhere in the schema. */
  has(schema: StructuralSchema): boolean {
    return this.#anyWithin(schema);
  }

  /** `isFollowed`: the place was there before, so that rules about the change can be asked. */
  #visit(
    schema: StructuralSchema,
    found: Findings,
    place: Place,
    before: unknown,
    isFollowed: boolean,
  ): void {
    if (!place.present || found.errors.length >= MOST_FINDINGS || !this.#anyWithin(schema)) return;
    // What did not change was let in before (ratcheting, KEP-4008); rules about a change have nothing to say then.
    if (isFollowed && equalJson(place.value, before)) return;
    if (schema.rules.length > 0) this.#ask(schema, found, place, before, isFollowed);
    const { value } = place;
    if (isFields(value)) {
      const old = isFields(before) ? before : {};
      for (const name of Object.keys(value)) {
        const child = childOf(schema, name);
        if (child === undefined || child === true) continue;
        const was = Object.hasOwn(old, name) ? old[name] : undefined;
        this.#visit(child, found, place.child(name), was, isFollowed && was !== undefined);
      }
    } else if (Array.isArray(value) && schema.items !== undefined && this.#anyWithin(schema.items)) {
      const itemBefore = isFollowed ? itemsBefore(schema, before) : () => undefined;
      for (const item of place.items()) {
        const was = itemBefore(item.value);
        this.#visit(schema.items, found, item, was, was !== undefined);
      }
    }
  }

  #ask(schema: StructuralSchema, found: Findings, place: Place, before: unknown, isFollowed: boolean): void {
    const self = ruleValue(schema, place.value);
    const old = isFollowed ? ruleValue(schema, before) : undefined;
    for (const rule of schema.rules) {
      const compiled = this.#compiledOf(rule);
      if (compiled instanceof Error) {
        report(found, place, rule, `rule compile error: ${firstLine(compiled.message)}`);
        continue;
      }
      if (compiled.usesOld && !isFollowed && !rule.optionalOldSelf) continue;
      if (compiled.loops > 0 && longest(place.value, compiled.cutsTexts) ** compiled.loops > MOST_STEPS) {
        report(
          found,
          place,
          rule,
          `the rule costs more than the limit allows on a value of this size: ${rule.rule}`,
        );
        continue;
      }
      try {
        if (!compiled.holds(self, old)) report(found, place, rule, messageOf(rule, compiled, self, old));
      } catch (error) {
        report(
          found,
          place,
          rule,
          `${firstLine((error as Error).message)} evaluating rule: ${rule.message ?? rule.rule}`,
        );
      }
    }
  }

  #compiledOf(rule: ValidationRule): CompiledRule | Error {
    let compiled = this.#compiled.get(rule);
    if (compiled === undefined) {
      try {
        compiled = this.#rules.compile(rule);
      } catch (error) {
        compiled = error as Error;
      }
      this.#compiled.set(rule, compiled);
    }
    return compiled;
  }

  #anyWithin(schema: StructuralSchema): boolean {
    const known = this.#hasRules.get(schema);
    if (known !== undefined) return known;
    const { additional, items } = schema;
    const found =
      schema.rules.length > 0 ||
      [...schema.properties.values()].some(child => this.#anyWithin(child)) ||
      (additional !== undefined && additional !== true && this.#anyWithin(additional)) ||
      (items !== undefined && this.#anyWithin(items));
    this.#hasRules.set(schema, found);
    return found;
  }
}

/** Finds the item of the list before: those of a map list are the same by their keys, those of other lists cannot be followed. */
function itemsBefore(schema: StructuralSchema, before: unknown): (item: unknown) => unknown {
  if (schema.listType !== 'map' || !Array.isArray(before)) return () => undefined;
  const keyOf = (item: Fields) =>
    JSON.stringify(
      schema.listKeys.map(key => item[key] ?? schema.items?.properties.get(key)?.default ?? null),
    );
  const byKey = new Map(before.filter(isFields).map(item => [keyOf(item), item]));
  return item => (isFields(item) ? byKey.get(keyOf(item)) : undefined);
}

function messageOf(rule: ValidationRule, compiled: CompiledRule, self: unknown, old: unknown): string {
  let made: string | undefined;
  try {
    made = compiled.message(self, old);
  } catch {
    made = undefined; // the rule's plain message is the one to give then
  }
  return made ?? rule.message?.trim() ?? `failed rule: ${rule.rule}`;
}

const REASONS: Readonly<Record<string, 'forbidden' | 'required' | 'duplicate' | 'invalid'>> = {
  FieldValueForbidden: 'forbidden',
  FieldValueRequired: 'required',
  FieldValueDuplicate: 'duplicate',
};

function report(found: Findings, place: Place, rule: ValidationRule, message: string): void {
  const at = rule.fieldPath === undefined ? place : new Place(place.path + rule.fieldPath, place.value);
  const type = typeOf(at.value);
  const shown = type === 'object' || type === 'array' ? type : at.value;
  switch (REASONS[rule.reason ?? ''] ?? 'invalid') {
    case 'forbidden':
      found.forbidden(at, message);
      break;
    case 'required':
      found.required(at, message);
      break;
    case 'duplicate':
      found.duplicate(at, shown, message);
      break;
    case 'invalid':
      // Of what is no scalar nothing is shown.
      if (type === 'object' || type === 'array')
        found.add({ type: 'Invalid', field: at.path, detail: message });
      else found.invalid(at, message, shown);
  }
}

/** The size of the longest list or map in a value, and of the longest text for rules that cut texts: what a loop may go through. */
export function longest(value: unknown, countsTexts: boolean): number {
  if (typeof value === 'string') return countsTexts ? Math.max(value.length, 1) : 1;
  if (typeof value !== 'object' || value === null) return 1;
  const inner: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return inner.reduce<number>(
    (most, item) => Math.max(most, longest(item, countsTexts)),
    Math.max(inner.length, 1),
  );
}
