import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** Node's own HTTP/2, on both sides of the proxy. */
export function connectHttp2(context: TestContext, port: number): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  // What goes wrong is seen on the streams.
  session.on('error', () => undefined);
  context.after(() => session.destroy());
  return session;
}

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

/** One request; rejects where the stream is reset. */
export function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const stream = session.request(
      { ':authority': 'a.example', ...headers },
      { endStream: body === undefined },
    );
    let told: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    const pieces: Buffer[] = [];
    stream.on('response', answer => (told = answer));
    stream.on('trailers', came => (trailers = came));
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    stream.on('error', reject);
    stream.on('close', () => {
      if (stream.rstCode !== 0) reject(new Error(`reset with code ${stream.rstCode}`));
      else
        resolve({
          status: Number(told[':status']),
          headers: told,
          trailers,
          body: Buffer.concat(pieces).toString(),
        });
    });
    if (body !== undefined) stream.end(body);
  });
}

export interface Http2Backend {
  readonly port: number;
  readonly sockets: readonly Socket[];
}

/** A backend that speaks HTTP/2 alone, in clear. */
export async function startHttp2Backend(
  context: TestContext,
  serve: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
): Promise<Http2Backend> {
  const server = createServer();
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => sockets.push(socket));
  server.on('sessionError', () => undefined);
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    serve(stream, headers);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

const clientPreface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** A frame as latin1 text, for clients that say what they like. */
export function frameText(type: number, flags: number, stream: number, payload = ''): string {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return head.toString('latin1') + payload;
}

export const number32 = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.toString('latin1');
};

/** What every client begins with. */
export const hello = clientPreface + frameText(4, 0, 0);

/** GET / of a.example over http, in a header block without a table. */
export const getBlock = '\x82\x86\x84\x01\x09a.example';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The whole frames of what came. */
export function framesOf(heard: string): readonly Frame[] {
  const bytes = Buffer.from(heard, 'latin1');
  const frames: Frame[] = [];
  for (let at = 0; at + 9 <= bytes.length;) {
    const length = bytes.readUIntBE(at, 3);
    const end = at + 9 + length;
    if (end > bytes.length) break;
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      stream: bytes.readUInt32BE(at + 5),
      payload: bytes.subarray(at + 9, end),
    });
    at = end;
  }
  return frames;
}

/** The code of the GOAWAY that came last. */
export const goAwayCode = (heard: string): number | undefined =>
  framesOf(heard)
    .findLast(({ type }) => type === 7)
    ?.payload.readUInt32BE(4);
