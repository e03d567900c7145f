import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { FairleadError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { ANONYMOUS } from '../request.ts';
import type { ApiRequest, ApiResponse, User } from '../request.ts';
import { json } from '../resource/present.ts';
import type { Router } from '../routes/router.ts';
import { PageNotFound, asStatusError, badRequest, statusOf } from '../status.ts';
import type { StatusError } from '../status.ts';
import { Authenticator } from './authenticate.ts';
import { admitConnection } from '../admission/connection.ts';
import { runtimePath } from '../connect/pod-path.ts';
import { pipeUpgrade, refuseUpgrade } from '../connect/upgrade.ts';
import type { Context } from '../context.ts';
import { prefersYaml } from '../codec/accept.ts';
import { yamlText } from '../codec/yaml-text.ts';
import { readBody } from './body.ts';
import { LargeBodies } from './large-bodies.ts';
import type { AnyRequest, AnyResponse } from './listeners.ts';
import { respond } from './respond.ts';

type Answer = (request: ApiRequest) => Promise<ApiResponse>;

const PLAIN_TEXT = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' };

/** The answer to anything thrown: a Status; what no client caused is logged here, at the top. */
async function answerOrStatus(answer: Answer, request: ApiRequest, log: Log): Promise<ApiResponse> {
  try {
    return await answer(request);
  } catch (thrown) {
    const error = asStatusError(thrown);
    logFailure(log, request, thrown, error);
    if (error instanceof PageNotFound)
      return { status: 404, headers: PLAIN_TEXT, body: `${error.message}\n` };
    const retry = error.details?.retryAfterSeconds;
    const answered = json(error.status, JSON.stringify(statusOf(error)), error.warnings);
    return retry === undefined
      ? answered
      : { ...answered, headers: { ...answered.headers, 'retry-after': String(retry) } };
  }
}

/** What a client caused is its own business; what was thrown on purpose needs no stack. */
function logFailure(log: Log, request: ApiRequest, thrown: unknown, error: StatusError): void {
  if (error.status < 500 || error.reason === 'Timeout') return;
  const fields = { method: request.method, path: request.path };
  if (thrown instanceof FairleadError) log.warn({ ...fields, code: thrown.code }, error.message);
  else log.error({ ...fields, err: thrown }, error.message);
}

/** Between node's sockets and the router. */
export class Frontend {
  readonly #context: Context;
  readonly #router: Router;
  readonly #authenticator = new Authenticator();
  readonly #largeBodies = new LargeBodies();
  /** Connections that no longer speak HTTP: the server does not know them any more, and does not close them. */
  readonly #upgraded = new Set<TLSSocket>();

  constructor(context: Context, router: Router) {
    this.#context = context;
    this.#router = router;
  }

  /** A request without its transport, answered without one. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const answer = await answerOrStatus(asked => this.#router.answer(asked), request, this.#context.log);
    return prefersYaml(request.headers['accept']) ? asYaml(answer) : answer;
  }

  async serve(message: AnyRequest, response: AnyResponse): Promise<void> {
    const held: (() => void)[] = [];
    try {
      const request = this.#requestOf(message, release => held.push(release));
      await respond(message, response, await this.handle(request));
    } catch (error) {
      // Only the connection itself can fail here.
      this.#context.log.debug({ err: error }, 'An answer could not be sent');
      message.destroy();
    } finally {
      for (const release of held) release();
    }
  }

  /** Serves a request to switch protocols: `pods/NAME/exec`, `attach` or `portforward`. */
  async upgrade(message: IncomingMessage, socket: TLSSocket, head: Buffer): Promise<void> {
    // The client may go at any time; without a listener its reset would end the process.
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#upgraded.delete(socket));
    this.#upgraded.add(socket);
    const connect = async (request: ApiRequest) => {
      const target = this.#router.resolveUpgrade(request);
      const path = runtimePath(target);
      await admitConnection(target);
      await pipeUpgrade(this.#context.runtime, path, { message, socket, head });
      return UPGRADED;
    };
    const answer = await answerOrStatus(connect, this.#requestOf(message, noPlace), this.#context.log);
    if (answer !== UPGRADED) refuseUpgrade(socket, answer);
  }

  closeUpgraded(): void {
    for (const socket of this.#upgraded) socket.destroy();
  }

  /** A certificate counts before a token, as upstream has it. */
  #userOf(message: AnyRequest): User | undefined {
    const byCertificate = this.#authenticator.userOf(message.socket as TLSSocket); // all our listeners are TLS
    const { authorization } = message.headers;
    const isKnown = byCertificate !== undefined && byCertificate !== ANONYMOUS;
    if (isKnown || authorization === undefined) return byCertificate;
    const token = BEARER.exec(authorization)?.[1];
    return token === undefined ? undefined : this.#context.tokens.userOf(token);
  }

  #requestOf(message: AnyRequest, held: (release: () => void) => void): ApiRequest {
    const [rawPath, rawQuery] = splitOnce(message.url ?? '/');
    const headers: Record<string, string | undefined> = {};
    for (const [name, value] of Object.entries(message.headers)) {
      if (name.startsWith(':')) continue; // HTTP/2 puts the request line there
      headers[name] = Array.isArray(value) ? value.join(', ') : String(value);
    }
    return {
      method: message.method ?? 'GET',
      get path() {
        return decodedPath(rawPath);
      },
      query: new URLSearchParams(rawQuery),
      headers,
      user: this.#userOf(message),
      body: () => readBody(message, { take: () => this.#largeBodies.take(), held }),
    };
  }
}

/** Every answer is made as JSON; few ask for another form of it. */
function asYaml(answer: ApiResponse): ApiResponse {
  if ('stream' in answer || answer.headers['content-type'] !== 'application/json') return answer;
  const body = yamlText(JSON.parse(Buffer.from(answer.body).toString()));
  return { ...answer, headers: { ...answer.headers, 'content-type': 'application/yaml' }, body };
}

/** Requests that switch protocols have no body. */
const noPlace = (release: () => void): void => release();

const BEARER = /^bearer +(\S+)$/i;

const UPGRADED: ApiResponse = { status: 101, headers: {}, body: '' };

function splitOnce(url: string): readonly [string, string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

function decodedPath(raw: string): string {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw badRequest('the path is not valid percent-encoded UTF-8');
  }
}
