import { systemClock } from '../base/clock.ts';
import { checkName } from '../standalone/cluster.ts';
import { clustersPresent } from '../standalone/topology/inventory.ts';
import { lockCluster } from '../standalone/topology/lock.ts';
import { removeCluster, removeSharedDirectories } from '../standalone/topology/remove-cluster.ts';
import { createProgress } from './progress.ts';
import { requireRoot } from './require-root.ts';

/** Removes one cluster, or all of this machine. Nothing to remove is success. */
export async function down(which: string): Promise<void> {
  requireRoot('down');
  const progress = createProgress();
  const names = which === 'all' ? clustersPresent() : [which];
  if (names.length === 0) progress.note('There is no cluster on this machine.');
  for (const name of names) {
    checkName(name);
    await progress.step('down', async () => {
      using _lock = lockCluster(name, 'down');
      const removed = await removeCluster(name, systemClock);
      return removed === undefined
        ? `there is no cluster named ${name}`
        : `cluster ${name} is gone: ${removed.namespaces} namespaces, ${removed.processes} processes, and its files`;
    });
  }
  removeSharedDirectories();
}
