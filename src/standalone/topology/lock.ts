import { mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { FairleadError } from '../../base/errors.ts';
import { paths } from '../../kernel/contract.ts';
import { identify, isRunning, type ProcessIdentity } from '../../kernel/process/index.ts';

/** Held by whoever changes a cluster: two at once would undo each other's work. */
export interface ClusterLock extends Disposable {
  release(): void;
}

interface Holder extends ProcessIdentity {
  readonly work: string;
}

const attempts = 3;

/**
 * Throws a FairleadError that names the holder; a lock whose holder has ended is taken over. The lock is a symbolic
 * link, because that is made in one step together with what it says: `PID/START/WORK`.
 */
export function lockCluster(cluster: string, work: 'up' | 'down'): ClusterLock {
  const file = `${paths.run(cluster)}.lock`;
  const own = identify(process.pid);
  if (own === undefined) throw new Error('this process is not in /proc');
  mkdirSync(paths.runRoot, { recursive: true, mode: 0o755 });
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (linked(`${own.pid}/${own.startTime}/${work}`, file)) {
      const release = () => rmSync(file, { force: true });
      return { release, [Symbol.dispose]: release };
    }
    const holder = holderOf(file);
    if (holder !== undefined && isRunning(holder)) throw held(cluster, holder);
    rmSync(file, { force: true });
  }
  throw new FairleadError('cluster/locked', `Others keep working on cluster ${cluster}.`, {
    hint: 'Try again when they are done.',
  });
}

function linked(text: string, file: string): boolean {
  try {
    symlinkSync(text, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when it was just released, or was made by something else. */
function holderOf(file: string): Holder | undefined {
  try {
    const [pid, startTime, work = ''] = readlinkSync(file).split('/');
    return { pid: Number(pid), startTime: Number(startTime), work };
  } catch {
    return undefined;
  }
}

function held(cluster: string, holder: Holder): FairleadError {
  return new FairleadError(
    'cluster/locked',
    `Cluster ${cluster} is being worked on: "fairlead ${holder.work}" runs as process ${holder.pid}.`,
    { hint: `Wait until it is done, or end it: kill ${holder.pid}` },
  );
}
