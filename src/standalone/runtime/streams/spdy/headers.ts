import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { headerDictionary } from './dictionary.ts';
import { FrameError } from './frames.ts';

const LARGEST = 64 << 10;

/** Names (in lower case) and values of a stream's headers. */
export type Headers = ReadonlyMap<string, string>;

/** The headers of one connection: each direction is one compressed stream, so calls must come in the frames' order. */
export class HeaderCodec {
  readonly #inflate: Inflate;
  readonly #deflate: Deflate;

  constructor() {
    const dictionary = headerDictionary();
    this.#inflate = createInflate({ dictionary });
    this.#deflate = createDeflate({ dictionary });
  }

  async decode(block: Buffer): Promise<Headers> {
    return parseHeaders(await transform(this.#inflate, block));
  }

  /** No headers, which is all that answers need. */
  encodeNone(): Promise<Buffer> {
    return transform(this.#deflate, Buffer.alloc(4));
  }

  close(): void {
    this.#inflate.destroy();
    this.#deflate.destroy();
  }
}

/** What comes out once all that went in was flushed. */
function transform(stream: Inflate | Deflate, input: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const collect = (part: Buffer) => {
      length += part.length;
      if (length > LARGEST) done(new FrameError('the headers of a stream are too large'));
      else parts.push(part);
    };
    const done = (error?: Error) => {
      stream.off('data', collect).off('error', done);
      if (error === undefined) resolve(Buffer.concat(parts));
      else reject(error);
    };
    stream.on('data', collect).once('error', done);
    stream.write(input, () => stream.flush(constants.Z_SYNC_FLUSH, () => setImmediate(done)));
  });
}

function parseHeaders(bytes: Buffer): Headers {
  const headers = new Map<string, string>();
  let at = 0;
  const count = readLength(bytes, at);
  at += 4;
  for (let index = 0; index < count; index++) {
    const pair: string[] = [];
    for (let part = 0; part < 2; part++) {
      const length = readLength(bytes, at);
      at += 4;
      if (at + length > bytes.length) throw new FrameError('the headers of a stream are cut off');
      pair.push(bytes.toString('utf8', at, at + length));
      at += length;
    }
    headers.set((pair[0] ?? '').toLowerCase(), pair[1] ?? '');
  }
  return headers;
}

function readLength(bytes: Buffer, at: number): number {
  if (at + 4 > bytes.length) throw new FrameError('the headers of a stream are cut off');
  return bytes.readUInt32BE(at);
}
