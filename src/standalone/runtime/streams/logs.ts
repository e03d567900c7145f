import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream/promises';
import type { PodWorker } from '../pod/pod-worker.ts';
import { answerRefusal, badRequest } from './answer.ts';
import { readLog } from './log-file.ts';
import { parseLogOptions } from './log-options.ts';

/** GET /containerLogs/NAMESPACE/POD/CONTAINER: text, with as much in memory as one reader takes. */
export async function answerLogs(
  request: IncomingMessage,
  response: ServerResponse,
  worker: PodWorker,
  container: string,
  query: URLSearchParams,
): Promise<void> {
  const options = parseLogOptions(query, worker.context.clock.now());
  if ('code' in options) {
    answerRefusal(response, options);
    return;
  }
  const { run, previous } = worker.container(container);
  const chosen = options.previous ? previous : run;
  if (chosen === undefined) {
    const { name } = worker.pod.metadata;
    const message = options.previous
      ? `previous terminated container "${container}" in pod "${name}" not found`
      : `container "${container}" in pod "${name}" is waiting to start: ${waitingReason(worker, container)}`;
    answerRefusal(response, badRequest(message));
    return;
  }
  const { files, node } = worker.context;
  const path = files.log(node.name, worker.identity(container, chosen.attempt));
  if (!existsSync(path) && chosen.at === 'ended') {
    answerRefusal(response, badRequest(`the log of container "${container}" is not kept any more`));
    return;
  }
  const isOver = () => {
    const now = worker.container(container).run;
    return now === undefined || now.attempt !== chosen.attempt || now.at === 'ended';
  };
  const gone = new AbortController();
  request.once('close', () => gone.abort());
  response.once('close', () => gone.abort());
  response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  for await (const bytes of readLog(path, options, isOver, gone.signal)) {
    if (response.write(bytes) || gone.signal.aborted) continue;
    await new Promise<void>(resolve => {
      response.once('drain', resolve);
      gone.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  response.end();
  if (!gone.signal.aborted) await finished(response).catch(() => undefined); // the reader went away
}

function waitingReason(worker: PodWorker, container: string): string {
  const { waiting } = worker.container(container);
  return waiting === undefined ? 'ContainerCreating' : waiting.message;
}
