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
  readonly choice: Pick<Choice, 'hostname' | 'requestChange'> | undefined;
  /** Path and query as the backend gets them. */
  readonly target: string;
  /** As the client gave it, with the port. */
  readonly authority: string;
  readonly scheme: 'http' | 'https';
  /** What is the same for all requests of a connection: the client's address, and the line of the scheme. */
  readonly forwarded: string;
  readonly requestId: string;
  /** The protocol that is asked for, where the request may be upgraded. */
  readonly upgrade: string | undefined;
}

/** A request as a backend gets it, by whichever protocol. */
export interface OutgoingRequest {
  readonly method: string;
  readonly target: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  /** Field lines, latin1. */
  readonly lines: string;
  /** The line of Host is among them, where the client put it. */
  readonly hasHost: boolean;
  /** Octets of the body; -1 where nobody knows. */
  readonly length: number;
  /** The whole body, where it came with the head. */
  readonly body: string | undefined;
  readonly takesTrailers: boolean;
  readonly upgrade: string | undefined;
}

export function outgoingRequest(parts: RequestParts, body: string | undefined): OutgoingRequest {
  const { head, choice, authority } = parts;
  const hasHost =
    choice?.hostname === undefined && head.host === authority && authority !== '' && !head.isWithoutHostLine;
  const drops = hasHost ? dropped : droppedWithHost;
  const forwarded = head.forwardedFor === undefined ? '' : `${head.forwardedFor}, `;
  const own = `x-forwarded-for: ${forwarded}${parts.forwarded}x-forwarded-host: ${authority}\r\nx-request-id: ${parts.requestId}\r\n`;
  const change = choice?.requestChange;
  return {
    method: head.method,
    target: parts.target,
    scheme: parts.scheme,
    authority: choice?.hostname ?? authority,
    lines:
      writeFields(head.fields, drops, head.names, change) +
      (change === undefined ? own : withoutTouched(own, change)),
    hasHost,
    length: head.length,
    body,
    takesTrailers: head.takesTrailers,
    upgrade: parts.upgrade,
  };
}

/** A request in HTTP/1.1, as latin1 text. */
export function requestText(request: OutgoingRequest): string {
  const { method, target, authority, lines, hasHost, length, body = '', upgrade } = request;
  const host = hasHost ? '' : `host: ${authority}\r\n`;
  let text = `${method} ${target} HTTP/1.1\r\n${host}${lines}`;
  if (length === -1) text += 'transfer-encoding: chunked\r\n';
  if (upgrade !== undefined) text += `connection: upgrade\r\nupgrade: ${upgrade}\r\n`;
  else if (request.takesTrailers) text += 'connection: te\r\nte: trailers\r\n';
  return `${text}\r\n${body}`;
}

/** What a route sets or removes is not said by the proxy as well; what it adds goes with what the proxy says. */
function withoutTouched(lines: string, { touched, added }: HeaderChange): string {
  const isKept = (name: string) => !touched.has(name) || added.has(name);
  const kept = lines.split('\r\n').filter(line => line !== '' && isKept(line.slice(0, line.indexOf(':'))));
  return kept.map(line => `${line}\r\n`).join('');
}
