import { decodedBound, decodeHuffman } from './huffman.ts';
import { type HeaderField, headerField } from './header-field.ts';
import { staticTable } from './static-table.ts';

/** Octets of the dynamic table that the other side may fill: what a peer assumes before it reads our settings. */
const tableBytes = 4096;
/** A string beyond this is no header that anybody is served for. */
const longestString = 32 * 1024;
/** Of an integer beyond its prefix, in octets of seven bits. */
const mostIntegerOctets = 4;

const statics: readonly HeaderField[] = staticTable.map(([name, value]) => headerField(name, value));

/** Reads header blocks of one connection (RFC 7541); each one changes the table that the next ones refer to. */
export class HeaderDecoder {
  /** The newest last; those before `#first` are evicted. */
  #entries: HeaderField[] = [];
  #first = 0;
  #size = 0;
  #limit = tableBytes;
  #at = 0;
  #string = '';

  /** Calls `take` for each field in its order; false where the block cannot be read: the connection cannot go on. */
  decode(bytes: Buffer, start: number, end: number, take: (field: HeaderField) => void): boolean {
    this.#at = start;
    let hasField = false;
    while (this.#at < end) {
      const octet = bytes[this.#at] as number; // at < end
      if (octet >= 0x80) {
        const index = this.#integer(bytes, end, 7);
        const entry = index < 0 ? undefined : this.#entry(index);
        if (entry === undefined) return false;
        take(entry);
        hasField = true;
      } else if (octet >= 0x40) {
        const entry = this.#literal(bytes, end, 6);
        if (entry === undefined) return false;
        this.#insert(entry);
        take(entry);
        hasField = true;
      } else if (octet >= 0x20) {
        // RFC 7541 section 4.2: a change of the table's size stands at a block's beginning.
        const size = this.#integer(bytes, end, 5);
        if (hasField || size < 0 || size > tableBytes) return false;
        this.#limit = size;
        this.#evict();
      } else {
        const entry = this.#literal(bytes, end, 4);
        if (entry === undefined) return false;
        take(entry);
        hasField = true;
      }
    }
    return true;
  }

  #entry(index: number): HeaderField | undefined {
    if (index <= statics.length) return statics[index - 1];
    const place = this.#entries.length - (index - statics.length);
    return place < this.#first ? undefined : this.#entries[place];
  }

  #literal(bytes: Buffer, end: number, prefix: number): HeaderField | undefined {
    const index = this.#integer(bytes, end, prefix);
    if (index < 0) return undefined;
    let name: string;
    if (index === 0) {
      if (!this.#readString(bytes, end)) return undefined;
      name = this.#string;
    } else {
      const entry = this.#entry(index);
      if (entry === undefined) return undefined;
      ({ name } = entry);
    }
    return this.#readString(bytes, end) ? headerField(name, this.#string) : undefined;
  }

  #readString(bytes: Buffer, end: number): boolean {
    if (this.#at >= end) return false;
    const isCoded = (bytes[this.#at] as number) >= 0x80; // at < end
    const length = this.#integer(bytes, end, 7);
    const start = this.#at;
    if (length < 0 || length > end - start || length > longestString) return false;
    this.#at = start + length;
    if (!isCoded) {
      this.#string = bytes.toString('latin1', start, this.#at);
      return true;
    }
    const out = Buffer.allocUnsafe(decodedBound(length));
    const written = decodeHuffman(bytes, start, this.#at, out);
    if (written < 0) return false;
    this.#string = out.toString('latin1', 0, written);
    return true;
  }

  /** RFC 7541 section 5.1; -1 for one that is cut off or larger than anything that is meant. */
  #integer(bytes: Buffer, end: number, prefix: number): number {
    const mask = (1 << prefix) - 1;
    let value = (bytes[this.#at++] as number) & mask; // callers have looked
    if (value < mask) return value;
    for (let octets = 0; octets < mostIntegerOctets; octets++) {
      if (this.#at >= end) return -1;
      const octet = bytes[this.#at++] as number; // at < end
      value += (octet & 0x7f) * 2 ** (7 * octets);
      if (octet < 0x80) return value;
    }
    return -1;
  }

  #insert(entry: HeaderField): void {
    this.#entries.push(entry);
    this.#size += entry.size;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#limit) this.#size -= this.#entries[this.#first++]?.size ?? 0;
    if (this.#first < 64 || this.#first * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#first);
    this.#first = 0;
  }
}
