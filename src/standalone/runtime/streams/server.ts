import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { http } from '../../../kube/node-http.ts';
import { sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { Pods } from '../pods.ts';
import { answerRefusal, badRequest, statusOf, type Refusal } from './answer.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import { serveAttach } from './attach.ts';
import { acceptChannels, type Channels } from './channels.ts';
import { serveExec, type ExecQuery } from './exec.ts';
import { answerLogs } from './logs.ts';
import { acceptPortForwardChannels, portsIn, servePortForwardChannels } from './port-forward-channels.ts';
import { servePortForward } from './port-forward.ts';
import { PORT_FORWARD, acceptSpdy, acceptTunnel, isSpdy } from './spdy/accept.ts';
import { SpdyChannels } from './spdy/channels.ts';
import { findTarget } from './target.ts';

export interface StreamServerOptions {
  readonly socket: string;
  readonly pods: Pods;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Logs, exec, attach and port-forward, for the API server, which has checked who asks: a kubelet's paths on a unix socket that only
 * root may open.
 */
export function startStreamServer(options: StreamServerOptions): { readonly closed: Promise<void> } {
  const { socket, log, signal } = options;
  const server = http.createServer((request, response) => {
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
  if (target.container === undefined)
    return upgradePortForward(request, connection, head, target.worker, url.searchParams);
  const { worker, container, kind } = target;
  const query = parseQuery(url.searchParams);
  if (kind === 'exec' && query.command.length === 0)
    return refuseUpgrade(connection, badRequest('you must specify at least 1 command'));
  const { run } = worker.container(container.name);
  if (run?.at !== 'running') {
    return refuseUpgrade(connection, badRequest(`container "${container.name}" is not running`));
  }
  const channels = await accept(request, connection, head, query);
  if (channels === 'refused')
    return refuseUpgrade(
      connection,
      badRequest('none of the subprotocols v5.channel.k8s.io and v4.channel.k8s.io was offered'),
    );
  if (channels === undefined) return undefined;
  if (kind === 'attach') await serveAttach(channels, worker, run, query);
  else await serveExec(channels, worker, container, run, query);
  return undefined;
}

/** Undefined: the client has gone already. */
async function accept(
  request: IncomingMessage,
  connection: Duplex,
  head: Buffer,
  query: ExecQuery,
): Promise<Channels | 'refused' | undefined> {
  if (!isSpdy(request)) return (await acceptChannels(request, connection, head)) ?? 'refused';
  if (acceptSpdy(request, connection, head, ['v4.channel.k8s.io']) === undefined) return 'refused';
  return SpdyChannels.open(connection, query);
}

async function upgradePortForward(
  request: IncomingMessage,
  connection: Duplex,
  head: Buffer,
  worker: PodWorker,
  query: URLSearchParams,
): Promise<void> {
  if (worker.sandbox === undefined)
    return refuseUpgrade(connection, badRequest(`pod ${worker.pod.metadata.name} is not running`));
  const refusal = badRequest(
    `none of the subprotocols SPDY/3.1+${PORT_FORWARD}, ${PORT_FORWARD} was offered`,
  );
  if (isSpdy(request)) {
    if (acceptSpdy(request, connection, head, [PORT_FORWARD]) === undefined)
      return refuseUpgrade(connection, refusal);
    return servePortForward(connection, worker);
  }
  const tunnel = await acceptTunnel(request, connection, head);
  if (tunnel !== undefined) return servePortForward(tunnel, worker);
  const ports = portsIn(query);
  if (ports === undefined)
    return refuseUpgrade(connection, badRequest('query parameter "ports" is required'));
  const client = await acceptPortForwardChannels(request, connection, head);
  if (client === undefined) return refuseUpgrade(connection, refusal);
  return servePortForwardChannels(client, worker, ports);
}

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
