import type { Environment } from '@marcbachmann/cel-js';
import { contains, formatPrefix, parseAddress, parsePrefix } from '../../../../base/ip.ts';
import type { Prefix } from '../../../../base/ip.ts';
import { parseQuantity } from '../../../../kube/quantity.ts';

type Register = (signature: string, handler: (...values: never[]) => unknown) => void;

/** Values with operations of their own that rules of Kubernetes may make of texts: quantities and CIDRs; and `format`. */
export function registerQuantities(environment: Environment): void {
  const register: Register = (signature, handler) =>
    void environment.registerFunction(signature, handler as never);
  registerFormat(register);
  environment.registerType('Quantity', { ctor: Quantity, fields: {} });
  register('quantity(string): Quantity', (text: string) => Quantity.read(text));
  const compare = (a: Quantity, b: Quantity) => (a.value < b.value ? -1n : a.value > b.value ? 1n : 0n);
  register('Quantity.compareTo(Quantity): int', compare);
  register('Quantity.isGreaterThan(Quantity): bool', (a: Quantity, b: Quantity) => a.value > b.value);
  register('Quantity.isLessThan(Quantity): bool', (a: Quantity, b: Quantity) => a.value < b.value);
  register('Quantity.sign(): int', ({ value }: Quantity) => (value < 0n ? -1n : value > 0n ? 1n : 0n));
  register('Quantity.isInteger(): bool', ({ value }: Quantity) => value % BILLION === 0n);
  register('Quantity.asInteger(): int', ({ value }: Quantity) => {
    if (value % BILLION !== 0n) throw new Error('cannot convert value to integer');
    return value / BILLION;
  });
  register('Quantity.asApproximateFloat(): double', ({ value }: Quantity) => Number(value) / 1e9);
  for (const [name, sign] of [
    ['add', 1n],
    ['sub', -1n],
  ] as const) {
    register(
      `Quantity.${name}(Quantity): Quantity`,
      (a: Quantity, b: Quantity) => new Quantity(a.value + sign * b.value),
    );
    register(
      `Quantity.${name}(int): Quantity`,
      (a: Quantity, b: bigint) => new Quantity(a.value + sign * b * BILLION),
    );
  }
  registerPrefixes(environment, register);
}

const BILLION = 1_000_000_000n;

/** In billionths. */
class Quantity {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }

  static read(text: string): Quantity {
    const value = parseQuantity(text);
    if (value === undefined) throw new Error(`${JSON.stringify(text)} is no quantity`);
    return new Quantity(value);
  }
}

class Cidr {
  readonly prefix: Prefix;
  constructor(text: string) {
    const prefix = parsePrefix(text);
    if (prefix === undefined) throw new Error(`${JSON.stringify(text)} is no network`);
    this.prefix = prefix;
  }
}

function registerPrefixes(environment: Environment, register: Register): void {
  environment.registerType('Cidr', { ctor: Cidr, fields: {} });
  register('cidr(string): Cidr', (text: string) => new Cidr(text));
  register('Cidr.containsIP(string): bool', ({ prefix }: Cidr, text: string) => {
    const address = parseAddress(text);
    if (address === undefined) throw new Error(`${JSON.stringify(text)} is no IP address`);
    return contains(prefix, address);
  });
  const containsCidr = (outer: Cidr, inner: Cidr) =>
    contains(outer.prefix, inner.prefix) && inner.prefix.length >= outer.prefix.length;
  register('Cidr.containsCIDR(Cidr): bool', containsCidr);
  register('Cidr.containsCIDR(string): bool', (outer: Cidr, text: string) =>
    containsCidr(outer, new Cidr(text)),
  );
  register('Cidr.prefixLength(): int', ({ prefix }: Cidr) => BigInt(prefix.length));
  register('string(Cidr): string', ({ prefix }: Cidr) => formatPrefix(prefix));
}

const PLACE = /%(%|(?:\.(\d{1,2}))?([sdfexXbo]))/g;
/** Characters that a text may grow to by `format`. */
const LONGEST = 1024 * 1024;

function registerFormat(register: Register): void {
  register('string.format(list): string', (text: string, values: readonly unknown[]) => {
    let at = 0;
    let size = text.length;
    const formatted = text.replaceAll(
      PLACE,
      (_all, sign: string, digits: string | undefined, verb: string) => {
        if (sign === '%') return '%';
        if (at >= values.length) throw new Error(`format has no value for its place ${at + 1}`);
        const piece = formattedValue(verb, values[at++], digits === undefined ? 6 : Number(digits));
        size += piece.length;
        if (size > LONGEST) throw new Error('the formatted text is too long');
        return piece;
      },
    );
    return formatted;
  });
}

function formattedValue(verb: string, value: unknown, digits: number): string {
  switch (verb) {
    case 's':
      return shown(value);
    case 'd':
      return whole(value).toString();
    case 'b':
      return typeof value === 'boolean' ? String(Number(value)) : whole(value).toString(2);
    case 'o':
      return whole(value).toString(8);
    case 'x':
    case 'X': {
      const text = typeof value === 'string' ? Buffer.from(value).toString('hex') : whole(value).toString(16);
      return verb === 'X' ? text.toUpperCase() : text;
    }
    case 'e':
      return Number(value).toExponential(digits);
    default:
      return Number(value).toFixed(digits);
  }
}

function whole(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  throw new Error('format wants a whole number there');
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(([key, inner]) => `${key}: ${shown(inner)}`);
    return `{${parts.toSorted().join(', ')}}`;
  }
  return String(value);
}
