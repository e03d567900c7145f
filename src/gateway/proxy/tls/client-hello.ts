/** What is read of a connection before it has said enough; a hello with a large key share and many tickets is far below. */
export const longestHello = 64 * 1024;

const recordHead = 5;
const messageHead = 4;
const handshake = 22;
const clientHello = 1;
const longestRecord = 16_384;
/** Clients cut a hello into a few; records of one octet each are an attack on who puts them together. */
const mostRecords = 64;

/** `name`: in lower case, '' where the client says none; `more`: what came is the beginning of one; `none`: it is not TLS. */
export type Hello =
  | { readonly type: 'hello'; readonly name: string }
  | { readonly type: 'more' }
  | { readonly type: 'none' };

const more: Hello = { type: 'more' };
const none: Hello = { type: 'none' };

/** Reads the server's name out of a ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3), over however many records. */
export function readClientHello(bytes: Buffer): Hello {
  const parts: Buffer[] = [];
  let length = 0;
  let wanted = 0;
  for (let at = 0; wanted === 0 || length < wanted;) {
    if (bytes.length > at && bytes[at] !== handshake) return none;
    if (bytes.length < at + recordHead) return more;
    const size = bytes.readUInt16BE(at + 3);
    if (bytes[at + 1] !== 3 || size === 0 || size > longestRecord || parts.length === mostRecords)
      return none;
    const part = bytes.subarray(at + recordHead, at + recordHead + size);
    parts.push(part);
    length += part.length;
    at += recordHead + size;
    if (wanted === 0 && length >= messageHead) {
      const head = Buffer.concat(parts);
      if (head[0] !== clientHello) return none;
      wanted = messageHead + head.readUIntBE(1, 3);
      if (wanted > longestHello) return none;
    }
    if (part.length < size && (wanted === 0 || length < wanted)) return more;
  }
  const message = Buffer.concat(parts).subarray(messageHead, wanted);
  const name = nameIn(message);
  return name === undefined ? none : { type: 'hello', name };
}

/** Undefined for a hello that is malformed. */
function nameIn(message: Buffer): string | undefined {
  const reader = new Reader(message);
  reader.skip(2 + 32);
  reader.skip(reader.number(1));
  reader.skip(reader.number(2));
  reader.skip(reader.number(1));
  if (reader.isAtEnd) return '';
  const extensions = new Reader(reader.take(reader.number(2)));
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const data = extensions.take(extensions.number(2));
    if (extensions.isBroken) return undefined;
    if (type === 0) return serverName(data);
  }
  return reader.isBroken ? undefined : '';
}

const hostname = /^[a-z0-9_]([-a-z0-9._]{0,251}[a-z0-9_.])?$/;

function serverName(data: Buffer): string | undefined {
  const list = new Reader(data);
  list.skip(2);
  const type = list.number(1);
  const name = list.take(list.number(2)).toString('latin1').toLowerCase().replace(/\.$/, '');
  return list.isBroken || type !== 0 || !hostname.test(name) ? undefined : name;
}

/** Reads on from its place; beyond the end there are zeros, and it is broken. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;
  isBroken = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(octets: number): number {
    const part = this.take(octets);
    return part.length < octets ? 0 : part.readUIntBE(0, octets);
  }

  take(octets: number): Buffer {
    const part = this.#bytes.subarray(this.#at, this.#at + octets);
    this.skip(octets);
    return part;
  }

  skip(octets: number): void {
    this.#at += octets;
    if (this.#at > this.#bytes.length) this.isBroken = true;
  }
}
