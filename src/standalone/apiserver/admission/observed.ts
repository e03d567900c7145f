import type { Context } from '../context.ts';
import { valueAt } from '../object.ts';
import type { ApiObject } from '../object.ts';
import { equalJson } from '../codec/json.ts';
import { NOTHING } from '../store/store.ts';
import type { Decision } from '../store/store.ts';

const STORAGE = 'admissionregistration.k8s.io/validatingadmissionpolicies';

/**
 * Tells in the status of each ValidatingAdmissionPolicy which generation of it was read. Expressions are read in full
 * before a policy is stored, and objects have no types for them: there is nothing that type checking could warn of.
 * Returns how to stop.
 */
export function noteObserved(context: Context): () => void {
  const { store, log } = context;
  const note = (key: string, object: ApiObject) => {
    if (isNoted(object)) return;
    write(context, key).catch((error: unknown) => {
      log.error({ policy: key, err: error }, 'The status of a policy could not be written');
    });
  };
  for (const { key, object } of store.list(STORAGE, '')?.entries ?? []) note(key, object);
  return store.watch(STORAGE, ({ type, after }) => {
    if (type !== 'DELETED') note(after.key, after.object);
  });
}

const statusFor = (policy: ApiObject): object => ({
  observedGeneration: policy.metadata.generation ?? 1,
  typeChecking: {},
});

const isNoted = (policy: ApiObject): boolean => equalJson(valueAt(policy, ['status']), statusFor(policy));

async function write({ store }: Context, key: string): Promise<void> {
  if (store.newest(STORAGE, key) === undefined) return;
  await store.write(STORAGE, key, current => {
    if (current === undefined) return { do: 'keep', object: NOTHING } satisfies Decision;
    const { object } = current;
    if (isNoted(object)) return { do: 'keep', object } satisfies Decision;
    return { do: 'put', object: { ...object, status: statusFor(object) } } satisfies Decision;
  });
}
