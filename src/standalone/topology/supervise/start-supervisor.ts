import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { FairleadError } from '../../../base/errors.ts';
import { addToCgroup, createCgroup } from '../../../kernel/cgroup/index.ts';
import { cgroups } from '../../../kernel/contract.ts';
import { isRunning } from '../../../kernel/process/index.ts';
import { type ClusterConfig, clusterFiles } from '../../cluster.ts';
import { directoriesOf, nodeFlags } from './process-spec.ts';
import { readProcessTable } from './process-table.ts';

const entry = join(resolve(import.meta.dirname, '..', '..', '..', 'entry'), 'supervisor.ts');
const lookAgainMilliseconds = 10;
const deadlineMilliseconds = 15_000;

/**
 * Starts the cluster's supervisor in a session of its own, unless it runs already; it starts or adopts the rest. Resolves
 * with whether it was started, once it has written its table of processes.
 */
export async function startSupervisor(config: ClusterConfig, clock: Clock): Promise<boolean> {
  const { name } = config;
  if (isSupervised(name)) return false;
  for (const directory of directoriesOf(config)) mkdirSync(directory, { recursive: true, mode: 0o700 });
  createCgroup(cgroups.controlPlane(name));
  for (const node of config.nodes) createCgroup(cgroups.agent(name, node.name));
  const output = openSync(clusterFiles.log(name, 'supervisor'), 'a', 0o600);
  let ended: string | undefined;
  try {
    const child = spawn(process.execPath, [...nodeFlags, entry, '--cluster', name], {
      detached: true,
      stdio: ['ignore', output, output],
      cwd: '/',
    });
    child.once('error', error => (ended = error.message));
    child.once('exit', (code, signal) => (ended = signal ?? `exit code ${code}`));
    if (child.pid !== undefined) addToCgroup(cgroups.controlPlane(name), child.pid);
    child.unref();
  } finally {
    closeSync(output);
  }
  const deadline = clock.now() + deadlineMilliseconds;
  while (!isSupervised(name)) {
    if (ended !== undefined || clock.now() > deadline) {
      throw new FairleadError(
        'supervisor/not-started',
        `The supervisor did not start (${ended ?? 'no sign of life'}).`,
        {
          hint: `Read its log: fairlead logs --name ${name} supervisor`,
        },
      );
    }
    await clock.sleep(lookAgainMilliseconds);
  }
  return true;
}

/** Whether a supervisor of the cluster runs. */
export function isSupervised(cluster: string): boolean {
  const table = readProcessTable(cluster);
  return table !== undefined && isRunning(table.supervisor);
}
