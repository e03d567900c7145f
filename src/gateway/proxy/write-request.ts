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
  field.explain,
])
  dropped[known] = 1;
const droppedWithHost = Uint8Array.from(dropped);
droppedWithHost[field.host] = 1;

/** What the nearest proxy in front of us may have said of the client's request. */
const said = [field.forwarded, field.forwardedProto, field.forwardedHost, field.forwardedPort] as const;
const keeping = (drops: Uint8Array): Uint8Array => {
  const kept = Uint8Array.from(drops);
  for (const known of said) kept[known] = 0;
  return kept;
};
const trusted = keeping(dropped);
const trustedWithHost = keeping(droppedWithHost);

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
  /** The proxies in front of us are believed: what they say of the client's request stays. */
  readonly isTrusted: boolean;
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
  const { isTrusted } = parts;
  const drops = hasHost ? (isTrusted ? trusted : dropped) : isTrusted ? trustedWithHost : droppedWithHost;
  const forwarded = head.forwardedFor === undefined ? '' : `${head.forwardedFor}, `;
  let own = `x-forwarded-for: ${forwarded}${parts.forwarded}x-forwarded-host: ${authority}\r\nx-request-id: ${parts.requestId}\r\n`;
  if (isTrusted) own = withoutSaid(own, head);
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

/** What is said already is not said again. */
function withoutSaid(lines: string, { fields }: RequestHead): string {
  const known = new Set(fields.known.subarray(0, fields.count));
  let kept = lines;
  if (known.has(field.forwardedProto)) kept = kept.replace(/x-forwarded-proto: [^\r]*\r\n/, '');
  if (known.has(field.forwardedHost)) kept = kept.replace(/x-forwarded-host: [^\r]*\r\n/, '');
  return kept;
}

/** What a route sets or removes is not said by the proxy as well; what it adds goes with what the proxy says. */
function withoutTouched(lines: string, { touched, added }: HeaderChange): string {
  const isKept = (name: string) => !touched.has(name) || added.has(name);
  const kept = lines.split('\r\n').filter(line => line !== '' && isKept(line.slice(0, line.indexOf(':'))));
  return kept.map(line => `${line}\r\n`).join('');
}
