/**
 * A node's agent for tests: the real one, with its API server in this process. The parent tells the objects, as
 * `Instruction` messages; the first one starts the agent.
 */
import { startAgent } from '../../src/agent/index.ts';
import { systemClock } from '../../src/base/clock.ts';
import { parsePrefix } from '../../src/base/ip.ts';
import { createLog } from '../../src/base/log.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { createClientOver } from '../../src/kube/client.ts';
import { FakeApi } from '../../src/kube/fake-api.ts';
import {
  ENDPOINT_SLICES,
  NAMESPACES,
  NETWORK_POLICIES,
  NODES,
  PODS,
  SERVICES,
} from '../../src/kube/resources.ts';
import type { Agent, AgentPaths } from '../../src/agent/index.ts';
import type { Namespace } from '../../src/kube/types/core.ts';
import type { Node } from '../../src/kube/types/node.ts';
import type { NetworkPolicy } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';

export interface AgentPlan {
  readonly cluster: string;
  readonly node: string;
  readonly paths: AgentPaths;
  readonly podPrefixes: readonly string[];
  /** A gate that does not let any pod in. */
  readonly closedGate: boolean;
  readonly addMilliseconds?: number;
}

export interface Instruction {
  readonly nodes?: readonly Node[];
  readonly pods?: readonly Pod[];
  readonly removeNodes?: readonly string[];
  readonly namespaces?: readonly Namespace[];
  readonly policies?: readonly NetworkPolicy[];
  /** `namespace/name` */
  readonly removePolicies?: readonly string[];
  /** The agent compares the kernel now, not at its next turn. */
  readonly reconcile?: boolean;
}

export type Report = { readonly said: 'started' | 'ready' | 'done' };

const say = (report: Report) => process.send?.(report);

async function main(plan: AgentPlan): Promise<void> {
  const api = new FakeApi([NODES, PODS, NAMESPACES, NETWORK_POLICIES, SERVICES, ENDPOINT_SLICES]);
  const put = (instruction: Instruction) => {
    for (const node of instruction.nodes ?? []) api.store.put(NODES, node);
    for (const pod of instruction.pods ?? []) api.store.put(PODS, pod);
    for (const name of instruction.removeNodes ?? []) api.store.remove(NODES, name);
    for (const namespace of instruction.namespaces ?? []) api.store.put(NAMESPACES, namespace);
    for (const policy of instruction.policies ?? []) api.store.put(NETWORK_POLICIES, policy);
    for (const key of instruction.removePolicies ?? []) api.store.remove(NETWORK_POLICIES, key);
    api.sendBookmarks();
  };
  const first = Promise.withResolvers<void>();
  let started: Agent | undefined;
  process.on('message', message => {
    const instruction = message as Instruction;
    put(instruction);
    first.resolve();
    if (instruction.reconcile === true) started?.reconcile();
    say({ said: 'done' });
  });
  process.on('disconnect', () => process.exit(0));
  await first.promise;
  const agent = await startAgent({
    cluster: plan.cluster,
    node: plan.node,
    client: createClientOver(api),
    worker: new KernelWorker(),
    paths: plan.paths,
    podPrefixes: plan.podPrefixes.map(text => parsePrefix(text)).filter(prefix => prefix !== undefined),
    gates: plan.closedGate
      ? [{ name: 'policy', admit: () => Promise.reject(new Error('its rules are not in force yet')) }]
      : [],
    ...(plan.addMilliseconds === undefined ? {} : { addMilliseconds: plan.addMilliseconds }),
    log: createLog('agent', 'debug'),
    clock: systemClock,
    signal: new AbortController().signal,
  });
  started = agent;
  say({ said: 'started' });
  await agent.ready;
  say({ said: 'ready' });
}

await main(JSON.parse(process.argv[2] ?? '') as AgentPlan);
