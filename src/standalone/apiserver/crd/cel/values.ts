import { isFields } from '../../object.ts';
import { childOf } from '../structural-schema.ts';
import type { StructuralSchema } from '../structural-schema.ts';

/** Words of the language that cannot be names; fields of that name are read as `__name__` (CEL in Kubernetes). */
const RESERVED = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);

/** How a rule names a field: `a-b` is `a__dash__b`. Undefined for a field that no rule can name. */
export function ruleName(name: string): string | undefined {
  if (RESERVED.has(name)) return `__${name}__`;
  const escaped = name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(escaped) ? escaped : undefined;
}

/** A JSON value as rules see it: whole numbers are int, fields have the names that rules can use, times are timestamps. */
export function ruleValue(schema: StructuralSchema | true | undefined, value: unknown): unknown {
  if (typeof value === 'number') return asNumber(schema, value);
  if (typeof value === 'string') {
    const isTime = schema !== true && schema?.format === 'date-time';
    return isTime ? new Date(value) : value;
  }
  if (Array.isArray(value)) {
    const items = schema === true ? true : schema?.items;
    return value.map(item => ruleValue(items, item));
  }
  if (!isFields(value)) return value;
  // Keys of clients' making: no prototype that they could reach.
  const seen = Object.create(null) as Record<string, unknown>;
  for (const [name, inner] of Object.entries(value)) {
    const child = schema === undefined || schema === true ? schema : childOf(schema, name);
    const isDeclared = schema !== undefined && schema !== true && schema.properties.has(name);
    const key = isDeclared ? ruleName(name) : name;
    if (key !== undefined && inner !== undefined) seen[key] = ruleValue(child, inner);
  }
  return seen;
}

function asNumber(schema: StructuralSchema | true | undefined, value: number): number | bigint {
  const isInteger =
    schema === true || schema === undefined ? Number.isInteger(value) : schema.type !== 'number';
  return isInteger && Number.isSafeInteger(value) ? BigInt(value) : value;
}
