import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { FromWorker } from '../../src/gateway/proxy/messages.ts';
import { bindPort } from '../../src/gateway/proxy/supervisor/sockets.ts';
import type { ProxyLimits } from '../../src/gateway/proxy/timing.ts';
import { Worker } from '../../src/gateway/proxy/worker/worker.ts';
import type { RouteTable } from '../../src/gateway/table.ts';
import { at, prefix, tableOf } from './gateway-table.ts';

/** One worker in this process, on ports of its own. */
export interface TestWorker {
  readonly worker: Worker;
  readonly told: FromWorker[];
  take(table: RouteTable): void;
  /** The access log's lines so far. */
  log(): readonly Record<string, unknown>[];
  /** The same as it stands there, whatever its format. */
  logText(): string;
}

export async function startTestWorker(
  context: TestContext,
  table: RouteTable,
  limits: Partial<ProxyLimits> = {},
): Promise<TestWorker> {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-proxy-'));
  const file = join(directory, 'access.log');
  const told: FromWorker[] = [];
  const worker = new Worker({
    ticketKeys: Buffer.alloc(48, 7),
    sessionKey: Buffer.alloc(32, 7),
    logDescriptor: openSync(file, 'a'),
    limits,
    tell: message => void told.push(message),
  });
  let revision = 0;
  const open = new Map<number, { close(): void }>();
  const take = (next: RouteTable) => {
    worker.handle({ type: 'table', revision: ++revision, table: next }, undefined);
    for (const { port } of Object.values(next.listeners)) {
      if (open.has(port)) continue;
      const socket = bindPort(port);
      open.set(port, socket);
      worker.handle({ type: 'listen', port }, socket);
    }
  };
  take(table);
  context.after(async () => {
    await worker.stop(0);
    for (const socket of open.values()) socket.close();
    rmSync(directory, { recursive: true });
  });
  const logText = () => readFileSync(file, 'utf8');
  const log = () =>
    logText()
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as Record<string, unknown>);
  return { worker, told, take, log, logText };
}

/** The same, with one listener on a port of its own, all of whose requests go to one backend. */
export async function startProxyTo(
  context: TestContext,
  backend: { readonly port: number },
  limits: Partial<ProxyLimits> = {},
): Promise<{ readonly port: number; readonly proxy: TestWorker }> {
  const port = await freePort();
  const words = { ports: { http: port }, rules: [prefix('/', 'b')], backends: { b: [at(backend.port)] } };
  return { port, proxy: await startTestWorker(context, tableOf(words), limits) };
}

/** A port that nobody had a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '::', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}
