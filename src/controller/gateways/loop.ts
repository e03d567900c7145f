import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import { KEY_BYTES } from '../../gateway/channel.ts';
import { controlSecret, controlSecretName, proxyName, proxyObjects } from '../../gateway/compile-objects.ts';
import { configMapsOf, configMapsOfPolicy, gatewayOfSet } from '../../gateway/compile-keys.ts';
import { policyStatus } from '../../gateway/compile-policy-status.ts';
import {
  gatewayClassStatus,
  gatewayStatus,
  listenerSetStatus,
  needsProxies,
  orphanStatus,
  routeStatus,
} from '../../gateway/compile-status.ts';
import type { Infrastructure } from '../../gateway/compile-status.ts';
import { CONTROLLER_NAME, isOurs } from '../../gateway/model.ts';
import type { GatewayModel } from '../../gateway/index.ts';
import type { ListenerSetModel } from '../../gateway/model.ts';
import { ApiError, isAlreadyExists, isConflict, isNotFound } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Informer } from '../../kube/informer.ts';
import {
  BACKEND_TLS_POLICIES,
  DEPLOYMENTS,
  GATEWAYS,
  GATEWAY_CLASSES,
  GRPC_ROUTES,
  HTTP_ROUTES,
  LISTENER_SETS,
  SECRETS,
  SERVICES,
  SERVICE_ACCOUNTS,
  TCP_ROUTES,
  TLS_ROUTES,
  UDP_ROUTES,
  keyOf,
  parseKey,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import { timestampOf } from '../../kube/timestamps.ts';
import type { Secret } from '../../kube/types/config.ts';
import type { Gateway, GatewayStatus, ListenerSet } from '../../kube/types/gateway.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Service } from '../../kube/types/service.ts';
import { GatewayCluster } from './cluster.ts';
import type { Touched } from './cluster.ts';
import { Definitions } from './definitions.ts';
import { keepObject } from './keep-object.ts';
import { newlyFalse } from './newly-false.ts';
import { ancestorsOf } from './policy-ancestors.ts';

export interface GatewayLoopOptions {
  readonly client: KubeClient;
  /** Of all namespaces, started by the caller. */
  readonly services: Informer<Service>;
  /** Of type kubernetes.io/tls, started by the caller. */
  readonly certificates: Informer<Secret>;
  readonly events: EventRecorder;
  /** Of the proxies' containers. */
  readonly image: string;
  /** Proxies of a new Gateway; afterwards people may scale them. */
  readonly replicas: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** The class that is made where nobody has made it. */
const CLASS_NAME = 'fairlead';
/** Many routes come at once; how many are attached is counted when they have come. */
const COUNT_MILLISECONDS = 100;

/** Where the kinds of the Gateway API are not installed, the class is tried again after this time. */
const ABSENT_MILLISECONDS = 10_000;
const ROUTES_OF = 'routes-of/';

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * ```
 *   GatewayClasses, ListenerSets┐            ┌─▶ status of all of these kinds; Events
 *   Gateways, routes, policies ─┼─▶ queue ───┤
 *   grants, Namespaces, Secrets,┤            └─▶ per Gateway: ServiceAccount, Secret, Service, Deployment of proxies
 *   Services, Deployments ──────┘
 * ```
 *
 * What the proxies are told is the agents' affair. Objects of ours go with their Gateway by their owner reference; when
 * the Gateway changes to a class of someone else, they are deleted here.
 */
export class GatewayLoop {
  readonly #options: GatewayLoopOptions;
  readonly #cluster: GatewayCluster;
  readonly #definitions: Definitions;
  readonly #queue: WorkQueue<Touched>;
  /**
   * Sets whose status was right, and for what: a Gateway may have hundreds, and each route that comes or goes is counted on one
   * of them.
   */
  readonly #said = new WeakMap<ListenerSet, { readonly model: ListenerSetModel; readonly input: string }>();

  constructor(options: GatewayLoopOptions) {
    const { client, services, certificates, clock, log } = options;
    this.#options = options;
    this.#cluster = new GatewayCluster({ client, services, certificates, clock, log });
    this.#definitions = new Definitions({
      client,
      clock,
      log,
      onChange: () => {
        for (const { metadata } of this.#cluster.classes.cache.list())
          this.#queue.add(`class/${metadata.name}`);
      },
    });
    this.#queue = new WorkQueue<Touched>(key => this.#handle(key), {
      clock,
      concurrency: 4,
      onError: (key, error, retryInMilliseconds) => {
        if (isConflict(error)) return; // someone wrote it meanwhile; it is done again
        log.warn(
          { key, retryInMilliseconds, reason: sentenceOf(error) },
          'a Gateway object could not be brought to what it is to be',
        );
      },
    });
  }

  /** Resolves when what is there was seen; runs until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#definitions.start(signal);
    this.#queue.add(`class/${CLASS_NAME}`);
    const end = await this.#cluster.start(signal, touched => {
      for (const key of touched) this.#enqueue(key);
    });
    const stop = () => {
      end();
      void this.#queue.close();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  #enqueue(key: Touched): void {
    if (!key.startsWith(ROUTES_OF)) this.#queue.add(key);
    else this.#queue.addAfter(`gateway/${key.slice(ROUTES_OF.length)}`, COUNT_MILLISECONDS);
  }

  async #handle(key: Touched): Promise<void> {
    const slash = key.indexOf('/');
    const name = key.slice(slash + 1);
    switch (key.slice(0, slash)) {
      case 'class':
        return this.#keepClass(name);
      case 'gateway':
        return this.#keepGateway(name);
      case 'policy':
        return this.#keepPolicy(name);
      case 'orphan':
        return this.#leaveSet(name);
      default:
        return this.#keepRoute(name);
    }
  }

  async #keepClass(name: string): Promise<void> {
    const { client, clock } = this.#options;
    const present = this.#cluster.classes.cache.get(name);
    if (present === undefined) {
      if (name === CLASS_NAME) await this.#makeClass();
      return;
    }
    if (!isOurs(present)) return;
    const status = gatewayClassStatus(present, timestampOf(clock.now()), this.#definitions.installed);
    if (status === undefined) return;
    await client
      .update(GATEWAY_CLASSES, { ...present, status }, { subresource: 'status' })
      .catch(unless(isNotFound));
  }

  async #makeClass(): Promise<void> {
    await this.#cluster.classes.synced;
    if (this.#cluster.classes.cache.get(CLASS_NAME) !== undefined) return;
    try {
      await this.#options.client.create(GATEWAY_CLASSES, {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'GatewayClass',
        metadata: { name: CLASS_NAME },
        spec: { controllerName: CONTROLLER_NAME, description: 'Proxies of Fairlead, some for each Gateway' },
      });
    } catch (error) {
      if (isAlreadyExists(error)) return;
      if (!isNotFound(error)) throw error;
      // The kinds of the Gateway API are not installed; nobody tells when they are.
      this.#queue.addAfter(`class/${CLASS_NAME}`, ABSENT_MILLISECONDS);
    }
  }

  async #keepRoute(key: string): Promise<void> {
    const { client, clock, events } = this.#options;
    const route = this.#cluster.route(key);
    if (route === undefined) return;
    const attachments = this.#cluster
      .parents(route)
      .flatMap(gateway => this.#cluster.attachments(route, gateway));
    const status = routeStatus(route, attachments, timestampOf(clock.now()));
    if (status === undefined) return;
    const object = route.route;
    const options = { subresource: 'status' } as const;
    const write = (): Promise<unknown> => {
      switch (object.kind) {
        case 'HTTPRoute':
          return client.update(HTTP_ROUTES, { ...object, status }, options);
        case 'GRPCRoute':
          return client.update(GRPC_ROUTES, { ...object, status }, options);
        case 'TLSRoute':
          return client.update(TLS_ROUTES, { ...object, status }, options);
        case 'TCPRoute':
          return client.update(TCP_ROUTES, { ...object, status }, options);
        case 'UDPRoute':
          return client.update(UDP_ROUTES, { ...object, status }, options);
      }
    };
    await write().catch(unless(isNotFound));
    const conditions = (parents = route.route.status?.parents) =>
      (parents ?? [])
        .filter(({ controllerName }) => controllerName === CONTROLLER_NAME)
        .map(one => one.conditions);
    for (const { reason, message } of newlyFalse(conditions(), conditions(status.parents)))
      events.record(route.route, { type: 'Warning', reason, note: message });
  }

  async #keepPolicy(key: string): Promise<void> {
    const { client, clock, events } = this.#options;
    const policy = this.#cluster.policies.cache.get(key);
    if (policy === undefined || !this.#cluster.knowsConfigMaps(configMapsOfPolicy(policy))) return;
    const ancestors = ancestorsOf(policy, this.#cluster);
    const status = policyStatus(policy, ancestors, this.#cluster.sources, timestampOf(clock.now()));
    if (status === undefined) return;
    await client
      .update(BACKEND_TLS_POLICIES, { ...policy, status }, { subresource: 'status' })
      .catch(unless(isNotFound));
    const conditions = (of = policy.status) =>
      (of?.ancestors ?? [])
        .filter(({ controllerName }) => controllerName === CONTROLLER_NAME)
        .map(one => one.conditions);
    for (const { reason, message } of newlyFalse(conditions(), conditions(status)))
      events.record(policy, { type: 'Warning', reason, note: message });
  }

  async #keepGateway(key: string): Promise<void> {
    const gateway = this.#cluster.gateways.cache.get(key);
    if (gateway === undefined || gateway.metadata.deletionTimestamp !== undefined) return;
    const model = this.#cluster.gateway(key);
    if (model === undefined) {
      await this.#leave(gateway);
      return;
    }
    if (!this.#cluster.knowsConfigMaps(configMapsOf(gateway))) return;
    // What stands stays where the Gateway cannot be accepted any more: its address is not given away by a mistake.
    const problem = model.accepted.holds ? await this.#keepProxies(model) : undefined;
    await this.#writeStatus(model, problem === undefined ? undefined : sentenceOf(problem));
    if (problem !== undefined) throw problem;
  }

  /** Returns what keeps the proxies from being made, where people have to know. */
  async #keepProxies(model: GatewayModel): Promise<unknown> {
    const { client, image, replicas } = this.#options;
    const { services, deployments, serviceAccounts, controlSecrets } = this.#cluster;
    const { gateway } = model;
    const namespace = gateway.metadata.namespace ?? '';
    const key = `${namespace}/${proxyName(gateway, digest)}`;
    const deployment = deployments.cache.get(key);
    // How many there are is decided once: people and autoscalers have the word afterwards.
    const now = deployment?.spec.replicas ?? replicas;
    const desired = proxyObjects(model, { image, replicas: now, digest });
    try {
      await keepObject(client, SERVICE_ACCOUNTS, serviceAccounts.cache.get(key), desired.serviceAccount);
      await keepObject(client, SERVICES, services.cache.get(key), desired.service);
      if (!needsProxies(model)) {
        await this.#deleteOwned(gateway, DEPLOYMENTS, deployments.cache.list());
        return undefined;
      }
      const secret = controlSecrets.cache.get(`${namespace}/${controlSecretName(gateway, digest)}`);
      const known = secret?.data?.['key'] ?? '';
      const isKey = Buffer.from(known, 'base64').length === KEY_BYTES;
      const value = isKey ? known : randomBytes(KEY_BYTES).toString('base64');
      await keepObject(client, SECRETS, secret, controlSecret(gateway, value, digest));
      await keepObject(client, DEPLOYMENTS, deployment, desired.deployment);
      return undefined;
    } catch (error) {
      const isLastingProblem =
        (error instanceof ApiError && [403, 404, 422].includes(error.status)) ||
        (error instanceof FairleadError && error.code === 'gateway/name-taken');
      if (isLastingProblem) return error;
      throw error;
    }
  }

  async #writeStatus(model: GatewayModel, problem: string | undefined): Promise<void> {
    const { client, clock, events } = this.#options;
    const { gateway } = model;
    const infrastructure = this.#infrastructureOf(gateway, problem);
    const counts = this.#countRoutes(model);
    const now = timestampOf(clock.now());
    const status = gatewayStatus(model, infrastructure, counts, now);
    if (status !== undefined) {
      await client
        .update(GATEWAYS, { ...gateway, status }, { subresource: 'status' })
        .catch(unless(isNotFound));
      for (const { reason, message } of newlyFalse(conditionsOf(gateway.status), conditionsOf(status)))
        events.record(gateway, { type: 'Warning', reason, note: message });
    }
    const errors: unknown[] = [];
    for (const set of model.sets) {
      // One that cannot be written, of a namespace that may be anybody's, does not keep the others from it.
      const written = this.#writeSet(set, model, infrastructure, counts);
      await written.catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors.find(error => !isConflict(error)) ?? errors[0];
  }

  /** Nothing of a set is served whose Gateway is gone. */
  async #leaveSet(key: string): Promise<void> {
    const set = this.#cluster.routes.sets.cache.get(key);
    const gateway = set && gatewayOfSet(set);
    if (set === undefined || gateway === undefined || this.#cluster.gateways.cache.get(gateway)) return;
    const status = orphanStatus(set, gateway, timestampOf(this.#options.clock.now()));
    if (status !== undefined) await this.#updateSet(set, status);
  }

  async #writeSet(
    model: ListenerSetModel,
    gateway: GatewayModel,
    infrastructure: Infrastructure,
    counts: ReadonlyMap<string, number>,
  ): Promise<void> {
    // Its status may be another by now, which made no other model.
    const set = this.#cluster.routes.sets.cache.get(model.key) ?? model.set;
    const input = JSON.stringify([infrastructure, model.listeners.map(({ name }) => counts.get(name) ?? 0)]);
    const said = this.#said.get(set);
    if (said?.model === model && said.input === input) return;
    const now = timestampOf(this.#options.clock.now());
    const status = listenerSetStatus({ ...model, set }, gateway, infrastructure, counts, now);
    if (status === undefined) this.#said.set(set, { model, input });
    else await this.#updateSet(set, status);
  }

  async #updateSet(set: ListenerSet, status: NonNullable<ListenerSet['status']>): Promise<void> {
    const { client, events } = this.#options;
    await client
      .update(LISTENER_SETS, { ...set, status }, { subresource: 'status' })
      .catch(unless(isNotFound));
    for (const { reason, message } of newlyFalse(conditionsOf(set.status), conditionsOf(status)))
      events.record(set, { type: 'Warning', reason, note: message });
  }

  #infrastructureOf(gateway: Gateway, problem: string | undefined): Infrastructure {
    const { services, deployments } = this.#cluster;
    const key = `${gateway.metadata.namespace ?? ''}/${proxyName(gateway, digest)}`;
    const isOwn = (object: KubeObject | undefined) =>
      object?.metadata.ownerReferences?.some(({ uid }) => uid === gateway.metadata.uid) === true;
    const service = services.cache.get(key);
    const deployment = deployments.cache.get(key);
    const ingress = isOwn(service) ? (service?.status?.loadBalancer?.ingress ?? []) : [];
    return {
      addresses: ingress.flatMap(({ ip, hostname }): Infrastructure['addresses'] => {
        if (ip !== undefined && ip !== '') return [{ type: 'IPAddress', value: ip }];
        return hostname === undefined ? [] : [{ type: 'Hostname', value: hostname }];
      }),
      availableProxies: isOwn(deployment) ? (deployment?.status?.availableReplicas ?? 0) : 0,
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** Routes on each listener, whether or not the listener can be served (ListenerStatus.attachedRoutes). */
  #countRoutes(model: GatewayModel): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const route of this.#cluster.routesOf(model.key)) {
      const names = this.#cluster
        .attachments(route, model)
        .flatMap(({ listeners }) => listeners.map(listener => listener.name));
      for (const name of new Set(names)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  /** A Gateway of another controller's class has no proxies of ours. A class that is not there says nothing. */
  async #leave(gateway: Gateway): Promise<void> {
    if (this.#cluster.classes.cache.get(gateway.spec.gatewayClassName) === undefined) return;
    const { services, deployments, serviceAccounts, controlSecrets } = this.#cluster;
    await this.#deleteOwned(gateway, DEPLOYMENTS, deployments.cache.list());
    await this.#deleteOwned(gateway, SERVICES, services.cache.list());
    await this.#deleteOwned(gateway, SECRETS, controlSecrets.cache.list());
    await this.#deleteOwned(gateway, SERVICE_ACCOUNTS, serviceAccounts.cache.list());
  }

  async #deleteOwned<T extends KubeObject>(
    gateway: Gateway,
    resource: Resource<T>,
    objects: readonly T[],
  ): Promise<void> {
    for (const object of objects) {
      const { labels, ownerReferences, uid } = object.metadata;
      const isOwned = ownerReferences?.some(owner => owner.uid === gateway.metadata.uid) === true;
      if (!isOwned || labels?.['app.kubernetes.io/managed-by'] !== 'fairlead') continue;
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      await this.#options.client
        .delete(resource, parseKey(keyOf(object)), { propagationPolicy: 'Background', ...preconditions })
        .catch(unless(isNotFound));
    }
  }
}

const conditionsOf = (status: GatewayStatus | ListenerSet['status']) => [
  status?.conditions ?? [],
  ...(status?.listeners ?? []).map(listener => listener.conditions),
];

/** What is gone, or was made by someone else first, is told by the watch. */
function unless(isFine: (error: unknown) => boolean): (error: unknown) => void {
  return error => {
    if (!isFine(error)) throw error;
  };
}
