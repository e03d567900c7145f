import { badRequest } from '../status.ts';

export interface ParsedJson {
  readonly value: unknown;
  /** Paths of fields that stand twice in one object, `metadata.labels.app`; the last one won. */
  readonly duplicates: readonly string[];
}

/** Deeper bodies are refused: everything after this walks objects recursively. */
const DEEPEST = 128;
const MOST_DUPLICATES = 32;

/**
 * RFC 8259 with what JSON.parse hides: fields given twice. Throws 400 with the position for anything malformed, for
 * nesting beyond 128 levels, and for the field name `__proto__`, which no Kubernetes object has.
 */
export function parseJson(text: string): ParsedJson {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badRequest(`the body is not JSON: ${(error as Error).message}`);
  }
  return { value, duplicates: findDuplicates(text) };
}

interface Level {
  /** Undefined in a list. */
  readonly fields: Set<string> | undefined;
  /** The field or index that is being read. */
  at: string | number;
}

const QUOTE = 34;
const BACKSLASH = 92;

/** One pass over text that is known to be valid JSON. */
function findDuplicates(text: string): readonly string[] {
  const found: string[] = [];
  const levels: Level[] = [];
  let expectsField = false;
  for (let at = 0; at < text.length; at++) {
    const level = levels.at(-1);
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        levels.push({ fields: new Set(), at: '' });
        assertDepth(levels.length);
        expectsField = true;
        break;
      case 0x5b: // [
        levels.push({ fields: undefined, at: 0 });
        assertDepth(levels.length);
        expectsField = false;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        levels.pop();
        expectsField = false;
        break;
      case 0x2c: // ,
        expectsField = level?.fields !== undefined;
        if (typeof level?.at === 'number') level.at++;
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        if (expectsField && level?.fields !== undefined) {
          const name = fieldName(text, at, end);
          level.at = name;
          if (level.fields.has(name) && found.length < MOST_DUPLICATES) found.push(pathOf(levels));
          level.fields.add(name);
          expectsField = false;
        }
        at = end;
        break;
      }
      default:
    }
  }
  return found;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE || Number.isNaN(code)) return at;
    at += code === BACKSLASH ? 2 : 1;
  }
}

function fieldName(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  const name = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
  if (name === '__proto__') throw badRequest('the field name "__proto__" is not allowed');
  return name;
}

function assertDepth(depth: number): void {
  if (depth > DEEPEST) throw badRequest(`the body is nested deeper than ${DEEPEST} levels`);
}

function pathOf(levels: readonly Level[]): string {
  let path = '';
  for (const { at } of levels) path += typeof at === 'number' ? `[${at}]` : path === '' ? at : `.${at}`;
  return path;
}

/** Equality of JSON values; the order of fields does not count. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => equalJson(item, b[index]));
  }
  if (Array.isArray(b)) return false;
  const left = definedFields(a);
  const right = new Map(definedFields(b));
  return (
    left.length === right.size &&
    left.every(([key, value]) => right.has(key) && equalJson(value, right.get(key)))
  );
}

const definedFields = (value: object): readonly [string, unknown][] =>
  Object.entries(value).filter(([, field]) => field !== undefined);
