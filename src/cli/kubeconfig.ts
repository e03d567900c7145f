import { existsSync } from 'node:fs';
import { FairleadError } from '../base/errors.ts';
import { checkName, clusterFiles } from '../standalone/cluster.ts';
import { requireRoot } from './require-root.ts';

/** Prints the path alone, for `KUBECONFIG=$(fairlead kubeconfig)`. */
export function kubeconfig(cluster: string): void {
  process.stdout.write(`${administratorKubeconfig(cluster, 'kubeconfig')}\n`);
}

/** The administrator's file of a cluster of this machine; `command` needs root for it. */
export function administratorKubeconfig(cluster: string, command: string): string {
  checkName(cluster);
  requireRoot(command);
  const file = clusterFiles.kubeconfig(cluster, 'admin');
  if (!existsSync(file)) throw noSuchCluster(cluster);
  return file;
}

export function noSuchCluster(cluster: string): FairleadError {
  return new FairleadError('cluster/absent', `There is no cluster named ${cluster} on this machine.`, {
    hint: `Bring it up with "fairlead up --name ${cluster}".`,
  });
}
