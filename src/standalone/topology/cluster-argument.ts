import { parseArgs } from 'node:util';
import { FairleadError } from '../../base/errors.ts';
import { type ClusterConfig, loadCluster } from '../cluster.ts';

/** The cluster that `--cluster NAME` on a process's command line names. */
export function clusterFromArguments(words: readonly string[]): ClusterConfig {
  const { values } = parseArgs({ args: [...words], options: { cluster: { type: 'string' } } });
  const name = values.cluster ?? '';
  const config = loadCluster(name);
  if (config !== undefined) return config;
  throw new FairleadError('cluster/absent', `There is no cluster "${name}": it has no cluster.json.`, {
    field: '--cluster',
    hint: 'These processes are started by "fairlead up".',
  });
}
