import type { MessagePort } from 'node:worker_threads';
import { createCalls } from './calls.ts';
import type { Calls } from './calls.ts';
import { failureOf } from './messages.ts';
import type { AnswerMessage, CallMessage } from './messages.ts';

/** The worker thread's side: one call after the other, an answer to each. */
export function serveCalls(port: MessagePort, calls: Calls = createCalls()): void {
  let previous = Promise.resolve();
  port.on('message', (message: CallMessage) => {
    previous = previous.then(async () => port.postMessage(await answer(calls, message)));
  });
}

async function answer(calls: Calls, message: CallMessage): Promise<AnswerMessage> {
  try {
    // The main side's methods are typed by Calls: name and parameters fit.
    const call = calls[message.name as keyof Calls] as (
      ...parameters: readonly unknown[]
    ) => Promise<unknown>;
    return { id: message.id, result: await call(...message.parameters) };
  } catch (error) {
    return { id: message.id, failure: failureOf(error) };
  }
}
