/** resource.Quantity of Kubernetes: a fixed-point number with a decimal, binary or exponent suffix. */
export interface Quantity {
  /** Billionths; finer digits are rounded away from zero, as upstream does. */
  readonly nano: bigint;
  readonly format: 'decimal' | 'binary' | 'exponent';
}

const NANO = 1_000_000_000n;
const DECIMAL: readonly (readonly [string, number])[] = [
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
];
const BINARY: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const LONGEST = 128;
const LARGEST = (1n << 63n) - 1n;

/** What a server answers to text that is no quantity. */
export const QUANTITY_MISMATCH =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

/** Undefined for anything but a quantity. Values beyond 2^63-1 are capped. */
export function parseQuantity(text: string): Quantity | undefined {
  if (text.length > LONGEST) return undefined;
  const found = /^([+-]?)(\d*)(?:\.(\d*))?([a-zA-Z]*)([+-]?\d*)$/.exec(text);
  if (found === null) return undefined;
  const [, sign = '', whole = '', fraction = '', letters = '', digits = ''] = found;
  if (whole === '' && fraction === '') return undefined;
  const scale = scaleOf(letters, digits);
  if (scale === undefined) return undefined;
  const mantissa = BigInt(whole + fraction) * (1n << BigInt(scale.binary));
  const nano = shiftDecimal(mantissa, 9 + scale.decimal - fraction.length);
  const capped = nano > LARGEST * NANO ? LARGEST * NANO : nano;
  return { nano: sign === '-' ? -capped : capped, format: scale.format };
}

/** The canonical form: no fractions, the largest suffix that loses nothing (`1.5Gi` is `1536Mi`, `0.5` is `500m`). */
export function formatQuantity(quantity: Quantity): string {
  const { nano } = quantity;
  if (nano === 0n) return '0';
  const sign = nano < 0n ? '-' : '';
  const size = nano < 0n ? -nano : nano;
  const whole = size / NANO;
  if (quantity.format === 'binary' && size % NANO === 0n && whole >= 1024n) {
    let value = whole;
    let step = 0;
    while (value % 1024n === 0n && step < BINARY.length - 1) {
      value /= 1024n;
      step++;
    }
    return `${sign}${value}${BINARY[step] ?? ''}`;
  }
  let value = size;
  let exponent = -9;
  while (value % 1000n === 0n && exponent < 18) {
    value /= 1000n;
    exponent += 3;
  }
  const suffix =
    quantity.format === 'exponent'
      ? exponent === 0
        ? ''
        : `e${exponent}`
      : (DECIMAL.find(([, power]) => power === exponent)?.[0] ?? '');
  return `${sign}${value}${suffix}`;
}

/** The canonical form of a quantity as JSON may hold it (text or a number); undefined if it is none. */
export function canonicalQuantity(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const quantity = parseQuantity(String(value).trim());
  return quantity === undefined ? undefined : formatQuantity(quantity);
}

function scaleOf(
  letters: string,
  digits: string,
): { decimal: number; binary: number; format: Quantity['format'] } | undefined {
  if ((letters === 'e' || letters === 'E') && digits !== '') {
    const decimal = Number(digits);
    return Number.isInteger(decimal) && Math.abs(decimal) <= 64
      ? { decimal, binary: 0, format: 'exponent' }
      : undefined;
  }
  if (digits !== '') return undefined;
  const power = DECIMAL.find(([suffix]) => suffix === letters);
  if (power !== undefined) return { decimal: power[1], binary: 0, format: 'decimal' };
  const step = BINARY.indexOf(letters);
  return step < 0 ? undefined : { decimal: 0, binary: 10 * step, format: 'binary' };
}

/** `value` times ten to the `places`, rounded up where digits are lost. */
function shiftDecimal(value: bigint, places: number): bigint {
  if (places >= 0) return value * 10n ** BigInt(places);
  const divisor = 10n ** BigInt(-places);
  return (value + divisor - 1n) / divisor;
}
