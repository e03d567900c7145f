import type { TableExternalAuth } from '../../table.ts';
import type { FieldLines } from '../http1/fields.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import { fieldOf, type Routed } from '../route-request.ts';
import type { ExchangeClient } from '../sides.ts';
import { writeFields } from '../write-fields.ts';
import { type OutgoingRequest, outgoingRequest } from '../write-request.ts';
import { changeLines, type FieldChange, isOurs } from './change-lines.ts';
import { type Check, encodeCheck, readCheck } from './check-message.ts';
import { failed, type Verdict } from './verdict.ts';

/** A request, as somebody is asked whether it may go on. */
export interface Question {
  readonly isHttp2: boolean;
  /** `body`: what of the request's is sent along, latin1. */
  request(body: string): OutgoingRequest;
  judge(answer: AuthAnswer): Verdict;
}

export interface AuthAnswer {
  readonly head: AnswerHead;
  readonly body: Buffer;
  readonly trailers: FieldLines | undefined;
}

/** What of an answer's head outlives it. */
export interface AnswerHead {
  readonly status: number;
  /** Field lines without those of its connection. */
  readonly lines: string;
}

export interface Asking {
  readonly filter: TableExternalAuth;
  readonly head: RequestHead;
  readonly routed: Routed;
  readonly client: ExchangeClient;
  readonly requestId: string;
  /** The proxies in front of us are believed. */
  readonly isTrusted: boolean;
}

/**
 * The request's fields, by names in lower case, as a backend would get them before the route's own changes: whoever judges
 * a request has to see what it will be, and no word of the client's that no backend hears either.
 */
function fieldsOf({
  head,
  routed: { authority },
  client: { scheme, forwarded },
  requestId,
  isTrusted,
}: Asking): Map<string, string> {
  const parts = { head, authority, scheme, forwarded, requestId, isTrusted };
  const { lines } = outgoingRequest(
    { ...parts, choice: undefined, target: '', upgrade: undefined },
    undefined,
  );
  const fields = new Map<string, string>();
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    if (colon <= 0 || name === 'host') continue;
    const value = line.slice(colon + 1).trim();
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before},${value}`);
  }
  return fields;
}

const droppedOfAnswer = new Uint8Array(32);

export const answerHead = (head: ResponseHead): AnswerHead => ({
  status: head.status,
  lines: changeLines(writeFields(head.fields, droppedOfAnswer, head.names, undefined), framing, []),
});

/** Of an answer: its body's framing and its connection. */
const framing = ['date', 'server'] as const;

export const questionOf = (asking: Asking): Question =>
  asking.filter.protocol === 'GRPC' ? callOf(asking) : httpOf(asking);

/** HTTP: the request itself with a prefix to its path, and 200 for yes (HTTPAuthConfig). */
function httpOf(asking: Asking): Question {
  const { filter, head, routed, client } = asking;
  const fields = fieldsOf(asking);
  const names = new Set(['authorization', ...filter.allowedHeaders]);
  let lines = '';
  for (const name of names) {
    const value = isOurs(name) ? undefined : fields.get(name);
    if (value !== undefined) lines += `${name}: ${value}\r\n`;
  }
  const path = filter.pathPrefix + routed.path;
  return {
    isHttp2: false,
    request: body => ({
      method: head.method,
      target: routed.query === '' ? path : `${path}?${routed.query}`,
      scheme: client.scheme,
      authority: routed.authority,
      lines: `${lines}content-length: ${body.length}\r\n`,
      hasHost: false,
      length: body.length,
      body,
      takesTrailers: false,
      upgrade: undefined,
    }),
    judge: ({ head: { status, lines: answered }, body }) => judgeHttp(filter, status, answered, body),
  };
}

function judgeHttp(filter: TableExternalAuth, status: number, lines: string, body: Buffer): Verdict {
  if (status >= 300 && status <= 499)
    return {
      type: 'refused',
      status,
      why: 'denied',
      sentence: 'this is not allowed',
      lines: withoutOurs(lines),
      ...(body.length === 0 ? {} : { body: body.toString('latin1') }),
    };
  if (status !== 200) return failed(`the answer is ${status}`);
  const { allowedResponseHeaders: allowed } = filter;
  const changes: FieldChange[] = [];
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    // What says how the answer's own body is to be read says nothing of the request's.
    const isWanted = allowed.length === 0 ? !name.startsWith('content-') : allowed.includes(name);
    if (colon <= 0 || !isWanted) continue;
    const when = changes.some(change => change.name === name) ? 'append' : 'always';
    changes.push({ name, value: line.slice(colon + 1).trim(), when });
  }
  // What only the answer may say is not taken from the client either.
  return { type: 'allowed', change: own => changeLines(own, allowed, changes), answerLines: '' };
}

const withoutOurs = (lines: string): string =>
  lines
    .split('\r\n')
    .filter(line => line !== '' && !isOurs(line.slice(0, line.indexOf(':'))))
    .map(line => `${line}\r\n`)
    .join('');

const okTrailer = /^0$/;

/** GRPC: a call of ext_authz (GRPCAuthConfig). */
function callOf(asking: Asking): Question {
  const { filter, head, routed, client, requestId } = asking;
  const { arrived } = client;
  const check: Omit<Check, 'body'> = {
    source: { address: arrived.address, port: arrived.remotePort },
    destination: { address: '', port: client.port },
    id: requestId,
    method: head.method,
    path: routed.path,
    query: routed.query,
    host: routed.authority,
    scheme: client.scheme,
    protocol: client.protocol,
    headers: headersOf(asking, filter.allowedHeaders),
    size: head.length,
  };
  return {
    isHttp2: true,
    request: body => {
      const message = encodeCheck({ ...check, body: Buffer.from(body, 'latin1') });
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      const text = Buffer.concat([prefix, message]).toString('latin1');
      return {
        method: 'POST',
        target: '/envoy.service.auth.v3.Authorization/Check',
        scheme: 'http',
        authority: 'ext-authz',
        lines: `content-type: application/grpc\r\nx-request-id: ${requestId}\r\n`,
        hasHost: false,
        length: text.length,
        body: text,
        takesTrailers: true,
        upgrade: undefined,
      };
    },
    judge: answer => {
      if (answer.head.status !== 200) return failed(`the answer is ${answer.head.status}`);
      const { trailers, body } = answer;
      const status = trailers === undefined ? undefined : fieldOf({ fields: trailers }, 'grpc-status');
      if (status === undefined || !okTrailer.test(status))
        return failed(
          `the call ended with ${status === undefined ? 'no status' : `status ${status.slice(0, 8)}`}`,
        );
      if (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5)
        return failed('the answer is no message of gRPC');
      return readCheck(body.subarray(5));
    },
  };
}

/** With the names that HTTP/2 has for what stands in the request's line, as such services expect it. */
function headersOf(asking: Asking, allowed: readonly string[]): ReadonlyMap<string, string> {
  const { head, client, routed } = asking;
  const { authority, path, query } = routed;
  const headers = new Map([
    [':method', head.method],
    [':scheme', client.scheme],
    [':authority', authority],
    [':path', query === '' ? path : `${path}?${query}`],
  ]);
  for (const [name, value] of fieldsOf(asking))
    if (allowed.length === 0 || allowed.includes(name)) headers.set(name, value);
  return headers;
}
