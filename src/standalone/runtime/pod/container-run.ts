import type { Container } from '../../../kube/types/core.ts';
import { isRunning } from '../../../kernel/process/index.ts';
import { readEnding, readRunRecord, unknownEnding, type Ending } from '../container/records.ts';
import { terminationMessage } from '../container/termination-message.ts';
import type { RuntimeFiles } from '../files.ts';
import type { ContainerIdentity } from '../container/identity.ts';
import type { Run } from './observed.ts';

export interface RunPlace {
  readonly files: RuntimeFiles;
  readonly node: string;
  readonly container: Container;
  readonly identity: ContainerIdentity;
}

/**
 * What the records say now about a run that had not ended. `launcherEnded`: the launcher is known to be gone, so that
 * no record will come any more.
 */
export function refreshRun(run: Run, place: RunPlace, launcherEnded: boolean, now: number): Run {
  if (run.at === 'ended') return run;
  const { attempt, id } = run;
  const record = run.at === 'running' ? run.record : readRunRecord(place.files.pidRecord(id));
  const isLost = launcherEnded || (record !== undefined && !isRunning(record.launcher));
  // Read after the look at the launcher: it writes the record before it ends.
  const ending = readEnding(place.files.exitRecord(id));
  if (ending !== undefined) return { at: 'ended', attempt, id, ending: withMessage(ending, place) };
  if (isLost) {
    const startedAt = record?.startedAt ?? new Date(now).toISOString();
    return { at: 'ended', attempt, id, ending: unknownEnding(startedAt, now) };
  }
  return record === undefined ? run : { at: 'running', attempt, id, record };
}

function withMessage(ending: Ending, place: RunPlace): Ending {
  const { files, node, identity, container } = place;
  const message = terminationMessage(
    container,
    ending,
    files.terminationMessage(node, identity),
    files.log(node, identity),
  );
  return { ...ending, message };
}
