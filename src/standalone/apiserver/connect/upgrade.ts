import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ApiResponse } from '../request.ts';
import type { Runtime } from './runtime.ts';
import { refusal, unreachable } from './runtime.ts';

/** Headers that make the switch of protocols; nothing else of the client reaches the runtime. */
const PASSED = /^(connection|upgrade|sec-websocket-.*|x-stream-protocol-version)$/;

/** Milliseconds for the runtime to switch or refuse; a client that has gone meanwhile is not noticed before. */
const ANSWER_WITHIN = 30_000;

/**
 * Passes an upgrade on to the runtime. Once it has switched protocols, bytes are piped both ways untouched: what they
 * mean is between the client and the runtime. Rejects with a StatusError if the runtime refuses or does not
 * answer.
 */
export function pipeUpgrade(
  runtime: Runtime,
  path: string,
  client: { readonly message: IncomingMessage; readonly socket: Duplex; readonly head: Buffer },
): Promise<void> {
  const { message, socket, head } = client;
  const request = runtime.request(message.method ?? 'GET', path, passedHeaders(message));
  return new Promise((resolve, reject) => {
    request.setTimeout(ANSWER_WITHIN, () => request.destroy(new Error(`no answer in ${ANSWER_WITHIN} ms`)));
    request.once('upgrade', (answer, backend, backendHead) => {
      backend.setTimeout(0);
      if (socket.destroyed) backend.destroy();
      socket.write(headOf(answer.statusCode ?? 101, answer.statusMessage ?? '', answer.rawHeaders));
      socket.write(backendHead);
      backend.write(head);
      join(socket, backend);
      resolve();
    });
    request.once('response', answer => void refusal(answer).then(reject));
    request.once('error', error => reject(unreachable(error)));
    request.end();
  });
}

/** The answer to a refused upgrade, on the bare socket. */
export function refuseUpgrade(socket: Duplex, answer: ApiResponse): void {
  const body = 'body' in answer ? Buffer.from(answer.body) : Buffer.alloc(0);
  const headers = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(body.length),
    'Connection',
    'close',
  ];
  socket.write(headOf(answer.status, 'Refused', headers));
  socket.end(body);
}

function passedHeaders(message: IncomingMessage): Record<string, string> {
  const pairs = Object.entries(message.headers).filter(([name]) => PASSED.test(name));
  return Object.fromEntries(
    pairs.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : (value ?? '')]),
  );
}

function headOf(status: number, reason: string, rawHeaders: readonly string[]): string {
  let lines = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    lines += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  return `${lines}\r\n`;
}

/** Two sockets as one: the end or the failure of either ends both. */
function join(a: Duplex, b: Duplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.pipe(to);
    from.on('error', () => to.destroy());
    from.on('close', () => to.end(() => to.destroy()));
  }
}
