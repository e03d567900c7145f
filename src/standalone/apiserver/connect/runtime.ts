import type { ClientRequest, IncomingMessage } from 'node:http';
import { http } from '../../../kube/node-http.ts';
import { StatusError } from '../status.ts';

/** Bytes of an error text that are passed on. */
const ERROR_LIMIT = 64 * 1024;

/** The runtime that holds the pods, behind its unix socket. */
export class Runtime {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  request(method: string, path: string, headers: Readonly<Record<string, string>> = {}): ClientRequest {
    return http.request({ socketPath: this.#socketPath, method, path, headers, agent: false });
  }

  /** A GET whose answer is streamed; what is not 200 is thrown as the Status that the client sees. */
  async get(path: string): Promise<IncomingMessage> {
    const request = this.request('GET', path);
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('error', error => reject(unreachable(error)));
      request.end();
    });
    if (message.statusCode === 200) return message;
    throw await refusal(message);
  }
}

export const unreachable = (cause: Error): StatusError =>
  new StatusError(
    500,
    'InternalError',
    `error dialing backend: the pod runtime does not answer: ${cause.message}`,
  );

/** An error answer of the runtime, whose body is a Status or a sentence. */
export async function refusal(message: IncomingMessage): Promise<StatusError> {
  const status = message.statusCode ?? 500;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ERROR_LIMIT) break;
    chunks.push(chunk);
  }
  const text = sentenceOf(Buffer.concat(chunks).toString().trim());
  const reason = status === 404 ? 'NotFound' : status < 500 ? 'BadRequest' : 'InternalError';
  return new StatusError(status, reason, text === '' ? `the pod runtime answered ${status}` : text);
}

function sentenceOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : text;
  } catch {
    return text; // plain text, as kubelet answers
  }
}
