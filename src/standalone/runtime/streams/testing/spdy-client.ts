import { constants, createDeflate } from 'node:zlib';
import { headerDictionary } from '../spdy/dictionary.ts';

/** Makes the SYN_STREAM frames of one client's connection. */
export class SpdyTestClient {
  readonly #deflate = createDeflate({ dictionary: headerDictionary() });

  async open(stream: number, headers: Readonly<Record<string, string>>): Promise<Buffer> {
    const texts = Object.entries(headers).flat();
    const parts = [
      length(texts.length / 2),
      ...texts.flatMap(text => [length(text.length), Buffer.from(text)]),
    ];
    const blocks: Buffer[] = [];
    const collect = (block: Buffer) => void blocks.push(block);
    this.#deflate.on('data', collect);
    await new Promise<void>(resolve => {
      this.#deflate.write(Buffer.concat(parts));
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => setImmediate(resolve));
    });
    this.#deflate.off('data', collect);
    const body = Buffer.concat([length(stream), length(0), Buffer.alloc(2), ...blocks]);
    return Buffer.concat([Buffer.from([0x80, 3, 0, 1]), length(body.length), body]);
  }
}

function length(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
