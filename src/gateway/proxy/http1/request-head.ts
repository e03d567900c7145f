import { isTarget, isToken, octets } from './characters.ts';
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

/** The head of a request, reused from one to the next of a connection. */
export class RequestHead implements ConnectionOptions {
  /** In a message of HTTP/2 those of the section that it was read from. */
  fields = new FieldLines();
  method = '';
  /** As it came: origin form, absolute form, or `*`. */
  target = '';
  /** 0 or 1, of HTTP/1. */
  minor = 1;
  /** The value of Host; undefined where an HTTP/1.0 client gave none. */
  host: string | undefined;
  /** Octets of the body; -1 where it is chunked. */
  length = 0;
  hasLength = false;
  close = false;
  keepAlive = false;
  upgrade = false;
  readonly names: string[] = [];
  /** The value of Upgrade, where Connection names it. */
  protocol: string | undefined;
  expectsContinue = false;
  takesTrailers = false;
  forwardedFor: string | undefined;
  requestId: string | undefined;
  traceParent: string | undefined;
  /** Content-Type is that of gRPC. */
  isGrpc = false;
  /** Of HTTP/2, whose authority stands beside the fields. */
  isWithoutHostLine = false;

  get hasBody(): boolean {
    return this.length !== 0;
  }

  reset(): void {
    this.host = undefined;
    this.length = 0;
    this.hasLength = false;
    this.close = false;
    this.keepAlive = false;
    this.upgrade = false;
    if (this.names.length > 0) this.names.length = 0;
    this.protocol = undefined;
    this.expectsContinue = false;
    this.takesTrailers = false;
    this.forwardedFor = undefined;
    this.requestId = undefined;
    this.traceParent = undefined;
    this.isGrpc = false;
    this.isWithoutHostLine = false;
  }
}

/**
 * Reads a request's head (RFC 9112 sections 3, 5, 6). Returns where its body begins, 0 for a head that has not come
 * whole, or a problem. Stricter than the RFC where being generous is how two readers come to disagree.
 */
export function readRequestHead(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  head.reset();
  const fieldsStart = readRequestLine(bytes, skipEmptyLine(bytes, start, end), end, head);
  if (fieldsStart <= 0)
    return fieldsStart === 0 && end - start > limits.requestLine ? problem.lineTooLong : fieldsStart;
  const bodyStart = readFields(bytes, fieldsStart, end, head.fields);
  if (bodyStart < 0) return bodyStart;
  if ((bodyStart === 0 ? end : bodyStart) - start > limits.head) return problem.headTooLong;
  if (bodyStart === 0) return 0;
  const refused = judgeRequest(head);
  return refused === 0 ? bodyStart : refused;
}

/** RFC 9112 section 2.2: an empty line before a request is ignored; one. */
function skipEmptyLine(bytes: Buffer, start: number, end: number): number {
  return start + 1 < end && bytes[start] === cr && bytes[start + 1] === lf ? start + 2 : start;
}

function readRequestLine(bytes: Buffer, start: number, end: number, head: RequestHead): number {
  let at = start;
  while (at < end && isToken[bytes[at] as number] === 1) at++;
  if (at - start > limits.method) return problem.method;
  if (at === end || (end === start + 1 && bytes[start] === cr)) return 0;
  if (at === start) return problem.method;
  if (bytes[at] !== space) return bytes[at] === cr || bytes[at] === lf ? problem.requestLine : problem.method;
  const targetStart = at + 1;
  const methodEnd = at;
  at = targetStart;
  while (at < end && isTarget[bytes[at] as number] === 1) at++;
  if (at - start > limits.requestLine) return problem.lineTooLong;
  if (at === end) return 0;
  if (bytes[at] !== space) return bytes[at] === cr || bytes[at] === lf ? problem.requestLine : problem.target;
  if (at === targetStart) return problem.target;
  const version = readVersion(bytes, at + 1, end);
  if (version <= 0 && version !== versionOld) return version === versionMore ? 0 : version;
  head.minor = version === versionOld ? 0 : 1;
  head.method = methodOf(bytes, start, methodEnd);
  head.target = bytes.toString('latin1', targetStart, at);
  return at + 11;
}

const versionMore = -1000;
const versionOld = -1001;
const versionText = Buffer.from('HTTP/1.');

/** `HTTP/1.0` or `HTTP/1.1` and the line's end. */
function readVersion(bytes: Buffer, start: number, end: number): number {
  for (let index = 0; index < versionText.length; index++) {
    if (start + index >= end) return versionMore;
    if (bytes[start + index] !== versionText[index]) return versionProblem(bytes, start);
  }
  if (start + 10 > end) return versionMore;
  const minor = bytes[start + 7];
  if (minor !== 0x30 && minor !== 0x31) return problem.version;
  if (bytes[start + 8] !== cr || bytes[start + 9] !== lf) {
    return bytes[start + 8] === lf || bytes[start + 8] === cr ? problem.lineEnd : problem.requestLine;
  }
  return minor === 0x31 ? 1 : versionOld;
}

const versionProblem = (bytes: Buffer, start: number): number =>
  bytes.toString('latin1', start, start + 5) === 'HTTP/' ? problem.version : problem.requestLine;

/** The most frequent methods without a copy. */
function methodOf(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 3 && bytes[start] === 0x47 && bytes[start + 1] === 0x45 && bytes[start + 2] === 0x54)
    return 'GET';
  return bytes.toString('latin1', start, end);
}

/** Reads what the fields say of the message; 0, or a problem. */
export function judgeRequest(head: RequestHead): number {
  const { fields } = head;
  let encodings = 0;
  for (let index = 0; index < fields.count; index++) {
    const known = fields.known[index] as number; // index < count
    if (known === field.other) continue;
    const start = fields.valueStart[index] as number;
    const end = fields.valueEnd[index] as number;
    switch (known) {
      case field.host:
        if (head.host !== undefined) return problem.hostTwice;
        head.host = fields.value(index);
        break;
      case field.contentLength: {
        if (head.hasLength) return problem.lengthTwice;
        head.hasLength = true;
        const length = readLength(fields.bytes, start, end);
        if (length < 0) return length;
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
      case field.upgrade:
        head.protocol =
          head.protocol === undefined ? fields.value(index) : `${head.protocol}, ${fields.value(index)}`;
        break;
      case field.expect:
        if (!isWord(fields.bytes, start, end, '100-continue')) return problem.expectation;
        head.expectsContinue = true;
        break;
      case field.te:
        if (/(^|,)[ \t]*trailers[ \t]*(,|$)/i.test(fields.value(index))) head.takesTrailers = true;
        break;
      case field.forwardedFor:
        head.forwardedFor =
          head.forwardedFor === undefined
            ? fields.value(index)
            : `${head.forwardedFor}, ${fields.value(index)}`;
        break;
      case field.requestId:
        head.requestId ??= fields.value(index);
        break;
      case field.traceParent:
        head.traceParent ??= fields.value(index);
        break;
    }
  }
  if (encodings > 0) {
    if (head.hasLength) return problem.lengthAndEncoding;
    if (head.minor === 0) return problem.encodingOld;
    head.length = -1;
  }
  if (head.host === undefined && head.minor === 1) return problem.hostMissing;
  if (head.method === 'CONNECT') return problem.connect;
  return 0;
}
