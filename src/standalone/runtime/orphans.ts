import { readdirSync, rmSync } from 'node:fs';
import { cgroups, namespaces } from '../../kernel/contract.ts';
import { sentenceOf } from '../../base/errors.ts';
import { listNamespaces } from '../../kernel/ns/index.ts';
import { attemptsOf, removeRun } from './pod/adopt.ts';
import { sandboxId } from './container/identity.ts';
import type { NodeContext } from './context.ts';
import { removeSandbox } from './sandbox/sandbox.ts';
import { unmountVolumes } from './volumes/pod-volumes.ts';

/**
 * Removes what is left of pods that the API does not know any more (their runtime died while they were deleted), and
 * tells the network plugins which attachments are still wanted.
 */
export async function removeOrphans(
  contexts: readonly NodeContext[],
  known: ReadonlySet<string>,
): Promise<void> {
  const byNode = contexts.map(context => ({
    context,
    uids: listDirectory(context.files.pods(context.node.name)),
  }));
  for (const { context, uids } of byNode) {
    for (const uid of uids.filter(each => !known.has(each))) await removeOrphan(context, uid);
  }
  await removeStrayNamespaces(contexts, known);
  for (const context of contexts) {
    await attempt(context, 'Network attachments could not be cleaned up', () =>
      context.network.collectGarbage([...known].map(sandboxId)),
    );
  }
}

async function removeOrphan(context: NodeContext, uid: string): Promise<void> {
  await attempt(context, `What is left of pod ${uid} could not be removed`, async () => {
    await removeSandbox(context, uid);
    const directory = context.files.pod(context.node.name, uid);
    for (const container of listDirectory(`${directory}/containers`)) {
      for (const number of attemptsOf(context, uid, container)) {
        removeRun(context, { podUid: uid, container, attempt: number });
      }
    }
    unmountVolumes(directory);
    rmSync(directory, { recursive: true, force: true });
    context.log.info(
      { uid, node: context.node.name, cgroup: cgroups.pod(context.cluster.name, context.node.name, uid) },
      'An orphaned pod was removed.',
    );
  });
}

/** A namespace whose pod never came as far as a directory. */
async function removeStrayNamespaces(
  contexts: readonly NodeContext[],
  known: ReadonlySet<string>,
): Promise<void> {
  const [context] = contexts;
  if (context === undefined) return;
  const prefix = namespaces.pod(context.cluster.name, '');
  for (const name of listNamespaces(prefix)) {
    const uid = name.slice(prefix.length);
    if (!known.has(uid))
      await attempt(context, `The namespace ${name} could not be removed`, () => removeSandbox(context, uid));
  }
}

async function attempt(context: NodeContext, sentence: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    context.log.warn({ node: context.node.name, error: sentenceOf(error) }, `${sentence}.`);
  }
}

function listDirectory(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
