/** A WebSocket server that sends back what it gets (RFC 6455), on the socket of an HTTP/1.1 upgrade. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const KEY_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const LARGEST_FRAME = 16 << 20;

/** Why a handshake is refused; undefined when it is in order. As the original, it insists on an origin. */
export function handshakeProblem(
  request: IncomingMessage,
): { readonly status: number; readonly reason: string } | undefined {
  const { headers, method } = request;
  const tokens = (headers.connection ?? '').toLowerCase().split(/\s*,\s*/);
  if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket' || !tokens.includes('upgrade'))
    return { status: 400, reason: 'Bad Request' };
  if (headers['sec-websocket-version'] !== '13') return { status: 400, reason: 'Bad Request' };
  const key = headers['sec-websocket-key'];
  if (key === undefined || Buffer.from(key, 'base64').length !== 16)
    return { status: 400, reason: 'Bad Request' };
  const { origin } = headers;
  if (typeof origin !== 'string' || !URL.canParse(origin)) return { status: 403, reason: 'Forbidden' };
  return undefined;
}

/** Answers the handshake and echoes every frame's payload as text, until either side closes. */
export function echoWebSocket(request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => socket.destroy());
  const problem = handshakeProblem(request);
  if (problem !== undefined) {
    socket.end(
      `HTTP/1.1 ${problem.status} ${problem.reason}\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    );
    return;
  }
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}${KEY_SUFFIX}`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  const reader = new FrameReader();
  const take = (bytes: Buffer) => {
    for (const frame of reader.read(bytes)) {
      if (!answerFrame(socket, frame)) return;
    }
    if (reader.broken !== undefined) close(socket, reader.broken);
  };
  socket.on('data', take);
  socket.on('end', () => socket.end());
  if (head.length > 0) take(head);
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** False when the conversation is over. */
function answerFrame(socket: Duplex, frame: Frame): boolean {
  switch (frame.opcode) {
    case CONTINUATION:
    case TEXT:
    case BINARY:
      socket.write(encodeFrame(TEXT, frame.payload));
      return true;
    case PING:
      socket.write(encodeFrame(PONG, frame.payload));
      return true;
    case PONG:
      return true;
    default:
      socket.end(encodeFrame(CLOSE, frame.opcode === CLOSE ? frame.payload.subarray(0, 2) : code(1002)));
      return false;
  }
}

function close(socket: Duplex, status: number): void {
  socket.end(encodeFrame(CLOSE, code(status)));
}

function code(status: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(status);
  return bytes;
}

/** A server's frame: final, not masked. */
function encodeFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const extra = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + extra);
  header[0] = 0x80 | opcode;
  header[1] = extra === 0 ? length : extra === 2 ? 126 : 127;
  if (extra === 2) header.writeUInt16BE(length, 2);
  if (extra === 8) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

/** Cuts a client's bytes into frames. `broken` is the status to close with when they break the rules. */
class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  broken: number | undefined;

  *read(bytes: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) yield frame;
  }

  #next(): Frame | undefined {
    const rest = this.#rest;
    if (this.broken !== undefined || rest.length < 2) return undefined;
    const [first = 0, second = 0] = rest;
    const short = second & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const isMasked = (second & 0x80) !== 0;
    if (!isMasked || (first & 0x70) !== 0 || (short > 125 && (first & 0x08) !== 0)) {
      this.broken = 1002; // RFC 6455, 5.1 and 5.2: clients mask, nobody sets reserved bits, control frames are short
      return undefined;
    }
    if (rest.length < 2 + extra + 4) return undefined;
    const length = extra === 0 ? short : extra === 2 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (length > LARGEST_FRAME) {
      this.broken = 1009;
      return undefined;
    }
    const start = 2 + extra + 4;
    if (rest.length < start + length) return undefined;
    const mask = rest.subarray(2 + extra, start);
    const payload = Buffer.from(rest.subarray(start, start + length));
    for (let index = 0; index < payload.length; index++)
      payload[index] = (payload[index] ?? 0) ^ (mask[index & 3] ?? 0);
    this.#rest = rest.subarray(start + length);
    return { opcode: first & 0x0f, payload };
  }
}
