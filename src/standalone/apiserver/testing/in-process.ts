import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../../base/log.ts';
import type { Clock } from '../../../base/clock.ts';
import type { DialPod } from '../admission/webhooks/client.ts';
import type { Kind } from '../kind.ts';
import { ANONYMOUS } from '../request.ts';
import type { ApiResponse, Sink } from '../request.ts';
import { startApiServer } from '../server.ts';
import type { ApiServer } from '../server.ts';
import { TEST_KINDS } from './kinds.ts';

export interface CallOptions {
  readonly body?: unknown;
  /** Default `application/json`; objects in `body` are written as JSON. */
  readonly type?: string;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly anonymous?: boolean;
}

export interface CallResult {
  readonly status: number;
  readonly headers: ApiResponse['headers'];
  readonly text: string;
  readonly json: Json;
}

/** JSON that is walked without knowing its shape: a missing step ends in undefined, and the assertion says so. */
export type Json = { readonly [field: string]: Json } & readonly Json[] & (string | number | boolean);

/** A whole server without sockets, on a directory of its own. */
export interface TestServer extends AsyncDisposable {
  readonly directory: string;
  call(method: string, path: string, options?: CallOptions): Promise<CallResult>;
  /** Starts a watch; events are collected as they come. With `takes: false` the client takes none off the wire. */
  watch(path: string, accept?: string, client?: { readonly takes: boolean }): Promise<TestWatch>;
  /** Removes what has expired by the test's clock; returns how many objects went. */
  sweep(): Promise<number>;
  /** Stops the server and starts another one on the same directory. */
  restart(): Promise<void>;
}

export interface TestWatch {
  readonly events: readonly Json[];
  readonly ended: boolean;
  /** The first `count` events, once they are there. */
  take(count: number): Promise<readonly Json[]>;
  /** Takes everything off the wire, from now on. */
  resume(): void;
  close(): void;
}

export async function startTestServer(
  options: { kinds?: readonly Kind[]; clock?: Clock; dialPod?: DialPod } = {},
): Promise<TestServer> {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-api-'));
  const start = () =>
    startApiServer({
      stateDirectory: directory,
      listeners: [],
      tls: { certificate: '', key: '', authority: '' },
      schemas: {
        kinds: options.kinds ?? TEST_KINDS,
        decodeProtobuf: () => Promise.reject(new Error('no protobuf in this test')),
        openApiV2: form => Promise.resolve(form === 'json' ? '{"swagger":"2.0"}' : new Uint8Array([1])),
        openApiPaths: () => ['api/v1'],
        openApiDocument: path => Promise.resolve(path === 'api/v1' ? '{"openapi":"3.0.0"}' : undefined),
      },
      runtimeSocket: join(directory, 'no-runtime.sock'),
      servicePrefixes: ['10.96.0.0/16', 'fd00:10:96::/112'],
      log: silentLog,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      ...(options.dialPod === undefined ? {} : { dialPod: options.dialPod }),
    });
  let server: ApiServer = await start();
  const ask = (method: string, path: string, call: CallOptions = {}) =>
    server.handle({ ...requestOf(method, path, call) });
  return {
    directory,
    async call(method, path, call) {
      const answer = await ask(method, path, call);
      const text = 'body' in answer ? Buffer.from(answer.body).toString() : '';
      return { status: answer.status, headers: answer.headers, text, json: parsed(text) };
    },
    async watch(path, accept, client = { takes: true }) {
      const answer = await ask('GET', path, accept === undefined ? {} : { accept });
      const watch = new CollectedWatch(client.takes);
      if ('stream' in answer) answer.stream(watch.sink);
      else throw new Error(`${answer.status} instead of a watch: ${Buffer.from(answer.body).toString()}`);
      return watch;
    },
    sweep: () => server.sweep(),
    async restart() {
      await server.close();
      server = await start();
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      rmSync(directory, { recursive: true });
    },
  };
}

function requestOf(method: string, url: string, call: CallOptions) {
  const [path = '', query = ''] = url.split('?');
  const { body, type = 'application/json', accept, headers = {}, anonymous = false } = call;
  const bytes =
    body === undefined
      ? Buffer.alloc(0)
      : Buffer.from(body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body));
  return {
    method,
    path,
    query: new URLSearchParams(query),
    headers: { 'content-type': type, ...(accept === undefined ? {} : { accept }), ...headers },
    user: anonymous ? ANONYMOUS : { name: 'tester', groups: ['system:masters'] },
    body: () => Promise.resolve(bytes),
  };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {} as Json; // plain text answers
  }
}

/** Longest wait for events that should come at once. */
const PATIENCE = 5_000;

class CollectedWatch implements TestWatch {
  readonly events: Json[] = [];
  ended = false;
  readonly sink: Sink;
  #onClose: (() => void)[] = [];
  #onDrain: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #takes: boolean;
  #pending = 0;

  constructor(takes: boolean) {
    this.#takes = takes;
    this.sink = this.#makeSink();
  }

  resume(): void {
    this.#takes = true;
    this.#pending = 0;
    for (const listener of this.#onDrain.splice(0)) listener();
  }

  #makeSink(): Sink {
    const pending = () => this.#pending;
    return {
      write: chunk => {
        if (!this.#takes) this.#pending += chunk.length;
        for (const line of Buffer.from(chunk).toString().trim().split('\n'))
          this.events.push(JSON.parse(line) as Json);
        this.#wake?.();
      },
      end: () => this.#end(),
      get pending() {
        return pending();
      },
      onDrain: listener => void this.#onDrain.push(listener),
      abort: () => this.#end(),
      onClose: listener => void this.#onClose.push(listener),
    };
  }

  async take(count: number): Promise<readonly Json[]> {
    const deadline = AbortSignal.timeout(PATIENCE);
    while (this.events.length < count) {
      const more = Promise.withResolvers<void>();
      this.#wake = more.resolve;
      const late = () =>
        more.reject(new Error(`${count} events expected, seen: ${JSON.stringify(this.events)}`));
      deadline.addEventListener('abort', late, { once: true });
      await more.promise;
      deadline.removeEventListener('abort', late);
    }
    return this.events.slice(0, count);
  }

  close(): void {
    this.#end();
  }

  #end(): void {
    if (this.ended) return;
    this.ended = true;
    for (const listener of this.#onClose) listener();
  }
}
