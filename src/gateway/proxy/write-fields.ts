import type { FieldLines } from './http1/fields.ts';
import type { HeaderChange } from './rule-plan.ts';

/**
 * Field lines as they came, without those that are dropped, with the changes of a rule's filters. Neighbours that stay
 * are copied in one piece. `dropped` is indexed by `known-fields`' numbers; `named` are names in lower case.
 */
export function writeFields(
  fields: FieldLines,
  dropped: Uint8Array,
  named: readonly string[],
  change: HeaderChange | undefined,
): string {
  let text = '';
  let from = 0;
  const mustLook = named.length > 0 || change !== undefined;
  for (let index = 0; index < fields.count; index++) {
    const isDropped =
      dropped[fields.known[index] as number] === 1 || // index < count
      (mustLook && isNamed(fields.name(index).toLowerCase(), named, change));
    if (!isDropped) continue;
    if (index > from) text += fields.lines(from, index);
    from = index + 1;
  }
  if (fields.count > from) text += fields.lines(from, fields.count);
  return change === undefined ? text : text + writeChange(fields, change);
}

const isNamed = (name: string, named: readonly string[], change: HeaderChange | undefined): boolean =>
  named.includes(name) || (change?.touched.has(name) ?? false);

function writeChange(fields: FieldLines, change: HeaderChange): string {
  if (change.added.size === 0) return change.lines;
  const values = new Map<string, string>();
  for (let index = 0; index < fields.count; index++) {
    const name = fields.name(index).toLowerCase();
    if (!change.added.has(name)) continue;
    const before = values.get(name);
    values.set(name, before === undefined ? fields.value(index) : `${before},${fields.value(index)}`);
  }
  let text = change.lines;
  for (const [name, value] of change.added) {
    const before = values.get(name);
    text += `${name}: ${before === undefined ? value : `${before},${value}`}\r\n`;
  }
  return text;
}
