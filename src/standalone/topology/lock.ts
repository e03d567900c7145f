import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
export const lockFile = (cluster: string): string => `${paths.run(cluster)}.lock`;

/** Throws a FairleadError that names the holder; a lock whose holder has ended is taken over. */
export function lockCluster(cluster: string, work: string): ClusterLock {
  const file = lockFile(cluster);
  const own = identify(process.pid);
  if (own === undefined) throw new Error('this process is not in /proc');
  mkdirSync(paths.runRoot, { recursive: true, mode: 0o755 });
  const draft = `${file}.${own.pid}`;
  writeFileSync(draft, JSON.stringify({ ...own, work } satisfies Holder), { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (linked(draft, file)) {
        const release = () => rmSync(file, { force: true });
        return { release, [Symbol.dispose]: release };
      }
      const holder = holderOf(file);
      if (holder !== undefined && isRunning(holder)) throw held(cluster, holder);
      rmSync(file, { force: true });
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new FairleadError('cluster/locked', `Others keep working on cluster ${cluster}.`, {
    hint: 'Try again when they are done.',
  });
}

function linked(draft: string, file: string): boolean {
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined; // just released, or damaged: nobody holds it
  }
}

function held(cluster: string, holder: Holder): FairleadError {
  return new FairleadError(
    'cluster/locked',
    `Cluster ${cluster} is being worked on: "fairlead ${holder.work}" runs as process ${holder.pid}.`,
    { hint: `Wait until it is done, or end it: kill ${holder.pid}` },
  );
}
