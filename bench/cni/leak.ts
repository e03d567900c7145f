import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '../../src/base/log.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { PolicyNode } from '../../src/policy/index.ts';
import { address } from '../../test/property/policy-worlds.ts';
import type { TestEnd } from '../../test/netns/kernel-fixture.ts';
import { denyEgress, podObject } from '../../test/netns/policy-gate-objects.ts';
import {
  boundUdp,
  buildRig,
  rigAddresses,
  rigNamespace,
  startSender,
  wirePod,
} from '../../test/netns/policy-rig.ts';

const port = 9999;
/** As long as a packet that was let out needs, many times over. */
const quietMilliseconds = 300;

const sender = podObject('sender');

let rigs = 0;

/**
 * Packets that a pod which may send nothing gets to another pod, when it sends from its first instruction: with the
 * policy's gate asked before its cable is made, as ADD does, or after.
 */
export async function leakedPackets(gate: 'first' | 'last'): Promise<number> {
  const undos: (() => Promise<void> | void)[] = [];
  const part = `cni-leak-${++rigs}`;
  const own: TestEnd = { after: undo => void undos.push(undo as () => Promise<void> | void) };
  try {
    const rig = buildRig(own, part, 1);
    const worker = new KernelWorker();
    own.after(() => worker.close());
    let received = 0;
    const [target] = rig.pods;
    if (target === undefined) throw new RangeError('the rig has a pod');
    for (const host of target.addresses)
      (await boundUdp(own, target.namespace, host, port)).on('message', () => received++);
    const node = new PolicyNode({
      node: 'node-1',
      kernel: worker,
      log: silentLog,
      reportsDrops: false,
      assigned: [],
      namespacePath: rig.router,
      sources: {
        pods: () => [sender],
        policies: () => [denyEgress],
        nodes: () => [],
        namespaceLabels: () => ({}),
        clusterPolicies: () => [],
        nodeLocalServices: () => [],
        reached: () => Promise.resolve(),
      },
    });
    const namespace = rigNamespace(own, `${part}-sender`);
    for (const host of target.addresses) startSender(own, namespace, host, port, 'x');
    const admit = () => node.admit(sender, rigAddresses(1).map(address), '5', AbortSignal.timeout(10_000));
    if (gate === 'first') await admit();
    wirePod(rig.router, namespace, 1);
    await sleep(quietMilliseconds);
    if (gate === 'last') await admit();
    return received;
  } finally {
    for (const undo of undos.toReversed()) await undo();
  }
}
