/** Requests and responses of both HTTP versions, as the built-in servers see them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';

export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;
export type Handler = (request: Request, response: Response) => void;

export function answer(
  response: Response,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.destroyed) return;
  response.statusCode = status;
  response.setHeader('Content-Length', Buffer.byteLength(body));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(body);
}

export function answerText(response: Response, status: number, body: string): void {
  answer(response, status, body, { 'Content-Type': 'text/plain; charset=utf-8' });
}

/** As Go's net/http shows them: canonical names in order, every value a list; `Host` and what frames a body apart. */
export function headersOf(request: Request): Readonly<Record<string, readonly string[]>> {
  const headers = new Map<string, string[]>();
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    if (name.startsWith(':') || APART.has(name.toLowerCase())) continue;
    const key = canonical(name);
    const values = headers.get(key) ?? [];
    values.push(request.rawHeaders[index + 1] ?? '');
    headers.set(key, values);
  }
  return Object.fromEntries([...headers].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const APART: ReadonlySet<string> = new Set(['host', 'transfer-encoding', 'trailer']);

function canonical(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase());
}

export function hostOf(request: Request): string {
  const { host, ':authority': authority } = request.headers;
  return String(authority ?? host ?? '');
}

/** The query of a request; what cannot be read as one is empty. */
export function queryOf(request: Request): URLSearchParams {
  const at = (request.url ?? '').indexOf('?');
  return new URLSearchParams(at < 0 ? '' : (request.url ?? '').slice(at + 1));
}

/** The path without its query. */
export function pathOf(request: Request): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}
