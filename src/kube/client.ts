import { systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { createHttpTransport } from './http-transport.ts';
import type { Kubeconfig } from './kubeconfig.ts';
import type { ObjectKey, Resource } from './resources.ts';
import { ApiClient } from './api-client.ts';
import type { Transport, TransportResponse, UpgradedConnection } from './transport.ts';
import type { DeleteOptions, KubeObject } from './types/meta.ts';
import { userCredentials } from './user-credentials.ts';
import type { WatchEvent } from './watch-stream.ts';
import type { Readable } from 'node:stream';

export type { ObjectKey } from './resources.ts';
export type { WatchEvent } from './watch-stream.ts';
export { ApiError, isAlreadyExists, isConflict, isNotFound } from './api-error.ts';

/**
 * A Kubernetes API server, the same for a real one and for ours. Failures are ApiError (the server answered),
 * FairleadError `kube/…` (there was no answer), or the reason of an aborted signal.
 */
export interface KubeClient {
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: CallOptions): Promise<T>;
  /** One page; with `limit`, `continue` leads to the next one. Items carry apiVersion and kind. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ListResult<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: NoInfer<T>, options?: WriteOptions): Promise<T>;
  /** Replaces the object; with a resourceVersion only if it is still the same (409 Conflict otherwise). */
  update<T extends KubeObject>(
    resource: Resource<T>,
    object: NoInfer<T>,
    options?: UpdateOptions,
  ): Promise<T>;
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: unknown,
    options: PatchOptions,
  ): Promise<T>;
  delete(resource: Resource<KubeObject>, key: ObjectKey, options?: RemoveOptions): Promise<void>;
  deleteCollection(resource: Resource<KubeObject>, options?: RemoveOptions & Selection): Promise<void>;
  /** POST to a subresource: binding, eviction, token. Returns what the server answers. */
  createSubresource(
    resource: Resource<KubeObject>,
    key: ObjectKey,
    subresource: string,
    body: unknown,
    options?: CallOptions,
  ): Promise<unknown>;
  /** Ends when the server ends the watch or the signal is aborted; throws ApiError for an ERROR event. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** The bytes of a container's log; with `follow` until the container or the signal ends. */
  logs(key: ObjectKey, options?: LogOptions): Promise<Readable>;
  /** Any request: no error for any status. */
  request(method: string, path: string, options?: RequestOptions): Promise<RawAnswer>;
  /** Any request, with the body as a stream; every status that is no success throws ApiError. */
  stream(method: string, path: string, options?: RequestOptions): Promise<TransportResponse>;
  /** A raw connection after `101 Switching Protocols`; headers say to which. */
  connectUpgrade(path: string, options: UpgradeOptions): Promise<UpgradedConnection>;
  /** Ends what is under way with `kube/closed`; connections from `connectUpgrade` are the caller's. */
  close(): void;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface Selection {
  /** Absent means all namespaces. */
  readonly namespace?: string;
  /** As kubectl's `-l`. */
  readonly labelSelector?: string;
  /** As kubectl's `--field-selector`. */
  readonly fieldSelector?: string;
}

export interface ListOptions extends Selection, CallOptions {
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
}

export interface ListResult<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface UpdateOptions extends WriteOptions {
  readonly subresource?: 'status' | 'scale' | 'finalize' | 'resize' | 'ephemeralcontainers';
}

export interface PatchOptions extends UpdateOptions {
  /** RFC 7396, RFC 6902, Kubernetes' strategic merge, server-side apply. */
  readonly type: 'merge' | 'json' | 'strategic' | 'apply';
  /** For `apply`: take over fields that others manage. */
  readonly force?: boolean;
}

export type RemoveOptions = CallOptions &
  Pick<DeleteOptions, 'gracePeriodSeconds' | 'preconditions'> & {
    readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  };

export interface WatchOptions extends Selection {
  /** Absent with `sendInitialEvents`: start with everything there is. */
  readonly resourceVersion?: string;
  readonly signal: AbortSignal;
  readonly timeoutSeconds?: number;
  /** A streaming list: ADDED for each object, then a BOOKMARK with `initialEventsEnd` (KEP-3157). */
  readonly sendInitialEvents?: boolean;
}

export interface LogOptions extends CallOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly timestamps?: boolean;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly tailLines?: number;
  readonly limitBytes?: number;
}

export interface RequestOptions extends CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface UpgradeOptions extends CallOptions {
  /** Such as Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Protocol. */
  readonly headers: Readonly<Record<string, string>>;
  readonly method?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: TransportResponse['headers'];
  readonly body: Buffer;
}

/** A client for one context of a kubeconfig. Everything in a process should share one: it holds the connections. */
export function createClient(kubeconfig: Kubeconfig, options: { readonly clock?: Clock } = {}): KubeClient {
  const clock = options.clock ?? systemClock;
  const credentials = userCredentials(kubeconfig, clock);
  return createClientOver(createHttpTransport({ cluster: kubeconfig.cluster, credentials }), { clock });
}

/** The same client over another way of transport: a unix socket, or a server in the same process. */
export function createClientOver(transport: Transport, options: { readonly clock?: Clock } = {}): KubeClient {
  return new ApiClient(transport, options.clock ?? systemClock);
}
