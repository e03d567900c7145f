/** Kubernetes quantities (`100m`, `1.5Gi`, `2e3`): apimachinery's resource.Quantity. */

const SUFFIXES: Readonly<Record<string, readonly [base: bigint, exponent: number]>> = {
  n: [10n, -9],
  u: [10n, -6],
  m: [10n, -3],
  '': [10n, 0],
  k: [10n, 3],
  M: [10n, 6],
  G: [10n, 9],
  T: [10n, 12],
  P: [10n, 15],
  E: [10n, 18],
  Ki: [2n, 10],
  Mi: [2n, 20],
  Gi: [2n, 30],
  Ti: [2n, 40],
  Pi: [2n, 50],
  Ei: [2n, 60],
};

const FORM = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i|)|[eE]([+-]?\d{1,3}))$/;

/**
 * The value in billionths (the finest that a quantity can say), rounded up as the API server does it; undefined for
 * anything that is no quantity.
 */
export function parseQuantity(text: string | number): bigint | undefined {
  const parts = FORM.exec(String(text));
  if (parts === null) return undefined;
  const [, sign, digits = '', suffix, exponent] = parts;
  const [whole = '', fraction = ''] = digits.split('.');
  const [base, power] =
    exponent === undefined ? (SUFFIXES[suffix ?? ''] ?? [10n, 0]) : [10n, Number(exponent)];
  let numerator = BigInt(`${whole}${fraction}` || '0') * 1_000_000_000n;
  let denominator = 10n ** BigInt(fraction.length);
  if (power >= 0) numerator *= base ** BigInt(power);
  else denominator *= base ** BigInt(-power);
  const magnitude = (numerator + denominator - 1n) / denominator;
  return sign === '-' ? -magnitude : magnitude;
}

/** The value as a whole number, rounded up: bytes of memory, counts. Undefined for anything that is no quantity. */
export function quantityValue(text: string | number): number | undefined {
  return scaled(text, 1_000_000_000n);
}

/** The value in thousandths, rounded up: millicores of CPU. Undefined for anything that is no quantity. */
export function quantityMilliValue(text: string | number): number | undefined {
  return scaled(text, 1_000_000n);
}

function scaled(text: string | number, unit: bigint): number | undefined {
  const billionths = parseQuantity(text);
  if (billionths === undefined) return undefined;
  const towardsZero = billionths / unit;
  return Number(billionths > towardsZero * unit ? towardsZero + 1n : towardsZero);
}
