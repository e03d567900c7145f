import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { createCertificateReader } from '../../gateway/certificate.ts';
import { createAuthoritiesReader } from '../../gateway/authorities.ts';
import {
  configMapsOf,
  configMapsOfPolicy,
  gatewayOfSet,
  isSameSpec,
  namespaceOf,
  routeKey,
  secretsOf,
  servicesOfPolicy,
} from '../../gateway/compile-keys.ts';
import { compileOptions } from '../../gateway/compile-options.ts';
import { FollowedRoutes, type RouteIndex } from '../../gateway/follow-routes.ts';
import type { LiveSources } from '../../gateway/live-table.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { Change, InformerOptions } from '../../kube/informer.ts';
import {
  BACKEND_TLS_POLICIES,
  GATEWAYS,
  GATEWAY_CLASSES,
  NAMESPACES,
  REFERENCE_GRANTS,
  keyOf,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { ConfigMap, Secret } from '../../kube/types/config.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Service } from '../../kube/types/service.ts';
import { serviceOf } from '../../services/index.ts';

/** What the tables of this node's Gateways have to hear of. */
export interface Touched {
  /** Every Gateway, or those with these keys. */
  gateways(keys?: readonly string[]): void;
  route(key: string, gateways: readonly string[]): void;
  endpoints(service: string): void;
}

export interface SourcesOptions {
  readonly client: KubeClient;
  /** Of all namespaces, started by the caller; slices are indexed by `service`. */
  readonly services: Informer<Service>;
  readonly slices: Informer<EndpointSlice>;
  readonly secret: (key: string) => Secret | undefined;
  readonly configMap: (key: string) => ConfigMap | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Everything of the API that a route table is made of; followed only while a proxy runs on this node. */
export class TableSources {
  readonly #classes;
  readonly gateways;
  readonly #routes;
  readonly #policies;
  readonly #grants;
  readonly #namespaces;
  readonly #options: SourcesOptions;
  readonly live: LiveSources;

  constructor(options: SourcesOptions) {
    const { client, clock, log, services, slices } = options;
    this.#options = options;
    const follow = <T extends KubeObject>(resource: Resource<T>, more: InformerOptions<T> = {}) =>
      new Informer(client, resource, { clock, log, ...more });
    this.#classes = follow(GATEWAY_CLASSES);
    this.gateways = follow(GATEWAYS);
    this.#routes = new FollowedRoutes(follow, 'proxied');
    this.#policies = follow(BACKEND_TLS_POLICIES, {
      // Where the kind is not installed there are none of it, until it is.
      absent: 'empty',
      indexes: { service: servicesOfPolicy, configMap: configMapsOfPolicy },
    });
    this.#grants = follow(REFERENCE_GRANTS, {
      indexes: { namespace: grant => [grant.metadata.namespace ?? ''] },
    });
    this.#namespaces = follow(NAMESPACES);
    this.live = {
      gatewayClass: name => this.#classes.cache.get(name),
      gateway: key => this.gateways.cache.get(key),
      route: key => this.#routes.get(key),
      routesOf: key => this.#routes.keysOf(key),
      listenerSets: key => this.#routes.setsOf(key),
      tlsPolicies: key => this.#policies.cache.by('service', key),
      configMap: options.configMap,
      authorities: createAuthoritiesReader(),
      namespace: name => this.#namespaces.cache.get(name),
      service: key => services.cache.get(key),
      slices: key => slices.cache.by('service', key),
      grants: namespace => this.#grants.cache.by('namespace', namespace),
      secret: options.secret,
      certificate: createCertificateReader(),
    };
  }

  /** Secrets, as `namespace/name`, that a Gateway's table is made of. */
  secretsOf(gateway: Gateway): readonly string[] {
    return [gateway, ...this.#routes.setsOf(keyOf(gateway))].flatMap(secretsOf);
  }

  /** The same of ConfigMaps: authorities of its clients, and of backends that its routes lead to. */
  configMapsOf(gateway: Gateway): readonly string[] {
    const key = keyOf(gateway);
    // Policies are few, routes may be thousands.
    const followed = this.#policies.cache
      .list()
      .filter(policy =>
        servicesOfPolicy(policy).some(service =>
          this.#routes.by('backend', service).some(route => this.#routes.gatewaysOf(route).includes(key)),
        ),
      );
    return [...configMapsOf(gateway), ...followed.flatMap(configMapsOfPolicy)];
  }

  /** Services whose policies take authorities from a ConfigMap. */
  servicesOfConfigMap(key: string): readonly string[] {
    return this.#policies.cache.by('configMap', key).flatMap(servicesOfPolicy);
  }

  /** Resolves when all is known; `touched` hears of what changes afterwards. Rejects when the signal is aborted before. */
  async start(signal: AbortSignal, touched: Touched): Promise<void> {
    const { services, slices } = this.#options;
    const own: readonly { start(signal: AbortSignal): void; readonly synced: Promise<unknown> }[] = [
      this.#classes,
      this.gateways,
      this.#routes,
      this.#policies,
      this.#grants,
      this.#namespaces,
    ];
    for (const informer of own) informer.start(signal);
    await Promise.all([...own, services, slices].map(informer => informer.synced));
    signal.throwIfAborted();
    const ends = [
      services.onChange(change => this.#serviceChanged(change, touched)),
      slices.onChange(({ before, after }) => {
        for (const slice of [before, after]) if (slice !== undefined) touched.endpoints(serviceOf(slice));
      }),
    ];
    signal.addEventListener('abort', () => ends.forEach(end => end()), { once: true });
    this.#classes.onChange(() => touched.gateways());
    this.#grants.onChange(({ before, after }) => {
      const namespace = (after ?? before)?.metadata.namespace ?? '';
      this.#routesChanged('backendNamespace', namespace, touched);
      const naming = this.gateways.cache
        .list()
        .filter(gateway =>
          [...this.secretsOf(gateway), ...configMapsOf(gateway)].some(key => namespaceOf(key) === namespace),
        );
      if (naming.length > 0) touched.gateways(naming.map(keyOf));
    });
    this.#namespaces.onChange(({ before, after }) => {
      if (JSON.stringify(before?.metadata.labels) === JSON.stringify(after?.metadata.labels)) return;
      const name = (after ?? before)?.metadata.name ?? '';
      this.#routesChanged('namespace', name, touched);
      const sets = this.#routes.sets.cache.by('namespace', name);
      if (sets.length > 0) touched.gateways(sets.flatMap(set => gatewayOfSet(set) ?? []));
    });
    this.#routes.sets.onChange(({ before, after }) => {
      if (isSameSpec(before, after)) return;
      touched.gateways([before, after].flatMap(set => (set && gatewayOfSet(set)) ?? []));
    });
    this.#policies.onChange(({ before, after }) => {
      if (isSameSpec(before, after)) return;
      for (const policy of [before, after])
        for (const service of policy === undefined ? [] : servicesOfPolicy(policy)) {
          touched.endpoints(service);
          // What speaks TLS is no backend without a policy.
          this.#routesChanged('backend', service, touched);
        }
    });
    this.gateways.onChange(change => {
      const { before, after } = change;
      // Annotations count no generation.
      if (!isSameSpec(before, after) || optionsOf(before) !== optionsOf(after))
        touched.gateways([keyOf(objectOf(change))]);
    });
    this.#routes.onChange(change => {
      if (isSameSpec(change.before, change.after)) return;
      const parents = [change.before, change.after].flatMap(route =>
        route ? this.#routes.gatewaysOf(route) : [],
      );
      touched.route(routeKey(objectOf(change)), parents);
    });
  }

  #serviceChanged(change: Change<Service>, touched: Touched): void {
    const { before, after } = change;
    const matters = (service: Service | undefined) =>
      service && JSON.stringify([service.spec.type, service.spec.ports, service.spec.ipFamilies]);
    if (matters(before) === matters(after)) return;
    const key = keyOf(objectOf(change));
    touched.endpoints(key);
    this.#routesChanged('backend', key, touched);
  }

  #routesChanged(index: RouteIndex, value: string, touched: Touched): void {
    for (const route of this.#routes.by(index, value))
      touched.route(routeKey(route), this.#routes.gatewaysOf(route));
  }
}

const optionsOf = (gateway: Gateway | undefined): string | undefined =>
  gateway && JSON.stringify(compileOptions(gateway.metadata).options);

/** One of the two is always there. */
const objectOf = <T>({ before, after }: Change<T>): T => (after ?? before) as T;
