/** The echo server over HTTP: it answers with what it was asked, and with what it was told to answer. */
import type { TLSSocket } from 'node:tls';
import { parseDuration, pause } from './duration.ts';
import {
  answer,
  headersOf,
  hostOf,
  pathOf,
  queryOf,
  type Handler,
  type Request,
  type Response,
} from './http-message.ts';
import { formatPeer, type PodContext } from './serving.ts';
import { tlsFacts } from './tls-facts.ts';

export interface EchoOptions {
  readonly httpPort: number;
  readonly context: PodContext;
}

/** The routes of the ports for HTTP and HTTPS; WebSocket is served beside it, at /ws. */
export function echoRoutes(options: EchoOptions): Handler {
  const attempts = new Attempts();
  return (request, response) => {
    const path = pathOf(request).replaceAll('//', '/');
    if (path === '/health') answer(response, 200, 'OK', { 'Content-Type': 'text/plain; charset=utf-8' });
    else if (path === '/status' || path === '/retry')
      answer(response, 301, '', { Location: `${path}/${(request.url ?? '').slice(path.length)}` });
    else if (path.startsWith('/status/')) answerStatus(request, response);
    else if (path.startsWith('/retry/')) void answerRetry(options, attempts, request, response);
    else if (path === '/ws') answer(response, 400, '');
    else void echo(options, request, response);
  };
}

/** Elsewhere a request that asks for an upgrade is an ordinary one. */
export function isForWebSocket(request: Request): boolean {
  return pathOf(request) === '/ws';
}

/** Answers with the request. `?delay=1s` waits before; `X-Echo-Set-Header: name:value, …` asks for response headers. */
export async function echo(options: EchoOptions, request: Request, response: Response): Promise<void> {
  const peer = formatPeer(request.socket.remoteAddress, request.socket.remotePort);
  console.log(`Echoing back request made to ${request.url ?? ''} to client (${peer})`);
  if (!(await delayed(request, response, 'delay'))) return;
  const facts = {
    path: request.url ?? '',
    host: hostOf(request),
    method: request.method,
    proto: `HTTP/${request.httpVersion}`,
    headers: headersOf(request),
    httpPort: String(options.httpPort),
    ...options.context,
    ...tlsOf(request),
  };
  setAskedHeaders(request, response);
  answer(response, 200, JSON.stringify(facts, null, 1), JSON_HEADERS);
}

const JSON_HEADERS = { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' };

function tlsOf(request: Request): object {
  const socket = request.socket as Partial<TLSSocket>;
  return socket.encrypted === true ? { tls: tlsFacts(request.socket as TLSSocket) } : {};
}

/** `/status/503` answers with that status, and anything else there with 400. */
function answerStatus(request: Request, response: Response): void {
  const status = Number(/^\/status\/(\d{3})$/.exec(request.url ?? '')?.[1] ?? 400);
  if (status === 204 || status === 304) {
    response.statusCode = status;
    response.end();
    return;
  }
  answer(response, status >= 200 && status <= 999 ? status : 400, '');
}

/** Waits as the query asks. False when it could not be understood: then the answer has been given. */
async function delayed(request: Request, response: Response, key: string): Promise<boolean> {
  const text = queryOf(request).get(key) ?? '';
  if (text === '') return true;
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) {
    const message = `time: invalid duration ${JSON.stringify(text)}`;
    answer(response, 500, JSON.stringify({ message }), JSON_HEADERS);
    return false;
  }
  if (milliseconds > 0) await pause(milliseconds);
  return true;
}

function setAskedHeaders(request: Request, response: Response): void {
  const asked = headersOf(request)['X-Echo-Set-Header'] ?? [];
  const values = new Map<string, string>();
  for (const pair of asked.flatMap(each => each.split(','))) {
    const text = pair.trim();
    const colon = text.indexOf(':');
    const name = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).trim();
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) || OWN.has(name.toLowerCase())) continue;
    const before = values.get(name);
    values.set(name, before === undefined ? value : `${before},${value}`);
  }
  for (const [name, value] of values) response.setHeader(name, value);
}

/** How the answer is framed is not for the client to say. */
const OWN: ReadonlySet<string> = new Set(['connection', 'content-length', 'transfer-encoding', 'upgrade']);

/** How often each request of a retry test has been tried. */
class Attempts {
  readonly #counts = new Map<string, number>();

  /** Counts one more; true as long as it still has to fail. */
  fails(id: string, succeedAfter: number): boolean {
    const count = this.#counts.get(id) ?? 0;
    if (count >= succeedAfter) return false;
    this.#counts.set(id, count + 1);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > 10_000 && oldest !== undefined) this.#counts.delete(oldest);
    return true;
  }
}

/** `/retry/…?uuid=U&succeedAfter=N[&responseCode=C][&delayRetry=D]`: the first N tries fail, by status or by a reset. */
async function answerRetry(
  options: EchoOptions,
  attempts: Attempts,
  request: Request,
  response: Response,
): Promise<void> {
  const query = queryOf(request);
  const id = query.get('uuid') ?? '';
  const succeedAfter = query.get('succeedAfter') ?? '';
  if (id === '') return answer(response, 400, 'uuid is required');
  if (!/^[+-]?\d{1,9}$/.test(succeedAfter)) return answer(response, 400, 'succeedAfter is required');
  if (!attempts.fails(id, Number(succeedAfter))) return echo(options, request, response);
  if (!(await delayed(request, response, 'delayRetry'))) return;
  const status = Number(query.get('responseCode') ?? NaN);
  if (Number.isInteger(status)) return answer(response, status >= 200 && status <= 999 ? status : 400, '');
  if (request.httpVersionMajor !== 1)
    return answer(
      response,
      500,
      JSON.stringify({ message: 'response writer does not support hijacking' }),
      JSON_HEADERS,
    );
  const { socket } = request;
  if ((socket as Partial<TLSSocket>).encrypted === true) socket.destroy();
  else socket.resetAndDestroy();
}
