/** Bits of the code of each octet, and of the end of the string last (RFC 7541 appendix B); the code is canonical. */
// oxfmt-ignore
const lengths = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
] as const;

const endOfString = 256;
const noSymbol = 0x1ff;
const fails = 0xffff;

interface Tree {
  /** By node and bit: the next node, or -1 - symbol. */
  readonly next: readonly [number, number][];
  /** Padding may begin here: all bits up to here are ones, and fewer than eight. */
  readonly isPadding: readonly boolean[];
}

function makeTree(): Tree {
  const symbols = lengths.map((_, symbol) => symbol);
  symbols.sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
  const next: [number, number][] = [[0, 0]];
  const isPadding = [true];
  let bits = 0;
  let length = lengths[symbols[0] ?? 0] ?? 0;
  for (const symbol of symbols) {
    const own = lengths[symbol] ?? 0;
    bits <<= own - length;
    length = own;
    let node = 0;
    for (let place = own - 1; place >= 0; place--) {
      const bit = (bits >>> place) & 1;
      const pair = next[node] as [number, number]; // nodes are made below
      if (place === 0) pair[bit] = -1 - symbol;
      else {
        if (pair[bit] === 0) {
          pair[bit] = next.push([0, 0]) - 1;
          isPadding.push(isPadding[node] === true && bit === 1 && own - place < 8);
        }
        node = pair[bit] as number; // it is there, or was just made
      }
    }
    bits++;
  }
  return { next, isPadding };
}

/** Four bits at a time: by node and bits, the node after them in the upper seven bits and the symbol that ended among them. */
function makeSteps({ next }: Tree): Uint32Array {
  const steps = new Uint32Array(next.length * 16);
  for (let from = 0; from < next.length; from++) {
    for (let bits = 0; bits < 16; bits++) {
      let node = from;
      let ended = noSymbol;
      for (let place = 3; place >= 0 && node !== fails; place--) {
        const to = next[node]?.[((bits >> place) & 1) as 0 | 1] ?? 0; // a bit is 0 or 1
        if (to === -1 - endOfString) node = fails;
        else if (to < 0) {
          ended = -1 - to;
          node = 0;
        } else node = to;
      }
      steps[from * 16 + bits] = node * 512 + ended;
    }
  }
  return steps;
}

const tree = makeTree();
const steps = makeSteps(tree);

/** Octets that a coded string can have at most. */
export const decodedBound = (length: number): number => Math.ceil((length * 8) / 5);

/**
 * Decodes into `out`, which has room for `decodedBound`; returns the number of octets, or -1: the end of the string inside
 * of it, or padding that is not the beginning of that, or as long as an octet (RFC 7541 section 5.2).
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let node = 0;
  let written = 0;
  for (let at = start; at < end; at++) {
    const octet = bytes[at] as number; // at < end
    for (let half = 4; half >= 0; half -= 4) {
      const step = steps[node * 16 + ((octet >> half) & 15)] as number; // the table has every node
      const symbol = step & 511;
      node = step >>> 9;
      if (node === fails) return -1;
      if (symbol !== noSymbol) out[written++] = symbol;
    }
  }
  return tree.isPadding[node] === true ? written : -1;
}
