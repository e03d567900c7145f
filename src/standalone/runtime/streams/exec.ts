import { programLineOf } from '../../images/index.ts';
import { execInContainer } from '../container/exec.ts';
import type { Container } from '../../../kube/types/core.ts';
import type { Run } from '../pod/observed.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import { pipeInput, STDERR, STDOUT, type Channels } from './channels.ts';

export interface ExecQuery {
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Output that processes in the background still hold open after the command ended is waited for this long. */
const OUTPUT_PATIENCE = 2000;

/** Runs a command in a container for one client, until the command ends or the client goes. */
export async function serveExec(
  channels: Channels,
  worker: PodWorker,
  container: Container,
  run: Run & { readonly at: 'running' },
  query: ExecQuery,
): Promise<void> {
  const { context } = worker;
  const resolved = context.images.resolve(container.image ?? '');
  const line =
    resolved.kind === 'mapped'
      ? programLineOf(resolved.image, query.command)
      : { kind: 'refused' as const, message: resolved.message };
  if (line.kind === 'refused') {
    await channels.finish({ kind: 'failed', message: line.message });
    return;
  }
  const process = await execInContainer({
    launcher: context.launcher,
    planFile: context.files.plan(context.node.name, worker.identity(container.name, run.attempt)),
    arguments: line.arguments,
    tty: query.tty,
    stdin: query.stdin,
    enter: run.record.program,
  });
  channels.onClose(() => process.kill());
  channels.onResize((rows, columns) => process.resize(rows, columns));
  if (process.stdin !== undefined) pipeInput(channels, process.stdin);
  channels.resumeInput();
  const outputs = [channels.copy(process.stdout, query.stdout || query.tty ? STDOUT : STDERR)];
  if (process.stderr !== undefined) outputs.push(channels.copy(process.stderr, STDERR));
  const result = await process.result;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>(resolve => (timer = setTimeout(resolve, OUTPUT_PATIENCE)));
  await Promise.race([Promise.all(outputs), patience]);
  clearTimeout(timer);
  process.stdout.destroy();
  process.stderr?.destroy();
  await channels.finish(result);
}
