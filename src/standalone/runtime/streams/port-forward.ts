import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { connectIn } from '../../../kernel/ns/index.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import { SpdyConnection, type SpdyStream } from './spdy/connection.ts';

const CONNECT_TIMEOUT = 10_000;
/** The second stream of a pair is waited for this long. */
const PAIR_WITHIN = 30_000;
/** Bytes that a client may send before the pod's port has answered; the connection waits beyond. */
const MOST_WAITING = 1 << 20;

/**
 * Forwards connections to a pod's ports: for each the client opens a stream for errors and one for data, with the same
 * `requestID`. Returns when the client is gone.
 */
export async function servePortForward(socket: Duplex, worker: PodWorker): Promise<void> {
  const halves = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(socket, stream => {
    const type = stream.headers.get('streamtype') ?? '';
    const port = Number(stream.headers.get('port') ?? NaN);
    const pair = `${port} ${stream.headers.get('requestid') ?? ''}`;
    if (!['data', 'error'].includes(type) || !isPort(port)) {
      stream.reset();
      return;
    }
    const other = halves.get(pair);
    if (other === undefined || other.headers.get('streamtype') === type) {
      halves.set(pair, stream);
      setTimeout(() => {
        if (halves.get(pair) !== stream) return;
        halves.delete(pair);
        stream.reset();
      }, PAIR_WITHIN).unref();
      return;
    }
    halves.delete(pair);
    const [data, error] = type === 'data' ? [stream, other] : [other, stream];
    void forward(worker, port, data, error, connection);
  });
  await new Promise<void>(resolve => connection.onClose(resolve));
}

async function forward(
  worker: PodWorker,
  port: number,
  data: SpdyStream,
  error: SpdyStream,
  connection: SpdyConnection,
): Promise<void> {
  const early: Buffer[] = [];
  let hasEnded = false;
  let waiting = 0;
  data.onData = bytes => {
    early.push(bytes);
    waiting += bytes.length;
    if (waiting > MOST_WAITING) connection.pause();
  };
  data.onEnd = () => (hasEnded = true);
  let target: Socket;
  try {
    target = await connectToPort(worker, port);
  } catch (cause) {
    error.write(Buffer.from(refusalOf(worker, port, cause)));
    error.end();
    data.end();
    connection.forget(data.id);
    connection.forget(error.id);
    connection.resume();
    return;
  }
  connection.resume();
  target.on('error', () => target.destroy());
  data.onGone = () => target.destroy();
  const give = (bytes: Buffer) => {
    if (!target.destroyed && !target.write(bytes)) connection.pause();
  };
  target.on('drain', () => connection.resume());
  target.once('close', () => {
    connection.resume();
    data.end();
    error.end();
    connection.forget(data.id);
    connection.forget(error.id);
  });
  for (const bytes of early) give(bytes);
  data.onData = give;
  data.onEnd = () => target.end();
  if (hasEnded) target.end();
  try {
    for await (const bytes of target) {
      if (!data.write(bytes as Buffer)) await connection.drained();
    }
  } catch {
    // The pod's end broke off; the streams' ends tell the client.
  }
  data.end();
}

/** A port of the pod as its own processes see it: on its loopback address, of either family. */
export async function connectToPort(worker: PodWorker, port: number): Promise<Socket> {
  const { sandbox } = worker;
  if (sandbox === undefined) throw new Error('the pod has no network');
  const namespacePath = sandbox.networkNamespace;
  try {
    return await connectIn(namespacePath, { host: '127.0.0.1', port, timeoutMilliseconds: CONNECT_TIMEOUT });
  } catch (error) {
    return connectIn(namespacePath, { host: '::1', port, timeoutMilliseconds: CONNECT_TIMEOUT }).catch(() => {
      throw error;
    });
  }
}

export function refusalOf(worker: PodWorker, port: number, cause: unknown): string {
  const { name, uid } = worker.pod.metadata;
  const why = cause instanceof Error ? cause.message : String(cause);
  return `error forwarding port ${port} to pod ${name}, uid ${uid}: ${why}`;
}

export const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_536;
