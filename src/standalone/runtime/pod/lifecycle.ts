import type { Container, Pod } from '../../../kube/types/core.ts';
import type { ContainerIdentity } from '../container/identity.ts';
import type { NodeContext } from '../context.ts';
import { runHandler } from '../probes/handler.ts';
import type { Run, Sandbox } from './observed.ts';

/** A hook has no time limit of its own; the pod's end or deletion ends it. */
const HOOK_LIMIT = 2 ** 31 - 1;

/** The sentence of a failure; undefined when it succeeded or there is none. */
export async function runPostStart(
  context: NodeContext,
  pod: Pod,
  container: Container,
  identity: ContainerIdentity,
  run: Run & { readonly at: 'running' },
  sandbox: Sandbox | undefined,
): Promise<string | undefined> {
  const hook = container.lifecycle?.postStart;
  if (hook === undefined || sandbox === undefined) return undefined;
  const outcome = await runHandler(hook, { context, pod, container, identity, run, sandbox }, HOOK_LIMIT);
  return outcome.ok ? undefined : outcome.message;
}
