import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { ApiResponse, Sink } from '../request.ts';
import type { AnyRequest, AnyResponse } from './listeners.ts';

const compress = promisify(gzip);

/** Answers below this are not worth compressing (upstream's bound). */
const COMPRESS_FROM = 128 * 1024;

/** Sends an answer; a client that is gone is no error. */
export async function respond(request: AnyRequest, any: AnyResponse, answer: ApiResponse): Promise<void> {
  const response = asOne(any);
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
  if (request.method === 'HEAD' || answer.status === 304) response.end();
  else response.end(body);
}

function nodeHeaders(headers: ApiResponse['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}

/** HTTP/2 answers by the methods of HTTP/1.1 (Node's compatibility API); only the types differ. */
const asOne = (response: AnyResponse): ServerResponse => response as ServerResponse;

function sinkOf(response: ServerResponse): Sink {
  // By HTTP/2 what waits, and who is gone, is the stream's to tell.
  const stream = 'stream' in response ? (response.stream as Writable) : response;
  return {
    write: chunk => void (stream.destroyed || response.writableEnded || response.write(chunk)),
    end: () => void response.end(),
    get pending() {
      return stream.writableLength;
    },
    onDrain: listener => void stream.once('drain', listener),
    abort: () => void stream.destroy(),
    onClose: listener => {
      // The client may have gone before the answer was there to be streamed.
      if (stream.closed) listener();
      else stream.once('close', listener);
    },
  };
}
