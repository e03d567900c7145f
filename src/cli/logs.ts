import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { FairleadError } from '../base/errors.ts';
import { checkName, clusterFiles } from '../standalone/cluster.ts';
import { closestOf } from '../base/closest.ts';
import { noSuchCluster } from './kubeconfig.ts';
import { requireRoot } from './require-root.ts';

/** Prints the log of one process of the cluster; without a name, the names that there are. */
export function logs(cluster: string, component: string | undefined): void {
  checkName(cluster);
  requireRoot('logs');
  const directory = clusterFiles.logs(cluster);
  if (!existsSync(directory)) throw noSuchCluster(cluster);
  const names = readdirSync(directory)
    .filter(name => name.endsWith('.log'))
    .map(name => name.slice(0, -'.log'.length))
    .toSorted();
  if (component === undefined) {
    process.stdout.write(names.map(name => `${name}\n`).join(''));
    return;
  }
  if (!names.includes(component)) throw noSuchProcess(component, names);
  process.stdout.write(readFileSync(clusterFiles.log(cluster, component)));
}

function noSuchProcess(component: string, names: readonly string[]): FairleadError {
  const close = closestOf(component, names);
  return new FairleadError('logs/unknown-process', `No process is named ${component}.`, {
    hint: close === undefined ? `There are: ${names.join(', ')}.` : `Did you mean ${close}?`,
  });
}
