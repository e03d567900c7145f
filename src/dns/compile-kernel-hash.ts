import type { NameKey } from './wire/index.ts';

/** Two words of 64 bits. */
export type Secret = Uint8Array;

/**
 * SipHash-2-4 with 128 bits (Aumasson and Bernstein, 2012) of a name's key: sixteen octets, as bpf/dns-hash.h makes
 * them. With a secret that nobody else has, two names with one hash are no more likely than any other fault of a machine,
 * and nobody can look for them; so names need not stand in the kernel's map beside their hashes.
 *
 * A word is two halves of 32 bits here, the low one first: numbers of 64 bits would be objects.
 */
export function hashName(secret: Secret, key: NameKey): Uint8Array {
  const state = new Uint32Array(8);
  const keyed = new DataView(secret.buffer, secret.byteOffset, 16);
  const [k0, k1, k2, k3] = [0, 4, 8, 12].map(at => keyed.getUint32(at, true)) as [
    number,
    number,
    number,
    number,
  ];
  state[0] = k0 ^ 0x7073_6575;
  state[1] = k1 ^ 0x736f_6d65;
  state[2] = k2 ^ 0x6e64_6f6d ^ 0xee;
  state[3] = k3 ^ 0x646f_7261;
  state[4] = k0 ^ 0x6e65_7261;
  state[5] = k1 ^ 0x6c79_6765;
  state[6] = k2 ^ 0x7974_6573;
  state[7] = k3 ^ 0x7465_6462;
  const whole = key.length - (key.length % 8);
  for (let at = 0; at < whole; at += 8) mix(state, half(key, at, 4), half(key, at + 4, 4));
  const rest = key.length - whole;
  const high = half(key, whole + 4, rest - 4) | (key.length << 24);
  mix(state, half(key, whole, rest), high);
  const hash = new Uint8Array(16);
  const out = new DataView(hash.buffer);
  for (const [at, word, mark] of [
    [0, 4, 0xee],
    [8, 2, 0xdd],
  ] as const) {
    state[word] = (state[word] ?? 0) ^ mark;
    rounds(state, 4);
    for (const part of [0, 1])
      out.setUint32(
        at + 4 * part,
        (state[part] ?? 0) ^ (state[2 + part] ?? 0) ^ (state[4 + part] ?? 0) ^ (state[6 + part] ?? 0),
        true,
      );
  }
  return hash;
}

/** Up to four octets, the first one lowest. */
function half(key: string, at: number, count: number): number {
  let value = 0;
  for (let index = 0; index < 4 && index < count; index++)
    value |= (key.charCodeAt(at + index) & 0xff) << (8 * index);
  return value;
}

function mix(state: Uint32Array, low: number, high: number): void {
  state[6] = (state[6] ?? 0) ^ low;
  state[7] = (state[7] ?? 0) ^ high;
  rounds(state, 2);
  state[0] = (state[0] ?? 0) ^ low;
  state[1] = (state[1] ?? 0) ^ high;
}

function rounds(state: Uint32Array, count: number): void {
  // Copied out and back: the engine keeps these in registers, elements of an array it does not.
  let [a, b, c, d, e, f, g, h] = state as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]; // it has eight elements
  for (let index = 0; index < count; index++) {
    let low = a + c;
    b = (b + d + (low >= 0x1_0000_0000 ? 1 : 0)) >>> 0;
    a = low >>> 0;
    [c, d] = [((c << 13) | (d >>> 19)) >>> 0, ((d << 13) | (c >>> 19)) >>> 0];
    c = (c ^ a) >>> 0;
    d = (d ^ b) >>> 0;
    [a, b] = [b, a];
    low = e + g;
    f = (f + h + (low >= 0x1_0000_0000 ? 1 : 0)) >>> 0;
    e = low >>> 0;
    [g, h] = [((g << 16) | (h >>> 16)) >>> 0, ((h << 16) | (g >>> 16)) >>> 0];
    g = (g ^ e) >>> 0;
    h = (h ^ f) >>> 0;
    low = a + g;
    b = (b + h + (low >= 0x1_0000_0000 ? 1 : 0)) >>> 0;
    a = low >>> 0;
    [g, h] = [((g << 21) | (h >>> 11)) >>> 0, ((h << 21) | (g >>> 11)) >>> 0];
    g = (g ^ a) >>> 0;
    h = (h ^ b) >>> 0;
    low = e + c;
    f = (f + d + (low >= 0x1_0000_0000 ? 1 : 0)) >>> 0;
    e = low >>> 0;
    [c, d] = [((c << 17) | (d >>> 15)) >>> 0, ((d << 17) | (c >>> 15)) >>> 0];
    c = (c ^ e) >>> 0;
    d = (d ^ f) >>> 0;
    [e, f] = [f, e];
  }
  state[0] = a;
  state[1] = b;
  state[2] = c;
  state[3] = d;
  state[4] = e;
  state[5] = f;
  state[6] = g;
  state[7] = h;
}
