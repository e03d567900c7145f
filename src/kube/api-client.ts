import type { Readable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import { FairleadError } from '../base/errors.ts';
import { apiErrorOf } from './api-error.ts';
import type {
  CallOptions,
  KubeClient,
  ListOptions,
  ListResult,
  LogOptions,
  PatchOptions,
  RawAnswer,
  RemoveOptions,
  RequestOptions,
  Selection,
  UpdateOptions,
  UpgradeOptions,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { closed } from './connection-slots.ts';
import { Deadline } from './deadline.ts';
import { collectionPath, objectPath, requireNamespace, withQuery } from './paths.ts';
import { apiVersionOf, PODS } from './resources.ts';
import type { ObjectKey, Resource } from './resources.ts';
import type { Transport, TransportRequest, TransportResponse, UpgradedConnection } from './transport.ts';
import type { KubeObject } from './types/meta.ts';
import { watchEvents } from './watch-stream.ts';
import type { WatchEvent } from './watch-stream.ts';

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** Largest answer that is read into memory. */
const LARGEST_ANSWER = 512 * 1024 * 1024;
const REQUEST_MILLISECONDS = 60_000;
const LONGEST_REFUSAL = 1024 * 1024;
const REFUSAL_MILLISECONDS = 10_000;
/** A server that asks us to come again later (429, 503 with Retry-After) is asked this often. */
const ATTEMPTS = 10;
const LONGEST_RETRY_AFTER_SECONDS = 60;

/** The verbs of the API as requests of a transport. */
export class ApiClient implements KubeClient {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #closed = new AbortController();

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  async get<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options: CallOptions = {},
  ): Promise<T> {
    return (await this.#json(
      'GET',
      objectPath(resource, key),
      undefined,
      options,
      describe(resource, key),
    )) as T;
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ListResult<T>> {
    const path = withQuery(collectionPath(resource, options.namespace), {
      ...selectionQuery(options),
      limit: options.limit,
      continue: options.continue,
      resourceVersion: options.resourceVersion,
      resourceVersionMatch: options.resourceVersionMatch,
    });
    const answer = (await this.#json('GET', path, undefined, options, resource.plural)) as RawList<T> | null;
    if (!isList(answer)) throw undecodable(path);
    const apiVersion = apiVersionOf(resource);
    const items = (answer.items ?? []).map(item => ({ ...item, apiVersion, kind: resource.kind }));
    const { continue: next, remainingItemCount, resourceVersion = '' } = answer.metadata ?? {};
    return {
      items,
      resourceVersion,
      ...(next === undefined || next === '' ? {} : { continue: next }),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    };
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: WriteOptions = {},
  ): Promise<T> {
    const path = collectionPath(resource, requireNamespace(resource, object.metadata));
    const named = object.metadata.name === '' ? object.metadata.generateName : object.metadata.name;
    const about = describe(resource, { ...object.metadata, name: named ?? '' });
    return (await this.#json('POST', withQuery(path, writeQuery(options)), object, options, about)) as T;
  }

  async update<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: UpdateOptions = {},
  ): Promise<T> {
    const path = withQuery(objectPath(resource, object.metadata, options.subresource), writeQuery(options));
    return (await this.#json('PUT', path, object, options, describe(resource, object.metadata))) as T;
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: unknown,
    options: PatchOptions,
  ): Promise<T> {
    const query = { ...writeQuery(options), force: options.force };
    const path = withQuery(objectPath(resource, key, options.subresource), query);
    const about = describe(resource, key);
    return (await this.#json('PATCH', path, patch, options, about, PATCH_TYPES[options.type])) as T;
  }

  async delete(resource: Resource<KubeObject>, key: ObjectKey, options: RemoveOptions = {}): Promise<void> {
    await this.#json(
      'DELETE',
      objectPath(resource, key),
      deleteOptions(options),
      options,
      describe(resource, key),
    );
  }

  async deleteCollection(
    resource: Resource<KubeObject>,
    options: RemoveOptions & Selection = {},
  ): Promise<void> {
    const path = withQuery(collectionPath(resource, options.namespace), selectionQuery(options));
    await this.#json('DELETE', path, deleteOptions(options), options, resource.plural);
  }

  async createSubresource(
    resource: Resource<KubeObject>,
    key: ObjectKey,
    subresource: string,
    body: unknown,
    options: CallOptions = {},
  ): Promise<unknown> {
    return await this.#json(
      'POST',
      objectPath(resource, key, subresource),
      body,
      options,
      describe(resource, key),
    );
  }

  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>, void, void> {
    const path = withQuery(collectionPath(resource, options.namespace), {
      watch: true,
      allowWatchBookmarks: true,
      ...selectionQuery(options),
      resourceVersion: options.resourceVersion,
      timeoutSeconds: options.timeoutSeconds,
      ...(options.sendInitialEvents === true
        ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' }
        : {}),
    });
    let body: Readable | undefined;
    try {
      body = (await this.stream('GET', path, { signal: options.signal })).body;
      yield* watchEvents<T>(body);
    } catch (error) {
      if (!options.signal.aborted) throw brokenOff(path, error);
    } finally {
      body?.destroy();
    }
  }

  async logs(key: ObjectKey, options: LogOptions = {}): Promise<Readable> {
    const { signal, ...query } = options;
    const path = `${objectPath(PODS, key)}/log`;
    return (await this.stream('GET', withQuery(path, query), signal === undefined ? {} : { signal })).body;
  }

  async request(method: string, path: string, options: RequestOptions = {}): Promise<RawAnswer> {
    using deadline = new Deadline(REQUEST_MILLISECONDS, options.signal);
    try {
      const answer = await this.#send({ ...options, method, path, signal: deadline.signal });
      return {
        status: answer.status,
        headers: answer.headers,
        body: await readAll(answer.body, LARGEST_ANSWER),
      };
    } catch (error) {
      if (options.signal?.aborted === true) throw options.signal.reason;
      if (deadline.passed) {
        const seconds = REQUEST_MILLISECONDS / 1000;
        throw new FairleadError('kube/timeout', `${method} ${path} did not end within ${seconds} s.`, {
          cause: error,
        });
      }
      if (error instanceof FairleadError) throw error;
      throw new FairleadError('kube/broken-answer', `The answer to ${method} ${path} broke off.`, {
        cause: error,
      });
    }
  }

  async stream(method: string, path: string, options: RequestOptions = {}): Promise<TransportResponse> {
    const answer = await this.#send({ ...options, method, path, longRunning: true });
    if (answer.status < 300) return answer;
    throw await refusal(answer, path);
  }

  async connectUpgrade(path: string, options: UpgradeOptions): Promise<UpgradedConnection> {
    const { method = 'GET', headers, signal } = options;
    const answer = await this.#transport.upgrade({
      method,
      path,
      headers: { 'User-Agent': 'fairlead', ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
    if ('socket' in answer) return answer;
    throw await refusal(answer, path);
  }

  close(): void {
    this.#closed.abort(closed());
    this.#transport.close();
  }

  async #json(
    method: string,
    path: string,
    body: unknown,
    options: CallOptions,
    about: string,
    contentType = 'application/json',
  ): Promise<unknown> {
    const answer = await this.request(method, path, {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': contentType } }),
    });
    const text = answer.body.toString();
    if (answer.status >= 300) throw apiErrorOf(answer.status, text, { object: about, ...retryAfter(answer) });
    try {
      return JSON.parse(text);
    } catch (error) {
      throw undecodable(path, error);
    }
  }

  /** Asks again for as long as the server says when to (API server flow control, RFC 9110 10.2.3). */
  async #send(request: TransportRequest): Promise<TransportResponse> {
    const length =
      request.body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(request.body)) };
    const headers = { 'User-Agent': 'fairlead', Accept: 'application/json', ...length, ...request.headers };
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#transport.send({ ...request, headers });
      const wait = retryAfter(answer).retryAfterSeconds;
      const later = (answer.status === 429 || answer.status >= 500) && wait !== undefined;
      if (!later || attempt === ATTEMPTS) return answer;
      answer.body.destroy();
      const signals = [this.#closed.signal, ...(request.signal === undefined ? [] : [request.signal])];
      await this.#clock.sleep(Math.min(wait, LONGEST_RETRY_AFTER_SECONDS) * 1000, AbortSignal.any(signals));
    }
  }
}

interface RawList<T> {
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items?: readonly T[] | null;
}

/** Every item is an object with a name: whoever reads a list may rely on that, whatever answers. */
function isList<T>(answer: RawList<T> | null): answer is RawList<T> {
  const items: unknown = answer?.items ?? [];
  return (
    typeof answer === 'object' &&
    answer !== null &&
    Array.isArray(items) &&
    items.every((item: Partial<KubeObject> | null) => typeof item?.metadata?.name === 'string')
  );
}

function selectionQuery({ labelSelector, fieldSelector }: Selection) {
  return { labelSelector, fieldSelector };
}

function writeQuery({ fieldManager = 'fairlead', dryRun }: WriteOptions) {
  return { fieldManager, dryRun: dryRun === true ? 'All' : undefined };
}

function deleteOptions({ gracePeriodSeconds, propagationPolicy, preconditions }: RemoveOptions): unknown {
  return { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds, propagationPolicy, preconditions };
}

function describe(resource: Resource<KubeObject>, { namespace, name }: ObjectKey): string {
  return namespace === undefined ? `${resource.kind}/${name}` : `${resource.kind}/${namespace}/${name}`;
}

function retryAfter(answer: Pick<TransportResponse, 'headers'>): { readonly retryAfterSeconds?: number } {
  const seconds = Number(answer.headers['retry-after'] ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? { retryAfterSeconds: seconds } : {};
}

async function refusal(answer: TransportResponse, path: string): Promise<Error> {
  const text = await readRefusal(answer.body);
  return apiErrorOf(answer.status, text, { object: path.split('?')[0] ?? path, ...retryAfter(answer) });
}

/** What a server says about its refusal; one that does not come to an end is as good as empty. */
async function readRefusal(body: Readable): Promise<string> {
  const timer = setTimeout(() => body.destroy(), REFUSAL_MILLISECONDS);
  try {
    return (await readAll(body, LONGEST_REFUSAL)).toString();
  } catch {
    return ''; // the status says enough
  } finally {
    clearTimeout(timer);
  }
}

async function readAll(body: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) {
      throw new FairleadError('kube/too-large', `The API server's answer is larger than ${limit} bytes.`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function undecodable(path: string, cause?: unknown): FairleadError {
  return new FairleadError('kube/decode', `The answer to ${path} is not what the Kubernetes API answers.`, {
    hint: 'Check that the server address in the kubeconfig leads to an API server.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function brokenOff(path: string, error: unknown): unknown {
  if (error instanceof FairleadError) return error;
  return new FairleadError('kube/watch-broken', `The watch of ${path.split('?')[0] ?? path} broke off.`, {
    cause: error,
  });
}
