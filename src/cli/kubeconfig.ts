import { existsSync } from 'node:fs';
import { FairleadError } from '../base/errors.ts';
import { checkName, clusterFiles } from '../standalone/cluster.ts';
import { requireRoot } from './require-root.ts';

/** Prints the path alone, for `KUBECONFIG=$(fairlead kubeconfig)`. */
export function kubeconfig(cluster: string): void {
  checkName(cluster);
  requireRoot('kubeconfig');
  const file = clusterFiles.kubeconfig(cluster, 'admin');
  if (!existsSync(file)) throw noSuchCluster(cluster);
  process.stdout.write(`${file}\n`);
}

export function noSuchCluster(cluster: string): FairleadError {
  return new FairleadError('cluster/absent', `There is no cluster named ${cluster} on this machine.`, {
    hint: `Bring it up with "fairlead up --name ${cluster}".`,
  });
}
