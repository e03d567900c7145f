import { systemClock } from '../base/clock.ts';
import { FairleadError, sentenceOf } from '../base/errors.ts';
import type { KubeClient } from '../kube/client.ts';
import { LEASES, NODES } from '../kube/resources.ts';
import type { Lease } from '../kube/types/coordination.ts';
import type { Node } from '../kube/types/node.ts';
import type { ClusterConfig } from '../standalone/cluster.ts';
import { readProcessTable } from '../standalone/topology/supervise/process-table.ts';
import { lastErrorIn } from '../standalone/topology/supervise/process-log.ts';

const lookAgainMilliseconds = 20;
/** Ends in a row after which a process is not expected to come up any more. */
const hopelessFailures = 4;

/** Resolves when the API server answers that it is ready; fails early when one of the processes keeps ending. */
export async function waitForApiServer(
  config: ClusterConfig,
  client: KubeClient,
  deadline: number,
): Promise<string> {
  let last = 'no answer';
  while (true) {
    try {
      const { status, body } = await client.request('GET', '/readyz', { signal: AbortSignal.timeout(2000) });
      if (status === 200) return `answers at https://${config.apiServer.host}:${config.apiServer.port}`;
      last = `answers ${status}: ${body.toString().slice(0, 200)}`;
    } catch (error) {
      last = sentenceOf(error);
    }
    checkProcesses(config.name);
    if (systemClock.now() > deadline) {
      throw new FairleadError('up/api-server', `The API server does not become ready: ${last}`, {
        hint: `Read its log: fairlead logs --name ${config.name} control-plane`,
      });
    }
    await systemClock.sleep(lookAgainMilliseconds);
  }
}

/**
 * Resolves when all nodes are Ready, and the runtime that runs now has renewed their leases: before that stands what was
 * true in an earlier life of the cluster.
 */
export async function waitForNodes(
  config: ClusterConfig,
  client: KubeClient,
  deadline: number,
  onDetail: (text: string) => void,
): Promise<string> {
  const names = config.nodes.map(node => node.name);
  while (true) {
    const nodes = await nodesByName(client);
    const since = startOf(config.name, 'runtime');
    const renewed = await renewedLeases(client, since);
    const waiting = names.filter(name => readyOf(nodes.get(name))?.status !== 'True' || !renewed.has(name));
    if (waiting.length === 0) return `${names.length} of ${names.length} ready`;
    onDetail(`${names.length - waiting.length} of ${names.length} ready`);
    checkProcesses(config.name);
    if (systemClock.now() > deadline) throw notReady(config.name, waiting, nodes.get(waiting[0] ?? ''));
    await systemClock.sleep(lookAgainMilliseconds);
  }
}

async function nodesByName(client: KubeClient): Promise<ReadonlyMap<string, Node>> {
  const nodes = await itemsOf(client.list(NODES));
  return new Map(nodes.map(node => [node.metadata.name, node]));
}

/** Names of the nodes that showed life since a time; a condition's heartbeat is only renewed every few minutes. */
async function renewedLeases(client: KubeClient, since: number): Promise<ReadonlySet<string>> {
  const leases = await itemsOf(client.list(LEASES, { namespace: 'kube-node-lease' }));
  const isNew = (lease: Lease) => Date.parse(lease.spec?.renewTime ?? '') >= since;
  return new Set(leases.filter(isNew).map(lease => lease.metadata.name));
}

/** None while the API server does not answer: a control plane that ends is started again meanwhile. */
async function itemsOf<T>(list: Promise<{ readonly items: readonly T[] }>): Promise<readonly T[]> {
  try {
    return (await list).items;
  } catch (error) {
    if (error instanceof FairleadError) return [];
    throw error;
  }
}

const startOf = (cluster: string, process: string): number =>
  readProcessTable(cluster)?.processes.find(it => it.name === process)?.startedAt ?? 0;

const readyOf = (node: Node | undefined) =>
  node?.status?.conditions?.find(condition => condition.type === 'Ready');

function notReady(cluster: string, waiting: readonly string[], first: Node | undefined): FairleadError {
  const agent = `agent-${waiting[0] ?? ''}`;
  const said = lastErrorIn(cluster, agent, startOf(cluster, agent));
  const why =
    said?.sentence ??
    (first === undefined
      ? 'it has not registered'
      : (readyOf(first)?.message ?? 'it has no Ready condition'));
  return new FairleadError('up/nodes', `${waiting.join(', ')} did not become ready: ${why}`, {
    object: `Node/${waiting[0] ?? ''}`,
    hint: said?.hint ?? `Read the logs: fairlead logs --name ${cluster} ${agent} (and runtime)`,
  });
}

function checkProcesses(cluster: string): void {
  const failing = readProcessTable(cluster)?.processes.find(it => it.failuresInRow >= hopelessFailures);
  if (failing === undefined) return;
  const said = lastErrorIn(cluster, failing.name, failing.startedAt);
  throw new FairleadError(
    'up/process-fails',
    `The process ${failing.name} keeps ending (${failing.lastEnd ?? 'it does not start'})${said === undefined ? '.' : `: ${said.sentence}`}`,
    {
      hint:
        said?.hint ??
        `Read its log: fairlead logs --name ${cluster} ${failing.name}; "fairlead up" continues once it is mended.`,
    },
  );
}
