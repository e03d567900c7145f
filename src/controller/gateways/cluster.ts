import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { attach, createCertificateReader, readGateway, readRoute } from '../../gateway/index.ts';
import type { Attachment, GatewayModel, GatewaySources, RouteModel } from '../../gateway/index.ts';
import { MANAGED_BY } from '../../gateway/compile-proxy-objects.ts';
import {
  backendsOf,
  configMapsOf,
  configMapsOfPolicy,
  gatewayOfSet,
  isSameSpec,
  namespaceOf,
  routeKey,
  secretsOf,
  servicesOfPolicy,
} from '../../gateway/compile-keys.ts';
import { createAuthoritiesReader } from '../../gateway/authorities.ts';
import { FollowedObjects } from '../../gateway/follow-objects.ts';
import { FollowedRoutes } from '../../gateway/follow-routes.ts';
import { withoutRivals } from '../../gateway/compile-rivals.ts';
import { isOurs, setParent } from '../../gateway/model.ts';
import type { Route } from '../../gateway/model.ts';
import type { KubeClient } from '../../kube/client.ts';
import { Informer } from '../../kube/informer.ts';
import type { Change, InformerOptions } from '../../kube/informer.ts';
import {
  BACKEND_TLS_POLICIES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  GATEWAYS,
  GATEWAY_CLASSES,
  NAMESPACES,
  REFERENCE_GRANTS,
  SECRETS,
  SERVICE_ACCOUNTS,
  keyOf,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { ConfigMap, Secret } from '../../kube/types/config.ts';
import type { BackendTLSPolicy } from '../../kube/types/gateway-policies.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Service } from '../../kube/types/service.ts';

export interface ClusterOptions {
  readonly client: KubeClient;
  /** Of all namespaces, started by the caller. */
  readonly services: Informer<Service>;
  /** Of type kubernetes.io/tls, started by the caller. */
  readonly certificates: Informer<Secret>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a change may have touched, as the keys of the loop's queue. */
export type Touched =
  | `class/${string}`
  | `gateway/${string}`
  /** Only how many routes are attached to a Gateway. */
  | `routes-of/${string}`
  | `route/${string}`
  /** A ListenerSet whose Gateway is gone. */
  | `orphan/${string}`
  | `policy/${string}`;

const managedBy = Object.entries(MANAGED_BY)
  .map(([name, value]) => `${name}=${value}`)
  .join(',');

/**
 * Gateways and all that they depend on, as the API has them, and the models of both kinds, kept until something that they
 * are made of changes.
 */
export class GatewayCluster {
  readonly classes;
  readonly gateways;
  readonly routes;
  readonly policies;
  readonly services: Informer<Service>;
  readonly deployments;
  readonly serviceAccounts;
  readonly #secrets: Informer<Secret>;
  readonly controlSecrets;
  readonly #grants;
  readonly #namespaces;
  /** Those that Gateways and policies take authorities from; from `start` on. */
  #configMaps: FollowedObjects<ConfigMap> | undefined;
  readonly #options: ClusterOptions;
  readonly #gatewayModels = new Map<string, GatewayModel>();
  readonly #routeModels = new Map<string, RouteModel>();
  /** Of Gateways with GRPCRoutes, where one route may stand in another's way; by Gateway, then by route. */
  readonly #attached = new Map<string, AttachedToGateway>();
  /** What models are made of. */
  readonly sources: GatewaySources;

  constructor(options: ClusterOptions) {
    const { client, services, certificates, clock, log } = options;
    this.#options = options;
    const follow = <T extends KubeObject>(resource: Resource<T>, options: InformerOptions<T> = {}) =>
      new Informer(client, resource, { clock, log, ...options });
    // Where the API's kinds are not installed there is nothing to serve, until they are.
    const absent = 'empty';
    this.classes = follow(GATEWAY_CLASSES, { absent });
    this.gateways = follow(GATEWAYS, {
      absent,
      indexes: {
        class: gateway => [gateway.spec.gatewayClassName],
        secret: secretsOf,
        secretNamespace: gateway => [...secretsOf(gateway), ...configMapsOf(gateway)].map(namespaceOf),
        configMap: configMapsOf,
      },
    });
    this.policies = follow(BACKEND_TLS_POLICIES, {
      absent,
      indexes: { service: servicesOfPolicy, configMap: configMapsOfPolicy },
    });
    this.routes = new FollowedRoutes(follow, 'all');
    this.services = services;
    this.deployments = follow(DEPLOYMENTS, { labelSelector: managedBy });
    this.serviceAccounts = follow(SERVICE_ACCOUNTS, { labelSelector: managedBy });
    this.controlSecrets = follow(SECRETS, { labelSelector: managedBy });
    this.#secrets = certificates;
    this.#grants = follow(REFERENCE_GRANTS, {
      absent,
      indexes: { namespace: grant => [grant.metadata.namespace ?? ''] },
    });
    this.#namespaces = follow(NAMESPACES);
    this.sources = {
      namespace: name => this.#namespaces.cache.get(name),
      service: key => this.services.cache.get(key),
      slices: () => [], // where requests end is the agents' affair
      secret: key => this.#secrets.cache.get(key),
      grants: namespace => this.#grants.cache.by('namespace', namespace),
      certificate: createCertificateReader(),
      configMap: key => this.#configMaps?.get(key),
      authorities: createAuthoritiesReader(),
      listenerSets: key => this.routes.setsOf(key),
      tlsPolicies: key => this.policies.cache.by('service', key),
    };
  }

  /** Begins to follow the API; `tell` hears of every change once all is known. */
  async start(signal: AbortSignal, tell: (touched: Iterable<Touched>) => void): Promise<() => void> {
    const informers: readonly { start(signal: AbortSignal): void; readonly synced: Promise<unknown> }[] = [
      this.classes,
      this.gateways,
      this.routes,
      this.policies,
      this.deployments,
      this.serviceAccounts,
      this.controlSecrets,
      this.#grants,
      this.#namespaces,
    ];
    for (const informer of informers) informer.start(signal);
    await Promise.all([this.services, this.#secrets, ...informers].map(informer => informer.synced));
    const { client, clock, log } = this.#options;
    const configMaps = new FollowedObjects({
      resource: CONFIG_MAPS,
      client,
      clock,
      log,
      signal,
      onChange: key => tell(this.#configMapChanged(key)),
    });
    this.#configMaps = configMaps;
    // What is there is told one by one: what all of it wants is looked at once, at the end.
    let isTold = false;
    const wantConfigMaps = () => {
      if (!isTold) return;
      configMaps.want(
        new Set([
          ...this.gateways.cache.list().flatMap(configMapsOf),
          ...this.policies.cache.list().flatMap(configMapsOfPolicy),
        ]),
      );
    };
    const ends = [
      this.gateways.onChange(wantConfigMaps),
      this.policies.onChange(change => {
        wantConfigMaps();
        tell(this.#policyChanged(change));
      }),
      this.routes.sets.onChange(change => {
        if (isSameSpec(change.before, change.after)) return;
        tell(
          each(change).flatMap(set => [
            ...this.#forgetGateway(gatewayOfSet(set)),
            // Of a set that is gone its Gateway knows nothing any more.
            ...this.routes.by('parent', setParent(keyOf(set))).flatMap(route => this.#ofRoute(route)),
          ]),
        );
      }),
      this.classes.onChange(change =>
        tell(
          each(change).flatMap(({ metadata: { name } }) => [
            `class/${name}` as const,
            ...this.#ofClass(name),
          ]),
        ),
      ),
      this.gateways.onChange(change => tell(this.#gatewayChanged(change))),
      this.routes.onChange(change => tell(this.#routeChanged(change))),
      this.services.onChange(change => tell(this.#serviceChanged(change))),
      this.deployments.onChange(change => tell(ownersOf(change))),
      this.serviceAccounts.onChange(change => tell(ownersOf(change))),
      this.controlSecrets.onChange(change => tell(ownersOf(change))),
      this.#secrets.onChange(change =>
        tell(
          each(change).flatMap(secret => [
            ...this.#forgetGateways('secret', keyOf(secret)),
            ...this.#forgetSets('secret', keyOf(secret)),
          ]),
        ),
      ),
      this.#grants.onChange(change =>
        tell(
          each(change).flatMap(({ metadata: { namespace = '' } }) => [
            ...this.#forgetGateways('secretNamespace', namespace),
            ...this.#forgetSets('secretNamespace', namespace),
            ...this.#forgetRoutes('backendNamespace', namespace),
          ]),
        ),
      ),
      this.#namespaces.onChange(({ before, after }) => {
        if (JSON.stringify(before?.metadata.labels) === JSON.stringify(after?.metadata.labels)) return;
        const name = (after ?? before)?.metadata.name ?? '';
        tell(this.routes.by('namespace', name).flatMap(route => this.#ofRoute(route)));
        tell(this.#forgetSets('namespace', name));
      }),
    ];
    isTold = true;
    wantConfigMaps();
    return () => {
      for (const end of ends) end();
    };
  }

  /** Is it known what these ConfigMaps are? Until then one that is absent means nothing; whose they are is told when it is. */
  knowsConfigMaps(keys: readonly string[]): boolean {
    return keys.length === 0 || this.#configMaps?.areKnown(keys) === true;
  }

  /** Undefined for one that is not there, or not of a class of ours. */
  gateway(key: string): GatewayModel | undefined {
    const gateway = this.gateways.cache.get(key);
    if (gateway === undefined || !isOurs(this.classes.cache.get(gateway.spec.gatewayClassName)))
      return undefined;
    const known = this.#gatewayModels.get(key);
    if (known?.gateway === gateway) return known;
    const model = readGateway(gateway, this.sources);
    this.#gatewayModels.set(key, model);
    return model;
  }

  route(key: string): RouteModel | undefined {
    const route = this.routes.get(key);
    if (route === undefined) return undefined;
    const known = this.#routeModels.get(key);
    if (known?.route === route) return known;
    const model = readRoute(route, this.sources);
    this.#routeModels.set(key, model);
    return model;
  }

  /** What a route's parentRefs to this Gateway come to. */
  attachments(route: RouteModel, gateway: GatewayModel): readonly Attachment[] {
    if (!this.routes.hasCalls(gateway.key)) return attach(route, gateway, this.sources);
    let known = this.#attached.get(gateway.key);
    if (known?.gateway !== gateway) {
      const all = this.routesOf(gateway.key).map(one => ({
        route: one,
        attachments: attach(one, gateway, this.sources),
      }));
      const routes = new Map(withoutRivals(all).map(one => [one.route.key, one.attachments]));
      known = { gateway, routes };
      this.#attached.set(gateway.key, known);
    }
    return known.routes.get(route.key) ?? [];
  }

  /** The Gateways of ours that a route names. */
  parents(route: RouteModel): readonly GatewayModel[] {
    return this.routes.gatewaysOf(route.route).flatMap(key => this.gateway(key) ?? []);
  }

  routesOf(gatewayKey: string): readonly RouteModel[] {
    return this.routes.keysOf(gatewayKey).flatMap(key => this.route(key) ?? []);
  }

  #ofClass(name: string): readonly Touched[] {
    return this.gateways.cache.by('class', name).flatMap(gateway => this.#gatewayAndRoutes(keyOf(gateway)));
  }

  #gatewayAndRoutes(key: string): readonly Touched[] {
    const routes = this.routes.keysOf(key);
    return [
      `gateway/${key}`,
      ...routes.map(route => `route/${route}` as const),
      ...routes.flatMap(route => this.#policiesOf(this.routes.get(route))),
    ];
  }

  #gatewayChanged({ before, after }: Change<Gateway>): readonly Touched[] {
    const key = keyOf(after ?? before ?? { metadata: { name: '' } });
    if (after === undefined) {
      this.#gatewayModels.delete(key);
      this.#attached.delete(key);
      const isOwn = isOurs(this.classes.cache.get(before?.spec.gatewayClassName ?? ''));
      const orphans = isOwn ? this.routes.setsOf(key).map(set => `orphan/${keyOf(set)}` as const) : [];
      return [...orphans, ...this.#gatewayAndRoutes(key)];
    }
    return isSameSpec(before, after) ? [`gateway/${key}`] : this.#gatewayAndRoutes(key);
  }

  #routeChanged({ before, after }: Change<Route>): readonly Touched[] {
    const route = after ?? before;
    if (route === undefined) return [];
    const key = routeKey(route);
    if (after === undefined) this.#routeModels.delete(key);
    if (isSameSpec(before, after)) return [`route/${key}`];
    return each({ before, after }).flatMap(one => this.#ofRoute(one));
  }

  #serviceChanged({ before, after }: Change<Service>): readonly Touched[] {
    const owners = ownersOf({ before, after });
    const matters = (service: Service | undefined) =>
      service && JSON.stringify([service.spec.type, service.spec.ports]);
    const key = keyOf(after ?? before ?? { metadata: { name: '' } });
    return matters(before) === matters(after) ? owners : [...owners, ...this.#forgetRoutes('backend', key)];
  }

  #policyChanged({ before, after }: Change<BackendTLSPolicy>): readonly Touched[] {
    if (isSameSpec(before, after)) return after === undefined ? [] : [`policy/${keyOf(after)}`];
    // Others that name the same Service win or lose by it, and routes may lead to what speaks TLS.
    const services = each({ before, after }).flatMap(servicesOfPolicy);
    return services.flatMap(service => [
      ...this.policies.cache.by('service', service).map(policy => `policy/${keyOf(policy)}` as const),
      ...this.#forgetRoutes('backend', service),
    ]);
  }

  #configMapChanged(key: string): readonly Touched[] {
    return [
      ...this.#forgetGateways('configMap', key),
      ...this.policies.cache.by('configMap', key).map(policy => `policy/${keyOf(policy)}` as const),
    ];
  }

  #policiesOf(route: Route | undefined): readonly Touched[] {
    return (route === undefined ? [] : backendsOf(route)).flatMap(service =>
      this.policies.cache.by('service', service).map(policy => `policy/${keyOf(policy)}` as const),
    );
  }

  #forgetSets(index: string, value: string): readonly Touched[] {
    return this.routes.sets.cache.by(index, value).flatMap(set => this.#forgetGateway(gatewayOfSet(set)));
  }

  #forgetGateway(key: string | undefined): readonly Touched[] {
    if (key === undefined) return [];
    this.#gatewayModels.delete(key);
    return this.#gatewayAndRoutes(key);
  }

  #forgetGateways(index: string, value: string): readonly Touched[] {
    return this.gateways.cache.by(index, value).flatMap(gateway => this.#forgetGateway(keyOf(gateway)));
  }

  #forgetRoutes(index: 'backend' | 'backendNamespace', value: string): readonly Touched[] {
    return this.routes.by(index, value).flatMap(route => {
      this.#routeModels.delete(routeKey(route));
      return this.#ofRoute(route);
    });
  }

  /** The route, its parents, and those that it may stand in the way of. */
  #ofRoute(route: Route): readonly Touched[] {
    return [
      `route/${routeKey(route)}`,
      ...this.#policiesOf(route),
      ...this.routes.gatewaysOf(route).flatMap((key): readonly Touched[] => {
        this.#attached.delete(key);
        const hasRivals = route.kind === 'GRPCRoute' || this.routes.hasCalls(key);
        const rivals = hasRivals ? this.routes.keysOf(key) : [];
        return [`routes-of/${key}`, ...rivals.map(rival => `route/${rival}` as const)];
      }),
    ];
  }
}

interface AttachedToGateway {
  readonly gateway: GatewayModel;
  readonly routes: ReadonlyMap<string, readonly Attachment[]>;
}

const each = <T>({ before, after }: { readonly before?: T | undefined; readonly after?: T | undefined }) =>
  [before, after].filter(object => object !== undefined);

function ownersOf(change: {
  readonly before?: KubeObject | undefined;
  readonly after?: KubeObject | undefined;
}): readonly Touched[] {
  return each(change).flatMap(({ metadata: { namespace = '', ownerReferences = [] } }) =>
    ownerReferences
      .filter(({ kind }) => kind === 'Gateway')
      .map(({ name }) => `gateway/${namespace}/${name}` as const),
  );
}
