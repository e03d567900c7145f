import { field } from './http1/known-fields.ts';
import type { RequestHead } from './http1/request-head.ts';
import type { Choice, HeaderChange } from './rule-plan.ts';
import { writeFields } from './write-fields.ts';

/** Fields that are for this connection alone, that the proxy says itself, or that it does not take a client's word for. */
const dropped = new Uint8Array(32);
for (const known of [
  field.connection,
  field.keepAlive,
  field.proxyConnection,
  field.te,
  field.upgrade,
  field.transferEncoding,
  field.http2Settings,
  field.proxyAuthorization,
  field.forwarded,
  field.forwardedFor,
  field.forwardedProto,
  field.forwardedHost,
  field.forwardedPort,
  field.requestId,
])
  dropped[known] = 1;
const droppedWithHost = Uint8Array.from(dropped);
droppedWithHost[field.host] = 1;

export interface RequestParts {
  readonly head: RequestHead;
  readonly choice: Choice;
  /** Path and query as the backend gets them. */
  readonly target: string;
  /** As the client gave it, with the port. */
  readonly authority: string;
  /** What is the same for all requests of a connection: the client's address, and the line of the scheme. */
  readonly forwarded: string;
  readonly requestId: string;
  /** The protocol that is asked for, where the request may be upgraded. */
  readonly upgrade: string | undefined;
}

/** A request's head as the backend gets it, as latin1 text: always HTTP/1.1. */
export function writeRequestHead(parts: RequestParts): string {
  const { head, choice, authority } = parts;
  const isSameHost = choice.hostname === undefined && head.host === authority && authority !== '';
  const host = isSameHost ? '' : `host: ${choice.hostname ?? authority}\r\n`;
  const drops = isSameHost ? dropped : droppedWithHost;
  const forwarded = head.forwardedFor === undefined ? '' : `${head.forwardedFor}, `;
  const own = `x-forwarded-for: ${forwarded}${parts.forwarded}x-forwarded-host: ${authority}\r\nx-request-id: ${parts.requestId}\r\n`;
  const change = choice.requestChange;
  let text =
    `${head.method} ${parts.target} HTTP/1.1\r\n${host}` +
    writeFields(head.fields, drops, head.names, change) +
    (change === undefined ? own : withoutTouched(own, change));
  if (head.length === -1) text += 'transfer-encoding: chunked\r\n';
  if (parts.upgrade !== undefined) text += `connection: upgrade\r\nupgrade: ${parts.upgrade}\r\n`;
  else if (head.takesTrailers) text += 'connection: te\r\nte: trailers\r\n';
  return `${text}\r\n`;
}

/** What a route sets or removes is not said by the proxy as well; what it adds goes with what the proxy says. */
function withoutTouched(lines: string, { touched, added }: HeaderChange): string {
  const isKept = (name: string) => !touched.has(name) || added.has(name);
  const kept = lines.split('\r\n').filter(line => line !== '' && isKept(line.slice(0, line.indexOf(':'))));
  return kept.map(line => `${line}\r\n`).join('');
}
