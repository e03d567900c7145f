import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Controller, ControllerContext } from './context.ts';
import type { Dial } from '../doors/door.ts';
import { startDoors } from '../doors/loop.ts';
import { startClaims } from './claims/loop.ts';
import { startCronJobs } from './cron-jobs/loop.ts';
import { startDaemonSets } from './daemon-sets/loop.ts';
import { startDeployments } from './deployments/loop.ts';
import { startDisruptionBudgets } from './disruption-budgets/loop.ts';
import { startApiServerSlices } from './endpoint-slices/api-server.ts';
import type { ApiServerPlace } from './endpoint-slices/api-server.ts';
import { startEndpointSlices } from './endpoint-slices/loop.ts';
import { startEndpointsMirroring } from './endpoint-slices/mirror-loop.ts';
import { startEndpoints } from './endpoints/loop.ts';
import { Events } from './events.ts';
import { startGarbageCollector } from './garbage-collector/loop.ts';
import { createInformers, startInformers } from './informers.ts';
import { startJobs } from './jobs/loop.ts';
import { startNamespaces } from './namespaces/loop.ts';
import { startTaintEviction } from './nodes/eviction-loop.ts';
import { startNodeLifecycle } from './nodes/lifecycle-loop.ts';
import { startPodGarbage } from './pod-garbage/loop.ts';
import { startReplicaSets } from './replica-sets/loop.ts';
import { startScheduler } from './scheduler/loop.ts';
import { startSelfSigned } from './self-signed/loop.ts';
import { startServiceAccounts } from './service-accounts/loop.ts';
import { startStatefulSets } from './stateful-sets/loop.ts';

export interface ControllersOptions {
  readonly client: KubeClient;
  readonly log: Log;
  readonly clock: Clock;
  /** Ends the watches and takes no more work; `close` also waits for what is under way. */
  readonly signal: AbortSignal;
  /** The certificate of the cluster's authority (PEM): every namespace gets it as `kube-root-ca.crt`. */
  readonly rootCertificate: string;
  /** Where nodes and pods reach the API server, where they do: the endpoints of the Service `kubernetes`. */
  readonly apiServer?: ApiServerPlace;
  /** Where the authority of self-signed certificates is kept; without it there are none. */
  readonly selfSignedDirectory?: string;
  /** Reaches load-balancer addresses from outside the cluster; without it there are no loopback doors. */
  readonly dialWorld?: Dial;
}

export interface Controllers {
  /** Stops taking work, finishes what has begun, and writes the last events. The client stays open. */
  close(): Promise<void>;
}

/**
 * The loops that a real control plane brings. Each reads shared caches, decides purely and writes to the API, where all
 * their state is:
 *
 *   Deployment ──▶ ReplicaSet ──▶ Pod ──▶ scheduler (binding) ──▶ the node's runtime
 *   StatefulSet, DaemonSet, CronJob ──▶ Job ──▶ Pod
 *   PersistentVolumeClaim: bound at once; its volume is a directory of the runtime
 *   PodDisruptionBudget: how many pods an eviction may take
 *   Service, Pod ──▶ EndpointSlice ◀── Endpoints that people write; Service, Pod ──▶ Endpoints
 *   Gateway    ──▶ Secret with a self-signed certificate, where it asks for one
 *   Service    ──▶ loopback ports of this machine that lead to load-balancer addresses
 *   Namespace  ──▶ ServiceAccount, root certificate; deletion empties it
 *   Lease      ──▶ Node conditions and taints ──▶ eviction of pods; nodes that are gone ──▶ removal of pods
 *   any object ──▶ garbage collector: what its owners leave behind
 *
 * Resolves when all caches are filled and every loop runs; rejects with the signal's reason if it is aborted before.
 */
export async function startControllers(options: ControllersOptions): Promise<Controllers> {
  const { client, clock, signal } = options;
  const log = options.log.scope('controllers');
  const stopped = new AbortController();
  const running = AbortSignal.any([signal, stopped.signal]);
  const informers = createInformers(client, clock, log);
  const events = new Events({ client, clock, log });
  const context: ControllerContext = { client, clock, log, informers, events, signal: running };
  await startInformers(informers, running);
  const controllers: readonly Controller[] = [
    startNamespaces(context),
    startServiceAccounts(context, options.rootCertificate),
    startScheduler(context),
    startReplicaSets(context),
    startDeployments(context),
    startStatefulSets(context),
    startDaemonSets(context),
    startJobs(context),
    startCronJobs(context),
    startClaims(context),
    startDisruptionBudgets(context),
    startEndpointSlices(context),
    startEndpoints(context),
    startEndpointsMirroring(context),
    ...(options.apiServer === undefined ? [] : [startApiServerSlices(context, options.apiServer)]),
    startNodeLifecycle(context),
    startTaintEviction(context),
    startPodGarbage(context),
    startGarbageCollector(context),
    ...(options.dialWorld === undefined ? [] : [startDoors(context, options.dialWorld)]),
    ...(options.selfSignedDirectory === undefined
      ? []
      : [startSelfSigned(context, options.selfSignedDirectory)]),
  ];
  log.info({ controllers: controllers.map(controller => controller.name) }, 'The controllers run.');
  const stop = once(() => Promise.all(controllers.map(controller => controller.close())));
  running.addEventListener('abort', () => void stop(), { once: true });
  return {
    close: async () => {
      await stop();
      await events.close();
      stopped.abort(new Error('the controllers were closed'));
    },
  };
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= run());
}
