import type { Clock } from '../../../base/clock.ts';
import type { Log } from '../../../base/log.ts';
import type { KubeClient, WatchEvent, WatchOptions } from '../../../kube/client.ts';
import { Informer } from '../../../kube/informer.ts';
import type { Change } from '../../../kube/informer.ts';
import type { Resource } from '../../../kube/resources.ts';
import type { KubeObject, ObjectMeta } from '../../../kube/types/meta.ts';
import type { DiscoveredResource } from '../discovery.ts';

/** The part of an informer that is read here: of any kind. */
export interface Watched {
  readonly synced: Promise<void>;
  onChange(handler: (change: Change<KubeObject>) => void): () => void;
}

export interface MonitorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Informers that others run anyway, by `resourceKey`. */
  readonly shared: ReadonlyMap<string, Watched>;
  readonly onChange: (resource: DiscoveredResource, change: Change<KubeObject>) => void;
}

interface Monitor {
  readonly resource: DiscoveredResource;
  readonly synced: Promise<void>;
  /** Ends the watch and takes what it had seen out of the graph. */
  stop(): void;
}

/** `pods`, `deployments.apps`. */
export const resourceKey = (resource: Pick<Resource<KubeObject>, 'group' | 'plural'>): string =>
  resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;

/** One watch for each kind that the server has, of the metadata that says who owns whom. */
export class Monitors {
  readonly #options: MonitorOptions;
  readonly #monitors = new Map<string, Monitor>();

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** Starts and ends watches so that exactly `resources` are followed; resolves when the new ones are filled. */
  async follow(resources: readonly DiscoveredResource[]): Promise<void> {
    const wanted = new Map(resources.map(resource => [resourceKey(resource), resource]));
    for (const [key, monitor] of this.#monitors) {
      const resource = wanted.get(key);
      if (resource?.version === monitor.resource.version && resource.kind === monitor.resource.kind) continue;
      monitor.stop();
      this.#monitors.delete(key);
    }
    const started: Monitor[] = [];
    for (const [key, resource] of wanted) {
      if (this.#monitors.has(key)) continue;
      const monitor = this.#start(key, resource);
      this.#monitors.set(key, monitor);
      started.push(monitor);
    }
    await Promise.all(started.map(monitor => monitor.synced));
  }

  /** The resource of an owner reference, by its group and kind. */
  resourceOf(group: string, kind: string): DiscoveredResource | undefined {
    for (const { resource } of this.#monitors.values()) {
      if (resource.group === group && resource.kind === kind) return resource;
    }
    return undefined;
  }

  stop(): void {
    for (const monitor of this.#monitors.values()) monitor.stop();
    this.#monitors.clear();
  }

  #start(key: string, resource: DiscoveredResource): Monitor {
    const { onChange, shared } = this.#options;
    const announce = (change: Change<KubeObject>) => onChange(resource, change);
    const existing = shared.get(key);
    if (existing !== undefined) {
      return { resource, synced: existing.synced, stop: existing.onChange(announce) };
    }
    const { client, clock, log } = this.#options;
    const ended = new AbortController();
    const informer = new Informer<KubeObject>(metadataReader(client), resource, { clock, log });
    const detach = informer.onChange(announce);
    informer.start(ended.signal);
    const stop = () => {
      ended.abort(new Error('the kind is not watched any more'));
      detach();
      for (const before of informer.cache.list()) announce({ before });
    };
    // A kind that goes away while it is being listed is not waited for.
    return { resource, synced: informer.synced.catch(() => undefined), stop };
  }
}

/**
 * A client whose lists and watches keep of each object only what ownership needs: the specs of all objects of the
 * cluster would be most of the process's memory.
 */
function metadataReader(client: KubeClient): KubeClient {
  const reader: Pick<KubeClient, 'list' | 'watch'> = {
    list: async (resource, options) => {
      const page = await client.list(resource, options);
      return { ...page, items: page.items.map(strip) };
    },
    watch: (resource, options) => strippedEvents(client, resource, options),
  };
  return reader as KubeClient; // an informer calls nothing else
}

async function* strippedEvents<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  for await (const event of client.watch(resource, options)) {
    yield event.type === 'BOOKMARK' ? event : { ...event, object: strip(event.object) };
  }
}

function strip<T extends KubeObject>(object: T): T {
  const { metadata } = object;
  const kept: ObjectMeta = {
    name: metadata.name,
    ...pick(metadata, 'namespace'),
    ...pick(metadata, 'uid'),
    ...pick(metadata, 'resourceVersion'),
    ...pick(metadata, 'deletionTimestamp'),
    ...pick(metadata, 'finalizers'),
    ...pick(metadata, 'ownerReferences'),
  };
  // The rest of T is not there: garbage collection reads metadata alone.
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: kept } as T;
}

function pick<K extends keyof ObjectMeta>(metadata: ObjectMeta, field: K): Pick<ObjectMeta, K> | object {
  return metadata[field] === undefined ? {} : { [field]: metadata[field] };
}
