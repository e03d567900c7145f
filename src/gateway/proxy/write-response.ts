import { field } from './http1/known-fields.ts';
import { reasonOf } from './own-response.ts';
import type { ResponseHead } from './http1/response-head.ts';
import type { HeaderChange } from './rule-plan.ts';
import { writeFields } from './write-fields.ts';

/** Fields that are for one connection alone. */
export const droppedOfResponse = new Uint8Array(32);
for (const known of [
  field.connection,
  field.keepAlive,
  field.proxyConnection,
  field.transferEncoding,
  field.upgrade,
  field.te,
])
  droppedOfResponse[known] = 1;
const droppedWithLength = Uint8Array.from(droppedOfResponse);
droppedWithLength[field.contentLength] = 1;

/** How the client finds the end of the body. */
export type ClientFraming = 'as-it-is' | 'chunked' | 'close' | 'none';

export interface ResponseParts {
  readonly head: ResponseHead;
  readonly framing: ClientFraming;
  readonly change: HeaderChange | undefined;
  /** `close`, `keep-alive`, `upgrade`, or nothing to say. */
  readonly connection: string | undefined;
  readonly upgrade: string | undefined;
}

/** A response's head as the client gets it, as latin1 text. */
export function writeResponseHead(parts: ResponseParts): string {
  const { head, framing } = parts;
  // RFC 9110 section 8.6: no Content-Length with 1xx and 204.
  const hasNoLength =
    head.status < 200 || head.status === 204 || framing === 'chunked' || framing === 'close';
  let text =
    statusLine(head) +
    writeFields(head.fields, hasNoLength ? droppedWithLength : droppedOfResponse, head.names, parts.change);
  // A message of HTTP/2 that ends with its head says no length.
  if (framing === 'as-it-is' && !head.hasLength) text += 'content-length: 0\r\n';
  if (framing === 'chunked') text += 'transfer-encoding: chunked\r\n';
  if (parts.connection !== undefined) text += `connection: ${parts.connection}\r\n`;
  if (parts.upgrade !== undefined) text += `upgrade: ${parts.upgrade}\r\n`;
  return `${text}\r\n`;
}

/** What the end of a body is found by, for a client of HTTP/1.`minor`. */
export function framingOf(length: number, hasNoBody: boolean, minor: number): ClientFraming {
  if (hasNoBody || length >= 0) return hasNoBody ? 'none' : 'as-it-is';
  if (minor === 0) return 'close';
  return 'chunked';
}

const statusLine = ({ status, reason }: ResponseHead): string =>
  status === 200 && reason === 'OK'
    ? 'HTTP/1.1 200 OK\r\n'
    : `HTTP/1.1 ${status} ${reason === '' ? reasonOf(status) : reason}\r\n`;
