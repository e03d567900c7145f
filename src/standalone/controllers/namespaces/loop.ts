import { FairleadError } from '../../../base/errors.ts';
import { isConflict } from '../../../kube/api-error.ts';
import { NAMESPACES } from '../../../kube/resources.ts';
import type { Namespace } from '../../../kube/types/config.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { conditionsOf, isEmptied } from './decide.ts';
import { emptyNamespace } from './empty.ts';

const FINALIZER = 'kubernetes';
/** Until what is left is looked at again, should nothing tell earlier that it went. */
const LOOK_AGAIN_MILLISECONDS = 1000;

/** Empties namespaces that are being deleted, then lets them go. */
export function startNamespaces(context: ControllerContext): Controller {
  const { client, clock, informers } = context;
  const { namespaces, pods } = informers;
  const queue = controllerQueue(context, 'namespaces', synchronize, 4);

  const stop = [
    namespaces.onChange(({ after }) => {
      if (after?.metadata.deletionTimestamp !== undefined) queue.add(after.metadata.name);
    }),
    pods.onChange(({ before, after }) => {
      // The last pod makes way for the rest.
      const name = after === undefined ? before?.metadata.namespace : undefined;
      if (name === undefined || pods.cache.by('namespace', name).length > 0) return;
      if (namespaces.cache.get(name)?.metadata.deletionTimestamp !== undefined) queue.add(name);
    }),
  ];

  async function synchronize(name: string): Promise<void> {
    const namespace = namespaces.cache.get(name);
    if (namespace?.metadata.deletionTimestamp === undefined) return;
    const finalizers = namespace.spec?.finalizers ?? [];
    if (!finalizers.includes(FINALIZER)) return;
    const found = await emptyNamespace(client, name);
    if (isEmptied(found)) {
      await letGo(namespace, finalizers);
      return;
    }
    await tell(namespace, conditionsOf(namespace, found, clock.now()));
    const failures = [...found.discoveryFailures, ...found.contentFailures];
    if (failures.length > 0) {
      throw new FairleadError(
        'controllers/namespace-not-emptied',
        `Not all content can go: ${failures.join('; ')}`,
        {
          object: `Namespace/${name}`,
        },
      );
    }
    queue.addAfter(name, LOOK_AGAIN_MILLISECONDS);
  }

  async function letGo(namespace: Namespace, finalizers: readonly string[]): Promise<void> {
    const spec = { ...namespace.spec, finalizers: finalizers.filter(each => each !== FINALIZER) };
    await client.update(NAMESPACES, { ...namespace, spec }, { subresource: 'finalize' });
  }

  async function tell(
    namespace: Namespace,
    conditions: NonNullable<Namespace['status']>['conditions'],
  ): Promise<void> {
    if (conditions === undefined || conditions === namespace.status?.conditions) return;
    const status = { ...namespace.status, conditions };
    try {
      await client.update(NAMESPACES, { ...namespace, status }, { subresource: 'status' });
    } catch (error) {
      if (!isConflict(error)) throw error; // the namespace comes back with its change anyway
    }
  }

  return {
    name: 'namespaces',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}
