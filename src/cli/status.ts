import { checkName } from '../standalone/cluster.ts';
import { calledAs, withCommandsAs } from './called-as.ts';
import { noSuchCluster } from './kubeconfig.ts';
import { readStatus } from './read-status.ts';
import { statusText } from './status-text.ts';
import { clustersPresent } from '../standalone/topology/inventory.ts';
import { requireRoot } from './require-root.ts';

/** Prints what there is and what is wrong; the exit code is 1 when anything is. */
export async function status(cluster: string, form: 'text' | 'json'): Promise<number> {
  checkName(cluster);
  requireRoot('status');
  if (!clustersPresent().includes(cluster)) throw noSuchCluster(cluster);
  const found = await readStatus(cluster);
  const text = withCommandsAs(calledAs(process.env), statusText(found));
  process.stdout.write(form === 'json' ? `${JSON.stringify(found, null, 2)}\n` : text);
  return found.problems.length === 0 ? 0 : 1;
}
