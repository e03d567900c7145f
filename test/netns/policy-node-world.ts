import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import type { ClusterNetworkPolicy } from '../../src/kube/types/cluster-network-policy.ts';
import type { NetworkPolicy, NetworkPolicySpec } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { PolicyNode } from '../../src/policy/index.ts';
import type { PolicyNodeOptions } from '../../src/policy/index.ts';
import { buildRig } from './policy-rig.ts';
import type { Rig } from './policy-rig.ts';

/** A node whose objects a test changes, with two pods. */
export interface PolicyWorld {
  readonly rig: Rig;
  readonly worker: KernelWorker;
  readonly node: PolicyNode;
  readonly pods: Pod[];
  readonly services: Service[];
  readonly policies: NetworkPolicy[];
  readonly clusterPolicies: ClusterNetworkPolicy[];
  /** Of every namespace; replaced as a whole, as caches do. */
  readonly namespaces: { labels: Readonly<Record<string, string>> };
  readonly set: (...specs: readonly NetworkPolicySpec[]) => Promise<void>;
  /** The agent's next process. */
  readonly again: (options?: Partial<PolicyNodeOptions>) => PolicyNode;
}

export function policyWorld(context: TestContext, part: string, count = 2): PolicyWorld {
  const rig = buildRig(context, part, count);
  const worker = new KernelWorker();
  context.after(() => worker.close());
  const pods = rig.pods.map(({ addresses }, index): Pod => {
    const metadata = {
      namespace: 'default',
      name: `pod${index}`,
      uid: `${index}`,
      labels: { pod: `${index}` },
    };
    const status = { podIPs: addresses.map(ip => ({ ip })) };
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'echo' }] },
      status,
    };
  });
  const policies: NetworkPolicy[] = [];
  const services: Service[] = [];
  const clusterPolicies: ClusterNetworkPolicy[] = [];
  const namespaces: PolicyWorld['namespaces'] = { labels: {} };
  const again = (options: Partial<PolicyNodeOptions> = {}) =>
    new PolicyNode({
      node: 'node-1',
      kernel: worker,
      log: silentLog,
      reportsDrops: true,
      assigned: [],
      namespacePath: rig.router,
      sources: {
        pods: () => pods,
        policies: () => policies,
        nodes: () => [
          {
            apiVersion: 'v1',
            kind: 'Node',
            metadata: { name: 'node-1' },
            status: { addresses: rig.routerAddresses.map(address => ({ type: 'InternalIP', address })) },
          },
        ],
        namespaceLabels: () => namespaces.labels,
        clusterPolicies: () => clusterPolicies,
        nodeLocalServices: () => services,
        reached: () => Promise.resolve(),
      },
      ...options,
    });
  const node = again();
  return {
    rig,
    worker,
    node,
    pods,
    services,
    clusterPolicies,
    namespaces,
    policies,
    again,
    set: async (...specs) => {
      const put = specs.map((spec, index): NetworkPolicy => ({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { namespace: 'default', name: `p${index}`, uid: `u${index}`, generation: 1 },
        spec,
      }));
      policies.splice(0, policies.length, ...put);
      await node.sync();
    },
  };
}

export const place = (rig: Rig, index: number) => rig.pods[index] ?? assert.fail('there is such a pod');
