import { isFieldValue, octets } from './characters.ts';
import {
  type ConnectionOptions,
  isWord,
  readConnection,
  readLength,
  readPlainConnection,
} from './field-values.ts';
import { FieldLines, readFields } from './fields.ts';
import { field } from './known-fields.ts';
import { limits } from './limits.ts';
import { problem } from './problems.ts';

const { cr, lf, space } = octets;

/** How the end of a response's body is found. */
export const untilClose = -2;
export const isChunked = -1;

/** RFC 9112 section 6.3: an answer that ends with its head, whatever that says of a length. */
export const hasNoBody = (method: string, status: number): boolean =>
  method === 'HEAD' || status === 204 || status === 304 || status < 200;

export class ResponseHead implements ConnectionOptions {
  /** In a message of HTTP/2 those of the section that it was read from. */
  fields = new FieldLines();
  status = 0;
  reason = '';
  minor = 1;
  /** Octets of the body, `isChunked`, or `untilClose`; for a response to HEAD it is what GET would have had. */
  length: number = untilClose;
  hasLength = false;
  close = false;
  keepAlive = false;
  upgrade = false;
  readonly names: string[] = [];
  /** Of Keep-Alive: how long the other side keeps an idle connection, in seconds; -1: it does not say. */
  keepAliveSeconds = -1;

  /** Whether its connection may be used again after it. */
  get isPersistent(): boolean {
    return !this.close && (this.minor === 1 || this.keepAlive);
  }

  reset(): void {
    this.length = untilClose;
    this.hasLength = false;
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    if (this.names.length > 0) this.names.length = 0;
    this.keepAliveSeconds = -1;
  }
}

/**
 * Reads a response's head (RFC 9112 sections 4, 5, 6): where its body begins, 0 for a head that has not come whole, or a
 * problem. A backend is read as strictly as a client: whoever can make it say something could else speak to the next client.
 */
export function readResponseHead(bytes: Buffer, start: number, end: number, head: ResponseHead): number {
  head.reset();
  const fieldsStart = readStatusLine(bytes, start, end, head);
  if (fieldsStart <= 0)
    return fieldsStart === 0 && end - start > limits.requestLine ? problem.lineTooLong : fieldsStart;
  const bodyStart = readFields(bytes, fieldsStart, end, head.fields);
  if (bodyStart < 0) return bodyStart;
  if ((bodyStart === 0 ? end : bodyStart) - start > limits.head) return problem.headTooLong;
  if (bodyStart === 0) return 0;
  const refused = judgeResponse(head);
  return refused === 0 ? bodyStart : refused;
}

const versionText = Buffer.from('HTTP/1.');

/** `HTTP/1.1 200 OK`; the reason and the space before it may be missing, as old servers have it. */
function readStatusLine(bytes: Buffer, start: number, end: number, head: ResponseHead): number {
  const known = Math.min(end - start, versionText.length);
  for (let index = 0; index < known; index++) {
    if (bytes[start + index] !== versionText[index]) return problem.statusLine;
  }
  if (end - start < 14) return 0;
  const minor = (bytes[start + 7] as number) - 0x30; // the length was seen above
  if (minor !== 0 && minor !== 1) return problem.version;
  if (bytes[start + 8] !== space) return problem.statusLine;
  let status = 0;
  for (let index = 9; index < 12; index++) {
    const digit = (bytes[start + index] as number) - 0x30;
    if (digit < 0 || digit > 9) return problem.statusLine;
    status = status * 10 + digit;
  }
  if (status < 100 || status > 599) return problem.statusLine;
  let at = start + 12;
  if (bytes[at] === space) at++;
  else if (bytes[at] !== cr) return problem.statusLine;
  const reasonStart = at;
  while (at < end && isFieldValue[bytes[at] as number] === 1) at++;
  if (at - start > limits.requestLine) return problem.lineTooLong;
  if (at + 1 >= end) return 0;
  if (bytes[at] !== cr || bytes[at + 1] !== lf) return problem.lineEnd;
  head.minor = minor;
  head.status = status;
  head.reason = isOk(bytes, reasonStart, at) ? 'OK' : bytes.toString('latin1', reasonStart, at);
  return at + 2;
}

const isOk = (bytes: Buffer, start: number, end: number): boolean =>
  end - start === 2 && bytes[start] === 0x4f && bytes[start + 1] === 0x4b;

/** Reads what the fields say of the message; 0, or a problem. */
export function judgeResponse(head: ResponseHead): number {
  const { fields } = head;
  let encodings = 0;
  for (let index = 0; index < fields.count; index++) {
    const known = fields.known[index] as number; // index < count
    if (known === field.other) continue;
    const start = fields.valueStart[index] as number;
    const end = fields.valueEnd[index] as number;
    switch (known) {
      case field.contentLength: {
        if (head.hasLength) return problem.lengthTwice;
        const length = readLength(fields.bytes, start, end);
        if (length < 0) return length;
        head.hasLength = true;
        head.length = length;
        break;
      }
      case field.transferEncoding:
        if (++encodings > 1) return problem.encodingTwice;
        if (!isWord(fields.bytes, start, end, 'chunked')) return problem.encodingUnknown;
        break;
      case field.connection:
        if (!readPlainConnection(fields.bytes, start, end, head)) readConnection(fields.value(index), head);
        break;
      case field.keepAlive: {
        const [, seconds] = /(?:^|[,;\s])timeout=(\d{1,6})/i.exec(fields.value(index)) ?? [];
        if (seconds !== undefined) head.keepAliveSeconds = Number(seconds);
        break;
      }
    }
  }
  if (encodings > 0) {
    if (head.hasLength) return problem.lengthAndEncoding;
    if (head.minor === 0) return problem.encodingOld;
    head.length = isChunked;
  }
  return 0;
}
