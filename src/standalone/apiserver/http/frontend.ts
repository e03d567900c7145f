import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { FairleadError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import { json } from '../resource/present.ts';
import type { Router } from '../routes/router.ts';
import { asStatusError, badRequest, statusOf } from '../status.ts';
import type { StatusError } from '../status.ts';
import { userOfSocket } from './authenticate.ts';
import { runtimePath } from '../connect/pod-path.ts';
import { pipeUpgrade, refuseUpgrade } from '../connect/upgrade.ts';
import type { Context } from '../context.ts';
import { readBody } from './body.ts';
import { respond } from './respond.ts';

type Answer = (request: ApiRequest) => Promise<ApiResponse>;

/** The answer to anything thrown: a Status; what no client caused is logged here, at the top. */
export async function answerOrStatus(answer: Answer, request: ApiRequest, log: Log): Promise<ApiResponse> {
  try {
    return await answer(request);
  } catch (thrown) {
    const error = asStatusError(thrown);
    logFailure(log, request, thrown, error);
    const retry = error.details?.retryAfterSeconds;
    const answered = json(error.status, JSON.stringify(statusOf(error)));
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

/** Serves one request of node:http. */
export async function serve(
  message: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  log: Log,
): Promise<void> {
  try {
    const answered = await answerOrStatus(request => answer(request), toRequest(message), log);
    await respond(message, response, answered);
  } catch (error) {
    // Only the connection itself can fail here.
    log.debug({ err: error }, 'An answer could not be sent');
    response.destroy();
  }
}

export interface Upgrade {
  readonly message: IncomingMessage;
  readonly socket: TLSSocket;
  readonly head: Buffer;
}

/** Serves a request to switch protocols: `pods/NAME/exec`, `attach` or `portforward`. */
export async function serveUpgrade(upgrade: Upgrade, router: Router, context: Context): Promise<void> {
  const { message, socket } = upgrade;
  // The client may go at any time; without a listener its reset would end the process.
  socket.on('error', () => socket.destroy());
  const refused = await answerOrStatus(
    async request => {
      await pipeUpgrade(context.runtime, runtimePath(router.resolveUpgrade(request)), upgrade);
      return UPGRADED;
    },
    toRequest(message),
    context.log,
  );
  if (refused !== UPGRADED) refuseUpgrade(socket, refused);
}

const UPGRADED: ApiResponse = { status: 101, headers: {}, body: '' };

export function toRequest(message: IncomingMessage): ApiRequest {
  const [rawPath, rawQuery] = splitOnce(message.url ?? '/');
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: message.method ?? 'GET',
    get path() {
      return decodedPath(rawPath);
    },
    query: new URLSearchParams(rawQuery),
    headers,
    user: userOfSocket(message.socket as TLSSocket), // all our listeners are TLS
    body: () => readBody(message),
  };
}

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
