import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { connectIn } from '../../../kernel/ns/index.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import { ForwardSession, type ForwardSessionOptions } from './forward-session.ts';
import { SpdyConnection, type SpdyStream } from './spdy/connection.ts';

const CONNECT_TIMEOUT = 10_000;
/** The second stream of a pair is waited for this long. */
const PAIR_WITHIN = 30_000;

/**
 * Forwards connections to a pod's ports: for each the client opens a stream for errors and one for data, with the same
 * `requestID`. Returns when the client is gone.
 */
export async function servePortForward(
  socket: Duplex,
  worker: PodWorker,
  options: Pick<ForwardSessionOptions, 'patienceMilliseconds'> = {},
): Promise<void> {
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
    const streams = type === 'data' ? ([stream, other] as const) : ([other, stream] as const);
    void forward(worker, port, streams, connection, session);
  });
  const session = new ForwardSession({
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    ...options,
  });
  await new Promise<void>(resolve => connection.onClose(resolve));
}

async function forward(
  worker: PodWorker,
  port: number,
  [data, error]: readonly [SpdyStream, SpdyStream],
  connection: SpdyConnection,
  session: ForwardSession,
): Promise<void> {
  const target = session.open(() => error.write(Buffer.from(stalledSentence(worker, port))));
  data.onData = bytes => target.write(bytes);
  data.onEnd = () => target.end();
  data.onGone = () => target.close();
  try {
    const socket = await connectToPort(worker, port);
    target.connect(socket);
    for await (const bytes of socket) {
      if (!data.write(bytes as Buffer)) await connection.drained();
    }
  } catch (cause) {
    // One that was connected broke off; the streams' ends tell the client.
    if (!target.isConnected) error.write(Buffer.from(refusalOf(worker, port, cause)));
  }
  target.close();
  data.end();
  error.end();
  connection.forget(data.id);
  connection.forget(error.id);
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

export function stalledSentence(worker: PodWorker, port: number): string {
  const cause = new Error('it took nothing for so long that it held up other connections of the session');
  return refusalOf(worker, port, cause);
}

export const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < 65_536;
