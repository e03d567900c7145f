import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { Pods } from '../pods.ts';
import { answerRefusal, badRequest, notOffered, statusOf, type Refusal } from './answer.ts';
import { serveAttach } from './attach.ts';
import { acceptChannels } from './channels.ts';
import { serveExec, type ExecQuery } from './exec.ts';
import { answerLogs } from './logs.ts';
import { findTarget } from './target.ts';

export interface StreamServerOptions {
  readonly socket: string;
  readonly pods: Pods;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Logs, exec and attach, for the API server, which has checked who asks: a kubelet's paths on a unix socket that only
 * root may open.
 */
export function startStreamServer(options: StreamServerOptions): { readonly closed: Promise<void> } {
  const { socket, log, signal } = options;
  const server = createServer((request, response) => {
    answer(options, request, response).catch((error: unknown) => {
      log.warn({ path: request.url, error: sentenceOf(error) }, 'A request broke off.');
      if (response.headersSent) response.destroy();
      else answerRefusal(response, { code: 500, reason: 'InternalError', message: sentenceOf(error) });
    });
  });
  server.on('upgrade', (request, connection, head) => {
    connection.on('error', () => connection.destroy());
    upgrade(options, request, connection, head).catch((error: unknown) => {
      log.warn({ path: request.url, error: sentenceOf(error) }, 'A session broke off.');
      connection.destroy();
    });
  });
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  rmSync(socket, { force: true });
  server.listen(socket, () => chmodSync(socket, 0o600));
  return {
    closed: new Promise(resolve => {
      const close = () => {
        server.close(() => resolve());
        server.closeAllConnections();
      };
      if (signal.aborted) close();
      else signal.addEventListener('abort', close, { once: true });
    }),
  };
}

async function answer(
  options: StreamServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://runtime');
  const target = findTarget(url.pathname, options.pods);
  if ('code' in target) {
    answerRefusal(response, target);
  } else if (target.kind === 'containerLogs' && target.container !== undefined) {
    await answerLogs(request, response, target.worker, target.container.name, url.searchParams);
  } else if (target.kind === 'portForward') {
    answerRefusal(response, portForwardRefusal);
  } else {
    answerRefusal(response, badRequest('Upgrade request required'));
  }
}

async function upgrade(
  options: StreamServerOptions,
  request: IncomingMessage,
  connection: Duplex,
  head: Buffer,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://runtime');
  const target = findTarget(url.pathname, options.pods);
  if ('code' in target) return refuseUpgrade(connection, target);
  if (target.kind === 'portForward' || target.container === undefined)
    return refuseUpgrade(connection, portForwardRefusal);
  const { worker, container, kind } = target;
  const query = parseQuery(url.searchParams);
  if (kind === 'exec' && query.command.length === 0)
    return refuseUpgrade(connection, badRequest('you must specify at least 1 command'));
  const { run } = worker.container(container.name);
  if (run?.at !== 'running') {
    return refuseUpgrade(connection, badRequest(`container "${container.name}" is not running`));
  }
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
    return refuseUpgrade(connection, notOffered('only WebSocket connections are offered here, not SPDY'));
  }
  const channels = await acceptChannels(request, connection, head);
  if (channels === undefined) {
    return refuseUpgrade(
      connection,
      badRequest('none of the subprotocols v5.channel.k8s.io and v4.channel.k8s.io was offered'),
    );
  }
  if (kind === 'attach') await serveAttach(channels, worker, run, query);
  else await serveExec(channels, worker, container, run, query);
}

const portForwardRefusal = notOffered('port-forward is not offered by this cluster yet');

function parseQuery(query: URLSearchParams): ExecQuery {
  const flag = (...names: readonly string[]) =>
    names.some(name => ['1', 'true'].includes(query.get(name) ?? ''));
  return {
    command: query.getAll('command'),
    stdin: flag('stdin', 'input'),
    stdout: flag('stdout', 'output'),
    stderr: flag('stderr', 'error'),
    tty: flag('tty'),
  };
}

function refuseUpgrade(connection: Duplex, refusal: Refusal): void {
  const body = JSON.stringify(statusOf(refusal));
  connection.end(
    `HTTP/1.1 ${refusal.code} ${refusal.reason}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
