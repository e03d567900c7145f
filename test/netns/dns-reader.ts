/** Walks through the octets of a DNS message; throws where it ends too early. */
export class Reader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at === this.#bytes.length;
  }

  number(octets: 1 | 2 | 4): number {
    this.at += octets;
    return this.#bytes.readUIntBE(this.at - octets, octets);
  }

  octets(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new Error('the message ends too early');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  /** Labels joined by dots, letters as they are. */
  name(): string {
    return this.#labels(true).join('.');
  }

  /** The same, where pointers are not allowed. */
  plainName(): string {
    return this.#labels(false).join('.');
  }

  #labels(mayPoint: boolean): readonly string[] {
    const octet = this.number(1);
    if (octet === 0) return [];
    if (octet < 64) return [this.octets(octet).toString('latin1'), ...this.#labels(mayPoint)];
    if (octet < 192 || !mayPoint) throw new Error(`a label begins with ${octet}`);
    const target = (octet - 192) * 256 + this.number(1);
    if (target >= this.at - 2) throw new Error('a pointer forwards');
    const back = this.at;
    this.at = target;
    const labels = this.#labels(true);
    this.at = back;
    return labels;
  }
}
