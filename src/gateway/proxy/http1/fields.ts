import { isFieldValue, isToken, octets } from './characters.ts';
import { knownField } from './known-fields.ts';
import { limits } from './limits.ts';
import { problem } from './problems.ts';

const { cr, lf, colon, space, tab } = octets;

/**
 * The field lines of one message as places in its octets: nothing is copied until somebody asks. Reused from message
 * to message; valid while the octets are.
 */
export class FieldLines {
  bytes: Buffer = Buffer.alloc(0);
  count = 0;
  readonly known = new Uint8Array(limits.fields);
  /** Where a line begins; the entry after the last is where the empty line begins. */
  readonly lineStart = new Int32Array(limits.fields + 1);
  readonly nameEnd = new Int32Array(limits.fields);
  readonly valueStart = new Int32Array(limits.fields);
  readonly valueEnd = new Int32Array(limits.fields);

  name(index: number): string {
    return this.bytes.toString('latin1', this.lineStart[index], this.nameEnd[index]);
  }

  value(index: number): string {
    return this.bytes.toString('latin1', this.valueStart[index], this.valueEnd[index]);
  }

  /** Whole lines from one field to before another, as they came. */
  lines(from: number, to: number): string {
    return this.bytes.toString('latin1', this.lineStart[from], this.lineStart[to]);
  }
}

/**
 * Reads field lines up to and with the empty line that ends them (RFC 9112 section 5). Returns where that ends, 0 for
 * an unfinished section, or a problem. White space before a colon, continued lines, and lines that end with a lone LF or
 * have a lone CR are refused: what others read into them is how requests are smuggled.
 */
export function readFields(bytes: Buffer, start: number, end: number, fields: FieldLines): number {
  fields.bytes = bytes;
  fields.count = 0;
  let at = start;
  while (at < end) {
    const first = bytes[at] as number; // at < end <= bytes.length
    if (first === cr) {
      if (at + 1 >= end) return 0;
      if (bytes[at + 1] !== lf) return problem.lineEnd;
      fields.lineStart[fields.count] = at;
      return at + 2;
    }
    const next = readLine(bytes, at, end, fields, first);
    if (next <= 0) return next;
    at = next;
  }
  return 0;
}

function readLine(bytes: Buffer, start: number, end: number, fields: FieldLines, first: number): number {
  if (first === space || first === tab) return problem.folded;
  if (fields.count === limits.fields) return problem.tooManyFields;
  let at = start;
  while (at < end && isToken[bytes[at] as number] === 1) at++;
  if (at === end) return 0;
  if (at === start || bytes[at] !== colon) return bytes[at] === lf ? problem.lineEnd : problem.fieldName;
  const nameEnd = at++;
  while (at < end && (bytes[at] === space || bytes[at] === tab)) at++;
  const valueStart = at;
  while (at < end && isFieldValue[bytes[at] as number] === 1) at++;
  if (at === end) return 0;
  if (bytes[at] !== cr) return bytes[at] === lf ? problem.lineEnd : problem.fieldValue;
  if (at + 1 === end) return 0;
  if (bytes[at + 1] !== lf) return problem.lineEnd;
  let valueEnd = at;
  while (valueEnd > valueStart && (bytes[valueEnd - 1] === space || bytes[valueEnd - 1] === tab)) valueEnd--;
  const index = fields.count++;
  fields.known[index] = knownField(bytes, start, nameEnd);
  fields.lineStart[index] = start;
  fields.nameEnd[index] = nameEnd;
  fields.valueStart[index] = valueStart;
  fields.valueEnd[index] = valueEnd;
  return at + 2;
}

/** The same fields with octets of their own, where they have to outlive those in which they came, from `from` to `to`. */
export function keptFields(fields: FieldLines, from: number, to: number): FieldLines {
  fields.bytes = Buffer.from(fields.bytes.subarray(from, to));
  for (let index = 0; index <= fields.count; index++) {
    fields.lineStart[index] = (fields.lineStart[index] as number) - from; // both have `count` entries and one more
    if (index === fields.count) break;
    fields.nameEnd[index] = (fields.nameEnd[index] as number) - from;
    fields.valueStart[index] = (fields.valueStart[index] as number) - from;
    fields.valueEnd[index] = (fields.valueEnd[index] as number) - from;
  }
  return fields;
}
