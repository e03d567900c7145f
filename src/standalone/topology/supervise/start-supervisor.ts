import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { FairleadError } from '../../../base/errors.ts';
import { addToCgroup, createCgroup } from '../../../kernel/cgroup/index.ts';
import { cgroups } from '../../../kernel/contract.ts';
import { isRunning, signalProcess } from '../../../kernel/process/index.ts';
import { type ClusterConfig, clusterFiles } from '../../cluster.ts';
import { directoriesOf, nodeFlags } from './process-spec.ts';
import { lastErrorIn } from './process-log.ts';
import { type ProcessTable, readProcessTable } from './process-table.ts';

const entry = join(resolve(import.meta.dirname, '..', '..', '..', 'entry'), 'supervisor.ts');
const lookAgainMilliseconds = 10;
const deadlineMilliseconds = 15_000;
const retryMilliseconds = 1000;

/**
 * Starts the cluster's supervisor in a session of its own; it starts or adopts the rest. One that runs already is asked to
 * try again at once what keeps failing. Resolves with whether it was started, once its table of processes says the rest.
 */
export async function startSupervisor(config: ClusterConfig, clock: Clock): Promise<boolean> {
  const { name } = config;
  const running = supervisedTable(name);
  if (running !== undefined) {
    await retryFailed(name, running, clock);
    return false;
  }
  for (const directory of directoriesOf(config)) mkdirSync(directory, { recursive: true, mode: 0o700 });
  createCgroup(cgroups.controlPlane(name));
  for (const node of config.nodes) createCgroup(cgroups.agent(name, node.name));
  const output = openSync(clusterFiles.log(name, 'supervisor'), 'a', 0o600);
  const startedAt = clock.now();
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
  while (supervisedTable(name) === undefined) {
    if (ended !== undefined || clock.now() > deadline) {
      const said = lastErrorIn(name, 'supervisor', startedAt);
      throw new FairleadError(
        'supervisor/not-started',
        `The supervisor did not start (${ended ?? 'no sign of life'})${said === undefined ? '.' : `: ${said.sentence}`}`,
        { hint: said?.hint ?? `Read its log: fairlead logs --name ${name} supervisor` },
      );
    }
    await clock.sleep(lookAgainMilliseconds);
  }
  return true;
}

/** What the supervisor that runs has written; undefined where none runs. */
function supervisedTable(cluster: string): ProcessTable | undefined {
  const table = readProcessTable(cluster);
  return table !== undefined && isRunning(table.supervisor) ? table : undefined;
}

/** Resolves when the failures are forgotten; a supervisor that does not listen is left to its own pace. */
async function retryFailed(cluster: string, before: ProcessTable, clock: Clock): Promise<void> {
  const failed = before.processes.filter(it => it.failuresInRow > 0);
  if (failed.length === 0) return;
  signalProcess(before.supervisor, 'SIGHUP');
  const deadline = clock.now() + retryMilliseconds;
  const isForgotten = (now: ProcessTable | undefined) =>
    failed.every(
      ({ name, failuresInRow }) =>
        (now?.processes.find(it => it.name === name)?.failuresInRow ?? 0) < failuresInRow,
    );
  while (!isForgotten(readProcessTable(cluster)) && clock.now() < deadline)
    await clock.sleep(lookAgainMilliseconds);
}
