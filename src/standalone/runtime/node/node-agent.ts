import type { Clock } from '../../../base/clock.ts';
import { sentenceOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import { isAlreadyExists, isNotFound, type KubeClient } from '../../../kube/client.ts';
import { LEASES, NODES } from '../../../kube/resources.ts';
import { microTimestampOf } from '../../../kube/timestamps.ts';
import type { Lease } from '../../../kube/types/coordination.ts';
import type { NodeConfig } from '../../cluster.ts';
import type { PodNetwork } from '../sandbox/network.ts';
import type { Machine } from './machine.ts';
import { newNode, nodeLabels, nodeStatus, ownConditions, type Readiness } from './node-object.ts';

export interface NodeAgentOptions {
  readonly node: NodeConfig;
  readonly machine: Machine;
  readonly client: KubeClient;
  readonly network: PodNetwork;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

const LEASE_SECONDS = 40;
const LEASE_EVERY = 10_000;
/** A status that says nothing new is written as seldom as kubelets do. */
const STATUS_EVERY = 300_000;
/** The node controller sets Ready to Unknown when a node was silent: what the API says is looked at this often. */
const COMPARE_EVERY = 10_000;
/** Until the network is ready, one looks often: a cluster's start waits for it. */
const NETWORK_POLL_FIRST = 100;
const NETWORK_POLL = 5000;
const RETRY = 1000;

/** Registers a node, says that it is alive, and whether its pods can have a network. */
export async function runNodeAgent(options: NodeAgentOptions): Promise<void> {
  await retry(options, 'The node could not be registered', () => register(options));
  await Promise.all([heartbeats(options), reportStatus(options)]);
}

async function register(options: NodeAgentOptions): Promise<void> {
  const { client, node, machine } = options;
  try {
    await client.create(NODES, newNode(node, machine));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const patch = { metadata: { labels: nodeLabels(node, machine) } };
    await client.patch(NODES, { name: node.name }, patch, { type: 'merge' });
  }
}

async function heartbeats(options: NodeAgentOptions): Promise<void> {
  const { clock, signal } = options;
  let known: Lease | undefined;
  while (!signal.aborted) {
    await retry(options, 'The lease of the node could not be renewed', async () => {
      known = await renew(options, known);
    });
    await pause(clock, LEASE_EVERY, signal);
  }
}

async function renew(options: NodeAgentOptions, known: Lease | undefined): Promise<Lease> {
  const { client, node, clock } = options;
  const metadata = { name: node.name, namespace: 'kube-node-lease' };
  const renewTime = microTimestampOf(clock.now());
  if (known !== undefined) {
    try {
      return await client.patch(LEASES, metadata, { spec: { renewTime } }, { type: 'merge' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
  const spec = { holderIdentity: node.name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
  const lease: Lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
  try {
    return await client.create(LEASES, lease);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    return client.patch(LEASES, metadata, { spec }, { type: 'merge' });
  }
}

async function reportStatus(options: NodeAgentOptions): Promise<void> {
  const { clock, signal } = options;
  let reported: Readiness | undefined;
  let comparedAt = 0;
  while (!signal.aborted) {
    const readiness = await networkReadiness(options.network);
    const isNew = readiness.ready !== reported?.ready || readiness.message !== reported.message;
    if (isNew || clock.now() - comparedAt >= COMPARE_EVERY) {
      await retry(options, 'The status of the node could not be written', () =>
        bringUpToDate(options, readiness),
      );
      reported = readiness;
      comparedAt = clock.now();
    }
    await pause(clock, readiness.ready ? NETWORK_POLL : NETWORK_POLL_FIRST, signal);
  }
}

async function networkReadiness(network: PodNetwork): Promise<Readiness> {
  try {
    await network.status();
    return { ready: true, message: 'kubelet is posting ready status' };
  } catch (error) {
    const message = `container runtime network not ready: ${sentenceOf(error)}`;
    return { ready: false, message };
  }
}

/** Writes the status when the API says something else, or has not been told anything for long. */
async function bringUpToDate(options: NodeAgentOptions, readiness: Readiness): Promise<void> {
  const { client, node, machine, clock } = options;
  const known = (await client.get(NODES, { name: node.name })).status?.conditions ?? [];
  const isFresh = ownConditions(readiness).every(own => {
    const said = known.find(each => each.type === own.type);
    const isSame = said?.status === own.status && said.reason === own.reason && said.message === own.message;
    return isSame && clock.now() - Date.parse(said.lastHeartbeatTime ?? '') < STATUS_EVERY;
  });
  if (isFresh) return;
  const status = nodeStatus(node, machine, readiness, known, clock.now());
  // Not a strategic merge: `type` is the merge key of addresses, and a node has two of the type InternalIP.
  await client.patch(NODES, { name: node.name }, { status }, { type: 'merge', subresource: 'status' });
}

async function retry(options: NodeAgentOptions, sentence: string, work: () => Promise<void>): Promise<void> {
  const { signal, clock, log, node } = options;
  while (!signal.aborted) {
    try {
      await work();
      return;
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ node: node.name, error: sentenceOf(error) }, `${sentence}; it is tried again.`);
      if (isNotFound(error)) await register(options).catch(() => undefined); // the next try says why not
      await pause(clock, RETRY, signal);
    }
  }
}

async function pause(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  await clock.sleep(milliseconds, signal).catch(() => undefined); // an abort ends the callers' loops
}
