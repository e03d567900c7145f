import { createServer } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import { sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { encodeMessage, LONGEST_MESSAGE, MessageReader, serverOptions } from '../../channel.ts';
import type { MessageToProxy } from '../../channel.ts';

export interface ControlServerOptions {
  readonly port: number;
  /** `namespace/name`. */
  readonly gateway: string;
  readonly key: Uint8Array;
  readonly take: (message: MessageToProxy) => Promise<void>;
  readonly log: Log;
}

const handshakeMilliseconds = 5000;
const mostConnections = 512;

/** Where the agent of the node brings the table; who dials last is listened to. */
export function startControlServer(options: ControlServerOptions): Promise<{ close(): void }> {
  const { log } = options;
  let current: TLSSocket | undefined;
  const secrets = serverOptions(options.gateway, options.key);
  const server = createServer({ ...secrets, handshakeTimeout: handshakeMilliseconds }, socket => {
    current?.destroy();
    current = socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 10_000);
    serve(socket, options);
  });
  // Whoever has no key may knock, but not fill the process with half-open handshakes.
  server.maxConnections = mostConnections;
  server.on('tlsClientError', error =>
    log.warn(
      { error: sentenceOf(error) },
      'somebody without the key of the Gateway dialled the control port',
    ),
  );
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port, host: '::' }, () =>
      resolve({
        close: () => {
          current?.destroy();
          server.close();
        },
      }),
    );
  });
}

function serve(socket: TLSSocket, { take, log }: ControlServerOptions): void {
  const reader = new MessageReader<MessageToProxy>(LONGEST_MESSAGE);
  let queue: Promise<void> = Promise.resolve();
  const answer = async (message: MessageToProxy): Promise<void> => {
    const { revision } = message;
    try {
      await take(message);
      if (!socket.destroyed) socket.write(encodeMessage({ type: 'applied', revision }));
    } catch (error) {
      const reason = sentenceOf(error);
      log.warn({ revision, reason }, 'a table was refused; the one before stays');
      if (!socket.destroyed) socket.write(encodeMessage({ type: 'refused', revision, reason }));
    }
  };
  socket.on('error', error => {
    log.warn({ error: sentenceOf(error) }, 'the control connection broke');
    socket.destroy();
  });
  socket.on('data', chunk => {
    try {
      for (const message of reader.push(chunk)) queue = queue.then(() => answer(message));
    } catch (error) {
      log.warn({ error: sentenceOf(error) }, 'the control connection is ended');
      socket.destroy();
    }
  });
}
