import { staticTable } from './static-table.ts';

/** Lines that come again and again are coded once. */
const mostKept = 1024;
const longestKept = 128;
/** They are of one message, and would only push others out. */
const neverKept = /^(?:content-length|date|x-request-id|x-forwarded-for|traceparent|etag|last-modified):/;
/** RFC 7541 section 7.1.3: whoever sends them on is asked not to keep them either. */
const secret = /^(?:authorization|proxy-authorization|cookie|set-cookie)$/;

const staticNames: ReadonlyMap<string, number> = new Map(
  staticTable.map(([name], index) => [name, index + 1] as const).toReversed(),
);
const staticFields: ReadonlyMap<string, string> = new Map(
  staticTable.map(([name, value], index) => [`${name}: ${value}`, String.fromCharCode(0x80 | (index + 1))]),
);

/** What a connection says first of all: its encoder keeps no table, whatever the other side allows (section 4.2). */
export const noTable = '\x20';

/**
 * Header blocks as latin1 text. Nothing is kept from one block to the next: it costs some octets on the wire, and no
 * memory and no time for each connection.
 */
export class HeaderEncoder {
  readonly #kept = new Map<string, string>();

  /** Field lines of HTTP/1, each with its CR LF; names become lower case. */
  lines(text: string): string {
    let block = '';
    let start = 0;
    for (let end = text.indexOf('\r\n'); end !== -1; end = text.indexOf('\r\n', start)) {
      block += this.#line(text.slice(start, end));
      start = end + 2;
    }
    return block;
  }

  field(name: string, value: string): string {
    return staticFields.get(`${name}: ${value}`) ?? literal(name, value);
  }

  #line(line: string): string {
    const kept = this.#kept.get(line);
    if (kept !== undefined) return kept;
    const colon = line.indexOf(':');
    const coded = this.field(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    if (line.length <= longestKept && !neverKept.test(line)) {
      if (this.#kept.size >= mostKept) this.#kept.clear();
      this.#kept.set(line, coded);
    }
    return coded;
  }
}

/** Without indexing, and without Huffman's code: quick to write, and few octets more. */
function literal(name: string, value: string): string {
  const first = secret.test(name) ? 0x10 : 0;
  const index = staticNames.get(name);
  const start =
    index === undefined
      ? `${String.fromCharCode(first)}${integer(name.length, 7)}${name}`
      : integer(index, 4, first);
  return start + integer(value.length, 7) + value;
}

/** RFC 7541 section 5.1. */
function integer(value: number, prefix: number, first = 0): string {
  const mask = (1 << prefix) - 1;
  if (value < mask) return String.fromCharCode(first | value);
  let text = String.fromCharCode(first | mask);
  let rest = value - mask;
  while (rest >= 0x80) {
    text += String.fromCharCode((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return text + String.fromCharCode(rest);
}
