import { matchesSelector } from '../../../kube/selector.ts';
import type { LabelSelector } from '../../../kube/types/meta.ts';
import { decodeBody } from '../codec/body.ts';
import { timestamp } from '../context.ts';
import type { Kind } from '../kind.ts';
import { isFields, valueAt } from '../object.ts';
import type { ApiObject, Fields } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { StatusError, badRequest, notFound } from '../status.ts';
import { Objects } from '../store/objects.ts';
import { deleteObject, deleteOptionsFrom } from './delete.ts';
import { json } from './present.ts';
import { isDryRun, keyOfTarget, objectsOf } from './target.ts';
import type { Target } from './target.ts';

/** POST of `pods/NAME/eviction`: a deletion that asks the pod's disruption budget first. */
export async function evict(target: Target): Promise<ApiResponse> {
  const body = (await decodeBody(target.request, target.context.schemas))?.fields;
  const name = valueAt(body, ['metadata', 'name']);
  if (name !== undefined && name !== target.name)
    throw badRequest('name in URL does not match name in Eviction object');
  const given = valueAt(body, ['deleteOptions']);
  const options = deleteOptionsFrom(isFields(given) ? given : {});
  const dryRun = options.dryRun || isDryRun(target);
  const concern = target.context.admission.concern(target, 'CREATE');
  await concern?.passUnchanged(body, undefined);
  await concern?.validate(body, undefined);
  await askBudget(target, dryRun);
  await deleteObject(target, { ...options, dryRun });
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return json(201, JSON.stringify(status));
}

/** Throws while the budget does not let the pod go; counts it where it does. */
async function askBudget(target: Target, dryRun: boolean): Promise<void> {
  const { context, namespace } = target;
  const pod = objectsOf(target).newest(keyOfTarget(target))?.object;
  if (pod === undefined) throw notFound(target.kind, target.name);
  if (goesAnyway(pod)) return;
  const kind = context.registry.find('policy', 'v1', 'poddisruptionbudgets');
  if (kind === undefined) return;
  const budgets = new Objects(context.store, kind);
  const matching = (budgets.list(`${namespace}/`)?.entries ?? []).filter(({ object }) => covers(object, pod));
  const [entry, another] = matching;
  if (entry === undefined) return;
  if (another !== undefined) {
    throw new StatusError(
      500,
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    );
  }
  await budgets.write(entry.key, current => {
    const budget = current?.object;
    if (budget === undefined || isUnhealthyAndFree(budget, pod)) {
      return { do: 'keep', object: budget ?? entry.object };
    }
    assertAllowed(kind, budget);
    const counted = counting(budget, target.name, timestamp(context.clock.now()));
    return dryRun ? { do: 'keep', object: counted } : { do: 'put', object: counted };
  });
}

/** A pod that has ended, has not begun, or is going already disturbs nothing. */
function goesAnyway(pod: ApiObject): boolean {
  const phase = valueAt(pod, ['status', 'phase']);
  return (
    ['Succeeded', 'Failed', 'Pending'].includes(String(phase)) || pod.metadata.deletionTimestamp !== undefined
  );
}

/** The types of a stored budget were checked when it was written. */
const covers = (budget: ApiObject, pod: ApiObject): boolean =>
  valueAt(budget, ['spec', 'selector']) !== undefined &&
  matchesSelector(valueAt(budget, ['spec', 'selector']) as LabelSelector, pod.metadata.labels ?? {});

/** A pod that is not ready does not count among the healthy ones (`unhealthyPodEvictionPolicy`, KEP-3017). */
function isUnhealthyAndFree(budget: ApiObject, pod: ApiObject): boolean {
  const conditions = valueAt(pod, ['status', 'conditions']);
  const isReady =
    Array.isArray(conditions) &&
    conditions.some((condition: Fields) => condition['type'] === 'Ready' && condition['status'] === 'True');
  if (isReady) return false;
  if (valueAt(budget, ['spec', 'unhealthyPodEvictionPolicy']) === 'AlwaysAllow') return true;
  const [healthy, desired] = [statusNumber(budget, 'currentHealthy'), statusNumber(budget, 'desiredHealthy')];
  return healthy >= desired && desired > 0;
}

function assertAllowed(kind: Kind, budget: ApiObject): void {
  const { name = '', generation = 0 } = budget.metadata;
  const refuse = (message: string, cause: string, retryAfterSeconds?: number) =>
    new StatusError(429, 'TooManyRequests', message, {
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
      causes: [{ reason: 'DisruptionBudget', message: cause }],
    });
  const violates = "Cannot evict pod as it would violate the pod's disruption budget.";
  if (statusNumber(budget, 'observedGeneration') < generation) {
    throw refuse(violates, `The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const disrupted = valueAt(budget, ['status', 'disruptedPods']);
  if (isFields(disrupted) && Object.keys(disrupted).length > MOST_DISRUPTED) {
    const message = `${kind.plural}.${kind.group} "${name}" is forbidden: DisruptedPods map too big - too many evictions not confirmed by PDB controller`;
    throw new StatusError(403, 'Forbidden', message);
  }
  if (statusNumber(budget, 'disruptionsAllowed') > 0) return;
  const desired = statusNumber(budget, 'desiredHealthy');
  const healthy = statusNumber(budget, 'currentHealthy');
  throw refuse(
    violates,
    `The disruption budget ${name} needs ${desired} healthy pods and has ${healthy} currently`,
  );
}

const MOST_DISRUPTED = 2000;

const statusNumber = (budget: ApiObject, field: string): number =>
  Number(valueAt(budget, ['status', field]) ?? 0);

/** The budget with one disruption less and the pod among those that are on their way. */
function counting(budget: ApiObject, pod: string, now: string): ApiObject {
  const status = isFields(budget['status']) ? budget['status'] : {};
  const disrupted = isFields(status['disruptedPods']) ? status['disruptedPods'] : {};
  const disruptionsAllowed = statusNumber(budget, 'disruptionsAllowed') - 1;
  return {
    ...budget,
    status: { ...status, disruptionsAllowed, disruptedPods: { ...disrupted, [pod]: now } },
  };
}
