import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { attach } from '../../gateway/compile-attachment.ts';
import { readGateway } from '../../gateway/compile-gateway.ts';
import { readRoute } from '../../gateway/compile-route.ts';
import { isOurs } from '../../gateway/model.ts';
import type { GatewaySources } from '../../gateway/index.ts';
import { isSameSpec } from '../../gateway/compile-keys.ts';
import { proxyName } from '../../gateway/compile-objects.ts';
import { compileStreams } from '../../gateway/compile-streams.ts';
import type { StreamListener } from '../../gateway/compile-streams.ts';
import { FollowedRoutes } from '../../gateway/follow-routes.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { InformerOptions } from '../../kube/informer.ts';
import { GATEWAYS, GATEWAY_CLASSES, NAMESPACES, REFERENCE_GRANTS, keyOf } from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Service } from '../../kube/types/service.ts';
import { serviceOf } from '../../services/index.ts';
import type { WeightedService } from '../../services/index.ts';
import { weightedKey, weightedStream } from './weighted-stream.ts';

export interface StreamsOptions {
  readonly client: KubeClient;
  /** Of all namespaces, started by the caller; slices are indexed by `service`. */
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  /** What these listeners ask for may be another. Not called before `known`. */
  readonly onChange: (keys: readonly string[]) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** A listener of TCP or UDP, and the Service that has its Gateway's addresses. */
interface Stream {
  readonly listener: StreamListener;
  /** `namespace/name` */
  readonly gatewayService: string;
  /** Of the Gateway: a Service of that name that is another's has nothing to do with it. */
  readonly gatewayUid: string | undefined;
}

const families = [4, 6] as const;
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * Listeners of TCP and UDP of all Gateways, as what they ask of this node's Services:
 *
 * ```
 *   TCPRoutes, UDPRoutes, ListenerSets ─┐
 *   Gateways, classes, grants, Namespaces ─┴─▶ listeners, each with its route ─▶ WeightedService
 *   Services, EndpointSlices ──────────────────────────────────────────────────────┘
 * ```
 *
 * While there are no such routes, nothing else is followed for them.
 */
export class Streams {
  readonly #options: StreamsOptions;
  readonly #routes: FollowedRoutes;
  #more: Following | undefined;
  #isKnown = false;
  #isDue = false;
  /** By the key of the listener. */
  #streams: ReadonlyMap<string, Stream> = new Map();
  /** Keys of listeners, by a Service that they lead to or whose addresses they have. */
  #byService: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  /** Resolves when what is there is known; rejects when the signal is aborted before. */
  readonly known: Promise<void>;

  constructor(options: StreamsOptions) {
    const { client, clock, log, signal } = options;
    this.#options = options;
    const follow = <T extends KubeObject>(resource: Resource<T>, more: InformerOptions<T> = {}) =>
      new Informer(client, resource, { clock, log, ...more });
    this.#routes = new FollowedRoutes(follow, 'streams');
    this.known = this.#start(follow, signal);
    this.known.catch(() => undefined); // who does not wait need not handle that it was stopped
  }

  /** Keys of what `weighted` knows. */
  keys(): readonly string[] {
    return [...this.#streams.keys()].flatMap(key => families.map(family => weightedKey(key, family)));
  }

  weighted(key: string): WeightedService | undefined {
    const { services, slices } = this.#options;
    const family = key.endsWith('/IPv6') ? 6 : 4;
    const stream = this.#streams.get(key.slice('Gateway/'.length, -'/IPv4'.length));
    if (stream === undefined || !key.startsWith('Gateway/')) return undefined;
    const service = services.cache.get(stream.gatewayService);
    const owners = service?.metadata.ownerReferences ?? [];
    if (service === undefined || !owners.some(({ uid }) => uid === stream.gatewayUid)) return undefined;
    return weightedStream(stream.listener, service, family, {
      service: of => services.cache.get(of),
      slices: of => slices.cache.by('service', of),
    });
  }

  async #start(follow: Follow, signal: AbortSignal): Promise<void> {
    const { services, slices } = this.#options;
    this.#routes.start(signal);
    await Promise.all([this.#routes.synced, services.synced, slices.synced]);
    if (this.#routes.list().length > 0) await this.#followMore(follow, signal).known;
    signal.throwIfAborted();
    this.#compile();
    this.#isKnown = true;
    const ends = [
      this.#routes.onChange(change => {
        if (isSameSpec(change.before, change.after)) return;
        const more = this.#followMore(follow, signal);
        if (more.isKnown) this.#soon();
      }),
      this.#routes.sets.onChange(change => {
        if (!isSameSpec(change.before, change.after)) this.#soon();
      }),
      services.onChange(({ before, after }) => {
        const key = keyOf(after ?? before ?? { metadata: { name: '' } });
        if (this.#routes.by('backend', key).length > 0) this.#soon();
        this.#tell(this.#byService.get(key));
      }),
      slices.onChange(({ before, after }) => {
        for (const slice of [before, after])
          if (slice !== undefined) this.#tell(this.#byService.get(serviceOf(slice)));
      }),
    ];
    signal.addEventListener('abort', () => ends.forEach(end => end()), { once: true });
  }

  /** What routes stand on, from the first of them on. */
  #followMore(follow: Follow, signal: AbortSignal): Following {
    if (this.#more !== undefined) return this.#more;
    // Services wait for what is known here: not for ever, where the agent may not see these kinds.
    const absent = 'empty-or-forbidden';
    const gateways = follow(GATEWAYS, { absent });
    const classes = follow(GATEWAY_CLASSES, { absent });
    const grants = follow(REFERENCE_GRANTS, {
      absent,
      indexes: { namespace: grant => [grant.metadata.namespace ?? ''] },
    });
    const namespaces = follow(NAMESPACES, { absent });
    const all = [gateways, classes, grants, namespaces];
    for (const informer of all) informer.start(signal);
    const known = Promise.all(all.map(informer => informer.synced)).then(() => {
      following.isKnown = true;
      const soon = () => this.#soon();
      gateways.onChange(change => {
        if (!isSameSpec(change.before, change.after)) soon();
      });
      classes.onChange(soon);
      grants.onChange(soon);
      namespaces.onChange(({ before, after }) => {
        if (JSON.stringify(before?.metadata.labels) !== JSON.stringify(after?.metadata.labels)) soon();
      });
    });
    known.catch(() => undefined); // stopped before
    const { services, slices } = this.#options;
    const following: Following = {
      gateways: () => gateways.cache.list(),
      isOurs: name => isOurs(classes.cache.get(name)),
      sources: {
        namespace: name => namespaces.cache.get(name),
        service: key => services.cache.get(key),
        slices: key => slices.cache.by('service', key),
        grants: namespace => grants.cache.by('namespace', namespace),
        listenerSets: key => this.#routes.setsOf(key),
        // What listeners of TLS do is none of ours.
        secret: () => undefined,
        certificate: () => ({ problem: 'it is not read here' }),
      },
      known,
      isKnown: false,
    };
    this.#more = following;
    return following;
  }

  /** Several changes at once are looked at together. */
  #soon(): void {
    if (!this.#isKnown || this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      if (!this.#options.signal.aborted && this.#more?.isKnown !== false) this.#tell(this.#compile());
    });
  }

  #tell(listeners: ReadonlySet<string> | undefined): void {
    if (listeners === undefined || listeners.size === 0) return;
    this.#options.onChange([...listeners].flatMap(key => families.map(family => weightedKey(key, family))));
  }

  /** Returns the listeners that are others than before. */
  #compile(): ReadonlySet<string> {
    const before = this.#streams;
    const streams = new Map<string, Stream>();
    for (const gateway of this.#more?.gateways() ?? []) {
      if (this.#more?.isOurs(gateway.spec.gatewayClassName) !== true) continue;
      for (const stream of this.#streamsOf(gateway, this.#more.sources))
        streams.set(stream.listener.key, stream);
    }
    const byService = new Map<string, Set<string>>();
    for (const [key, { gatewayService, listener }] of streams)
      for (const service of [gatewayService, ...listener.backends.flatMap(backend => backend.service ?? [])])
        byService.set(service, (byService.get(service) ?? new Set()).add(key));
    this.#streams = streams;
    this.#byService = byService;
    const keys = new Set([...before.keys(), ...streams.keys()]);
    return new Set(
      [...keys].filter(key => JSON.stringify(before.get(key)) !== JSON.stringify(streams.get(key))),
    );
  }

  #streamsOf(gateway: Gateway, sources: GatewaySources): readonly Stream[] {
    const key = keyOf(gateway);
    const routes = this.#routes.keysOf(key).flatMap(route => this.#routes.get(route) ?? []);
    if (routes.length === 0) return [];
    const model = readGateway(gateway, sources);
    const attached = routes.map(route => {
      const read = readRoute(route, sources);
      return { route: read, attachments: attach(read, model, sources) };
    });
    const gatewayService = `${gateway.metadata.namespace ?? ''}/${proxyName(gateway, digest)}`;
    return compileStreams(model, attached).map(listener => ({
      listener,
      gatewayService,
      gatewayUid: gateway.metadata.uid,
    }));
  }
}

type Follow = <T extends KubeObject>(resource: Resource<T>, options?: InformerOptions<T>) => Informer<T>;

interface Following {
  readonly gateways: () => readonly Gateway[];
  readonly isOurs: (className: string) => boolean;
  readonly sources: GatewaySources;
  readonly known: Promise<void>;
  isKnown: boolean;
}
