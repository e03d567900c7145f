import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { ApiResponse, Sink } from '../request.ts';

const compress = promisify(gzip);

/** Answers below this are not worth compressing (upstream's bound). */
const COMPRESS_FROM = 128 * 1024;

/** Sends an answer; a client that is gone is no error. */
export async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  answer: ApiResponse,
): Promise<void> {
  if ('stream' in answer) {
    response.writeHead(answer.status, nodeHeaders(answer.headers));
    response.flushHeaders();
    answer.stream(sinkOf(response));
    return;
  }
  // Text is left as it is: node sends it in one piece with the headers.
  let body: string | Uint8Array = answer.body;
  const headers = nodeHeaders(answer.headers);
  if (body.length >= COMPRESS_FROM && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) {
    body = await compress(body, { level: constants.Z_BEST_SPEED });
    headers['content-encoding'] = 'gzip';
    headers['vary'] = 'Accept-Encoding';
  }
  if (answer.status !== 304) headers['content-length'] = String(Buffer.byteLength(body));
  response.writeHead(answer.status, headers);
  response.end(request.method === 'HEAD' || answer.status === 304 ? undefined : body);
}

function nodeHeaders(headers: ApiResponse['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}

function sinkOf(response: ServerResponse): Sink {
  return {
    write: chunk => void (response.destroyed || response.writableEnded || response.write(chunk)),
    end: () => void response.end(),
    get pending() {
      return response.writableLength;
    },
    onDrain: listener => void response.once('drain', listener),
    abort: () => void response.destroy(),
    onClose: listener => {
      // The client may have gone before the answer was there to be streamed.
      if (response.closed) listener();
      else response.once('close', listener);
    },
  };
}
