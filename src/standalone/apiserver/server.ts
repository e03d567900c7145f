import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import { CustomResources } from './crd/custom-resources.ts';
import { LocalServices } from './aggregation/local-services.ts';
import { aggregateRoles } from './access/aggregated-roles.ts';
import { AgentSecrets } from './access/agent-secrets.ts';
import { Rbac } from './access/rbac.ts';
import { ServiceAccountTokens } from './access/service-account-tokens.ts';
import { Admission } from './admission/admission.ts';
import { noteObserved } from './admission/observed.ts';
import type { DialPod } from './admission/webhooks/client.ts';
import { Allocators } from './allocators/allocator.ts';
import { IpAddresses } from './allocators/ip-addresses.ts';
import { NodePorts } from './allocators/node-ports.ts';
import { ServiceAddresses } from './allocators/service-addresses.ts';
import { ServiceRanges } from './allocators/service-ranges.ts';
import { bootstrap, keepService } from './bootstrap.ts';
import type { Context } from './context.ts';
import { Runtime } from './connect/runtime.ts';
import { Frontend } from './http/frontend.ts';
import { listen } from './http/listeners.ts';
import type { Listener, TlsMaterial } from './http/listeners.ts';
import { Registry } from './registry.ts';
import type { ApiRequest, ApiResponse } from './request.ts';
import { Expiry } from './resource/expiry.ts';
import { FrameCache } from './resource/frames.ts';
import { Progress } from './resource/progress.ts';
import { Router } from './routes/router.ts';
import type { Schemas } from './schemas.ts';
import { openDurableLog } from './store/durable-log.ts';
import { Store } from './store/store.ts';

export type { Listener, TlsMaterial } from './http/listeners.ts';

export interface ApiServerOptions {
  /** Holds `store.db`; made if absent. */
  readonly stateDirectory: string;
  readonly listeners: readonly Listener[];
  readonly tls: TlsMaterial;
  readonly schemas: Schemas;
  /** The runtime's unix socket for logs, exec, attach and port-forward. */
  readonly runtimeSocket: string;
  /** One or two prefixes of different families; the first is the cluster's primary family. */
  readonly servicePrefixes: readonly string[];
  /** The port behind the `kubernetes` Service. Default 6443. */
  readonly servicePort?: number;
  /** Whether something makes service accounts: then new pods get the credentials of theirs, and need one. Default false. */
  readonly admitsServiceAccounts?: boolean;
  /** Opens connections to pods, from the nodes that they run on: for webhooks behind Services. */
  readonly dialPod?: DialPod;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface ApiServer {
  /** The bound addresses, in the order of `listeners`. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Answers a request without a socket: for tests, and for callers in the same process. */
  handle(request: ApiRequest): Promise<ApiResponse>;
  /** Removes expired objects now; returns how many. It happens by itself every minute. */
  sweep(): Promise<number>;
  /** Ends watches and connections, writes what is staged, closes the store. */
  close(): Promise<void>;
}

const COMPACT_EVERY = 300_000;
const EXPIRE_EVERY = 60_000;

/**
 * Opens the store, makes what every cluster has, and listens. Rejects with a FairleadError (`store/…`, `api/…`) when the
 * store is damaged or an address is in use; nothing is left open then.
 */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const file = join(options.stateDirectory, 'store.db');
  const durable = openDurableLog(file);
  let store: Store;
  try {
    store = new Store(durable, file);
  } catch (error) {
    durable.close();
    throw error;
  }
  try {
    return await startOn(store, options);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/**
 * The wiring of one server:
 *
 *     listeners ─▶ frontend (who asks, body, Status) ─▶ router ─▶ discovery, OpenAPI, health, version
 *                      │                                  └─▶ resource handlers ─▶ kinds (registry), allocators
 *                      └─ upgrades ─▶ runtime's socket              │
 *                                                                   ▼
 *                            watches ◀── published changes ◀── store ─▶ durable log
 */
async function startOn(store: Store, options: ApiServerOptions): Promise<ApiServer> {
  const clock = options.clock ?? systemClock;
  const keyFile = join(options.stateDirectory, 'service-accounts.key');
  const registry = new Registry(options.schemas.kinds);
  const authorizer = new AgentSecrets(new Rbac(store), store);
  const addresses = new ServiceAddresses(store, options.servicePrefixes);
  const context: Context = {
    registry,
    store,
    schemas: options.schemas,
    allocators: new Allocators([addresses, new NodePorts(store)]),
    frames: new FrameCache(),
    progress: new Progress(store),
    runtime: new Runtime(options.runtimeSocket),
    authorizer,
    admission: new Admission({
      store,
      registry,
      access: authorizer,
      dialPod: options.dialPod,
      random: Math.random,
      newUid: randomUUID,
      log: options.log,
    }),
    tokens: new ServiceAccountTokens(store, clock, keyFile, randomUUID),
    admitsServiceAccounts: options.admitsServiceAccounts ?? false,
    clock,
    log: options.log,
    random: Math.random,
    newUid: randomUUID,
  };
  context.allocators.rebuild();
  store.onLost(() => context.allocators.rebuild());
  const settings = {
    servicePort: options.servicePort ?? 6443,
    servicePrefixes: options.servicePrefixes,
  };
  const stopRanges = new ServiceRanges(context, addresses).start();
  await bootstrap(context, settings);
  const stopAddresses = IpAddresses.start(context);
  const stopDefinitions = await new CustomResources(context).start();
  const stopServices = LocalServices.start(context);
  const stopRoles = aggregateRoles(context);
  const stopNoting = noteObserved(context);
  const unguard = keepService(context, settings);
  const router = new Router(context, [
    { name: 'ping', isWell: () => true },
    { name: 'store', isWell: () => store.isWell },
  ]);
  const frontend = new Frontend(context, router);
  const { servers, addresses: bound } = await listen(options.listeners, options.tls, {
    request: (message, response) => void frontend.serve(message, response),
    upgrade: (message, socket, head) => void frontend.upgrade(message, socket, head),
  });
  const expiry = new Expiry(context);
  const compaction = setInterval(() => store.compact(), COMPACT_EVERY).unref();
  const expiration = setInterval(() => {
    expiry
      .sweep()
      .catch((error: unknown) => options.log.warn({ err: error }, 'Expired objects could not be removed'));
  }, EXPIRE_EVERY).unref();
  return {
    addresses: bound,
    handle: request => frontend.handle(request),
    sweep: () => expiry.sweep(),
    async close() {
      unguard();
      stopDefinitions();
      stopNoting();
      stopRoles();
      stopRanges();
      stopServices?.();
      stopAddresses?.();
      clearInterval(compaction);
      clearInterval(expiration);
      context.progress.close();
      frontend.closeUpgraded();
      await Promise.all(servers.map(server => server.close()));
      await store.close();
    },
  };
}
