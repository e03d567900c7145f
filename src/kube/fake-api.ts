import { PassThrough, Readable } from 'node:stream';
import { FairleadError } from '../base/errors.ts';
import { FakeStore, Refusal } from './fake-store.ts';
import type { Recorded } from './fake-store.ts';
import { matchesFields, parseFieldSelector } from './field-selector.ts';
import { parseLabelSelector, matchesLabels } from './selector.ts';
import type { Resource } from './resources.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';
import type { KubeObject, Status } from './types/meta.ts';

/** What a fake server can do wrong; each is for the next request or for the watches that are open. */
export interface Faults {
  /** The next requests are answered with this status (0: the connection is reset), each once. */
  readonly refusals: { readonly status: number; readonly retryAfterSeconds?: number }[];
  /** Watches tell these versions in a way that cannot be read. */
  readonly garbled: Set<number>;
  /** Does the server know sendInitialEvents? */
  streams: 'yes' | 'refused' | 'ignored';
  /** 410 as an HTTP status, or as an ERROR event of a watch that began well: servers do both. */
  goneAs: 'status' | 'event';
}

/**
 * An API server in memory behind the client's transport, for tests: list with pages, watch with bookmarks and selector
 * transitions, streaming lists, optimistic concurrency, and all that can go wrong on the way. Stricter than a real one:
 * unknown resources, versions from the future, requests without a namespace, JSON patches, apply patches and strategic
 * patches of lists other than conditions are refused. Finalizers, grace periods and defaults are not played.
 */
export class FakeApi implements Transport {
  readonly store: FakeStore;
  readonly faults: Faults = { refusals: [], garbled: new Set(), streams: 'yes', goneAs: 'event' };
  /** Every request as `METHOD path`. */
  readonly requests: string[] = [];
  readonly #watches = new Set<OpenWatch>();

  constructor(resources: readonly Resource<KubeObject>[]) {
    this.store = new FakeStore(resources, recorded => {
      for (const watch of this.#watches) this.#tell(watch, recorded);
    });
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    request.signal?.throwIfAborted();
    this.requests.push(`${request.method} ${request.path}`);
    await Promise.resolve();
    const refusal = this.faults.refusals.shift();
    if (refusal?.status === 0)
      throw new FairleadError('kube/unreachable', 'The fake server reset the connection.');
    if (refusal !== undefined) return refused(refusal.status, 'told to', '', refusal.retryAfterSeconds);
    try {
      return this.#answer(request);
    } catch (error) {
      if (error instanceof Refusal) return refused(error.status, error.message, error.reason);
      throw error;
    }
  }

  upgrade(): Promise<never> {
    return Promise.reject(
      new FairleadError('kube/unreachable', 'The fake server does not upgrade connections.'),
    );
  }

  close(): void {
    this.endWatches('end');
  }

  /**
   * Ends all watches: cleanly, by a broken connection, by one that breaks inside of an event, by an event that is no
   * JSON; or lets them hang without another word.
   */
  endWatches(how: 'end' | 'break' | 'cut' | 'garble' | 'hang'): void {
    for (const watch of this.#watches) watch.end(how);
    this.#watches.clear();
  }

  sendBookmarks(): void {
    for (const watch of this.#watches) watch.bookmark(this.store.version);
  }

  #answer(request: TransportRequest): TransportResponse {
    const url = new URL(request.path, 'http://fake');
    const target = this.store.locate(url.pathname);
    if (target === undefined) throw new Refusal(404, 'NotFound', `nothing is served at ${url.pathname}`);
    const { resource, namespace, name } = target;
    const query = url.searchParams;
    if (name === undefined && request.method === 'GET') {
      const chosen = selection(query, namespace);
      return query.get('watch') === 'true'
        ? this.#watch(request, query, resource, chosen)
        : this.#list(query, resource, chosen);
    }
    const body = request.body === undefined ? undefined : (JSON.parse(request.body.toString()) as KubeObject);
    const patchType = request.method === 'PATCH' ? request.headers?.['Content-Type'] : undefined;
    return json(200, this.store.write(request.method, target, body, patchType));
  }

  #list(query: URLSearchParams, resource: Resource<KubeObject>, chosen: Chosen): TransportResponse {
    const token = query.get('continue');
    const [version, after] =
      token === null ? [this.store.version, ''] : (JSON.parse(token) as [number, string]);
    if (version < this.store.oldest) throw new Refusal(410, 'Expired', 'the continue token is too old');
    const all = this.store.at(resource, version).filter(([, object]) => chosen(object));
    const rest = all.filter(([key]) => key > after);
    const limit =
      query.get('resourceVersion') === '0' ? rest.length : Number(query.get('limit') ?? rest.length);
    const page = rest.slice(0, limit);
    const last = page.at(-1)?.[0];
    const more = rest.length > page.length && last !== undefined;
    return json(200, {
      kind: `${resource.kind}List`,
      metadata: {
        resourceVersion: String(version),
        ...(more ? { continue: JSON.stringify([version, last]) } : {}),
      },
      // Servers leave apiVersion and kind out of items.
      items: page.map(([, object]) => ({ ...object, apiVersion: undefined, kind: undefined })),
    });
  }

  #watch(
    request: TransportRequest,
    query: URLSearchParams,
    resource: Resource<KubeObject>,
    chosen: Chosen,
  ): TransportResponse {
    const stream = query.get('sendInitialEvents') === 'true';
    if (stream && this.faults.streams === 'refused') {
      throw new Refusal(
        422,
        'Invalid',
        'sendInitialEvents is forbidden for watch unless the WatchList feature is enabled',
      );
    }
    if (stream && query.get('resourceVersionMatch') !== 'NotOlderThan')
      throw new Refusal(422, 'Invalid', 'no match');
    const from = stream ? this.store.version : Number(query.get('resourceVersion') ?? Number.NaN);
    if (!Number.isInteger(from)) throw new Refusal(400, 'BadRequest', 'this server wants a resourceVersion');
    if (from > this.store.version) throw new Refusal(504, 'Timeout', 'Too large resource version');
    const gone = from < this.store.oldest;
    if (gone && this.faults.goneAs === 'status')
      throw new Refusal(410, 'Expired', 'too old resource version');
    const watch = new OpenWatch(resource, chosen, request.signal, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    if (gone) watch.gone();
    else if (stream) this.#sendInitial(watch, resource, chosen);
    else for (const recorded of this.store.since(from)) this.#tell(watch, recorded);
    return { status: 200, headers: {}, body: watch.body };
  }

  #tell(watch: OpenWatch, recorded: Recorded): void {
    if (this.faults.garbled.has(recorded.version)) watch.end('garble');
    else watch.tell(recorded);
  }

  #sendInitial(watch: OpenWatch, resource: Resource<KubeObject>, chosen: Chosen): void {
    const { version } = this.store;
    for (const [, object] of this.store.at(resource, version))
      if (chosen(object)) watch.send('ADDED', object);
    if (this.faults.streams === 'yes') watch.bookmark(version, { 'k8s.io/initial-events-end': 'true' });
  }
}

type Chosen = (object: KubeObject) => boolean;

class OpenWatch {
  readonly body = new PassThrough();
  readonly #resource: Resource<KubeObject>;
  readonly #chosen: Chosen;

  constructor(
    resource: Resource<KubeObject>,
    chosen: Chosen,
    signal: AbortSignal | undefined,
    onClose: () => void,
  ) {
    this.#resource = resource;
    this.#chosen = chosen;
    const onAbort = () => this.body.destroy(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.body.on('close', () => {
      signal?.removeEventListener('abort', onAbort);
      onClose();
    });
    this.body.on('error', () => undefined); // the reader gets it too
  }

  /** A change as this watch sees it: an object that comes to match is ADDED, one that no longer does is DELETED. */
  tell({ resource, before, after, version }: Recorded): void {
    if (resource.plural !== this.#resource.plural || resource.group !== this.#resource.group) return;
    const was = before !== undefined && this.#chosen(before);
    const is = after !== undefined && this.#chosen(after);
    if (is) this.send(was ? 'MODIFIED' : 'ADDED', after);
    else if (was)
      this.send('DELETED', { ...before, metadata: { ...before.metadata, resourceVersion: String(version) } });
  }

  send(type: string, object: unknown): void {
    if (this.body.writable) this.body.write(`${JSON.stringify({ type, object })}\n`);
  }

  bookmark(version: number, annotations?: Readonly<Record<string, string>>): void {
    const metadata = {
      resourceVersion: String(version),
      ...(annotations === undefined ? {} : { annotations }),
    };
    this.send('BOOKMARK', { kind: this.#resource.kind, metadata });
  }

  gone(): void {
    this.send('ERROR', status(410, 'too old resource version', 'Expired'));
    this.body.end();
  }

  end(how: 'end' | 'break' | 'cut' | 'garble' | 'hang'): void {
    if (how === 'hang' || !this.body.writable) return;
    if (how === 'cut') this.body.write('{"type":"ADDED","object":{"metadata":{"name":"half');
    if (how === 'garble') this.body.write('{"type":"ADDED","obj\n');
    if (how === 'break') this.body.destroy(new Error('socket hang up'));
    else this.body.end();
  }
}

function selection(query: URLSearchParams, namespace: string | undefined): Chosen {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  return object =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    matchesLabels(labels, object.metadata.labels) &&
    matchesFields(fields, path => fieldAt(object, path));
}

function fieldAt(object: unknown, path: string): string | undefined {
  let at = object;
  for (const part of path.split('.')) at = (at as Readonly<Record<string, unknown>> | undefined)?.[part];
  return typeof at === 'string' ? at : undefined;
}

function refused(
  code: number,
  message: string,
  reason: string,
  retryAfterSeconds?: number,
): TransportResponse {
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return { ...json(code, status(code, message, reason)), headers };
}

function status(code: number, message: string, reason: string): Status {
  const causes =
    message === 'Too large resource version' ? { causes: [{ reason: 'ResourceVersionTooLarge' }] } : {};
  return { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, message, reason, details: causes };
}

function json(code: number, body: unknown): TransportResponse {
  return { status: code, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(body))]) };
}
