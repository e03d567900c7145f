import type { FromWorker, ToWorker } from '../messages.ts';
import { Worker } from './worker.ts';

/**
 * The process of one worker: what its supervisor says comes by the process channel, and when the supervisor is gone it
 * ends.
 */
export function runWorker(): void {
  const tell = (message: FromWorker): void => {
    if (process.connected) process.send?.(message);
  };
  let worker: Worker | undefined;
  // Signals for the container reach all of its processes: the supervisor decides.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined);
  process.on('disconnect', () => process.exit(0));
  process.on('message', (message: ToWorker, handle: unknown) => {
    if (message.type === 'start') {
      worker = new Worker({
        ticketKeys: Buffer.from(message.ticketKeys, 'base64'),
        sessionKey: Buffer.from(message.sessionKey, 'base64'),
        logDescriptor: 1,
        tell,
      });
      tell({ type: 'ready' });
    } else if (message.type === 'stop') {
      const stopped = worker?.stop(message.milliseconds) ?? Promise.resolve();
      void stopped.then(() => process.exit(0));
    } else worker?.handle(message, handle);
  });
}
