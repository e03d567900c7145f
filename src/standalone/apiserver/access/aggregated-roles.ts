import { equalJson } from '../codec/json.ts';
import type { Context } from '../context.ts';
import type { ApiObject } from '../object.ts';
import { NOTHING } from '../store/store.ts';
import type { Decision } from '../store/store.ts';
import { isAggregating, rulesOfOthers } from './rbac.ts';

const STORAGE = 'rbac.authorization.k8s.io/clusterroles';

/**
 * Writes into each ClusterRole with an `aggregationRule` the rules of those that it selects, whoever made them: what
 * somebody wrote there himself is replaced. Returns how to stop.
 */
export function aggregateRoles(context: Context): () => void {
  const { store, log } = context;
  const follow = () => {
    for (const { key, object } of store.newestOf(STORAGE)) {
      if (!isAggregating(object) || isCurrent(context, object)) continue;
      write(context, key).catch((error: unknown) => {
        log.error({ role: key, err: error }, 'The rules of an aggregated role could not be written');
      });
    }
  };
  follow();
  return store.watch(STORAGE, follow);
}

const isCurrent = ({ store }: Context, role: ApiObject): boolean =>
  equalJson(role['rules'] ?? [], rulesOfOthers(store, role));

async function write(context: Context, key: string): Promise<void> {
  await context.store.write(STORAGE, key, current => {
    const object = current?.object;
    if (object === undefined) return { do: 'keep', object: NOTHING } satisfies Decision;
    if (!isAggregating(object) || isCurrent(context, object)) {
      return { do: 'keep', object } satisfies Decision;
    }
    const rules = rulesOfOthers(context.store, object);
    return { do: 'put', object: { ...object, rules } } satisfies Decision;
  });
}
