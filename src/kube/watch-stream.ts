import type { Readable } from 'node:stream';
import { FairleadError } from '../base/errors.ts';
import { apiErrorOf } from './api-error.ts';
import type { KubeObject } from './types/meta.ts';

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | {
      readonly type: 'BOOKMARK';
      readonly resourceVersion: string;
      /** The end of the initial events of a streaming list (KEP-3157). */
      readonly initialEventsEnd: boolean;
    };

/** Objects are at most 1.5 MiB in etcd; a line beyond this is no watch event. */
const LONGEST_LINE = 16 * 1024 * 1024;

/**
 * The events of a watch response, newline-delimited JSON. Ends when the server ends the response. Throws ApiError for
 * an ERROR event (410 Gone is one), FairleadError `kube/watch-decode` for anything that is no event, and the stream's
 * own error when the connection breaks.
 */
export async function* watchEvents<T extends KubeObject>(
  body: Readable,
): AsyncGenerator<WatchEvent<T>, void, void> {
  for await (const line of lines(body)) {
    yield decodeEvent<T>(line);
  }
}

async function* lines(body: Readable): AsyncGenerator<string, void, void> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const tail = chunk.subarray(start, end);
      const line = parts.length === 0 ? tail.toString() : Buffer.concat([...parts, tail]).toString();
      parts = [];
      length = 0;
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    if (start === chunk.length) continue;
    parts.push(start === 0 ? chunk : chunk.subarray(start));
    length += chunk.length - start;
    if (length > LONGEST_LINE) throw undecodable(`an event is longer than ${LONGEST_LINE} bytes`);
  }
  // What follows the last newline is an event that was cut off with its connection: a new watch brings it again.
}

function decodeEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  const { type, object } = parseEvent(line);
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      if (typeof object['metadata']?.name !== 'string')
        throw undecodable(`a ${type} event has no object with a name`);
      // The type of the collection that was asked for; its fields are read defensively.
      return { type, object: object as unknown as T };
    case 'BOOKMARK':
      return {
        type,
        resourceVersion: object.metadata?.resourceVersion ?? '',
        initialEventsEnd: object.metadata?.annotations?.['k8s.io/initial-events-end'] === 'true',
      };
    case 'ERROR':
      throw apiErrorOf(typeof object.code === 'number' ? object.code : 500, JSON.stringify(object), {});
    default:
      throw undecodable(`unknown event type ${JSON.stringify(type)}`);
  }
}

interface RawEvent {
  readonly type: unknown;
  readonly object: { readonly metadata?: Partial<KubeObject['metadata']>; readonly code?: unknown };
}

function parseEvent(line: string): RawEvent {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch (error) {
    throw undecodable('an event is not JSON', error);
  }
  const event = parsed as Partial<RawEvent> | null;
  if (typeof event?.object !== 'object' || event.object === null) throw undecodable('an event has no object');
  return { type: event.type, object: event.object };
}

function undecodable(what: string, cause?: unknown): FairleadError {
  return new FairleadError(
    'kube/watch-decode',
    `The watch cannot be read: ${what}.`,
    cause === undefined ? {} : { cause },
  );
}
