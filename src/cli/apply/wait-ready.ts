import type { Clock } from '../../base/clock.ts';
import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import {
  DAEMON_SETS,
  DEPLOYMENTS,
  GATEWAYS,
  HTTP_ROUTES,
  JOBS,
  PODS,
  REPLICA_SETS,
  type Resource,
  SERVICES,
  STATEFUL_SETS,
} from '../../kube/resources.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { type Readiness, readinessOf } from './readiness.ts';
import { objectName } from './served-kinds.ts';

const lookAgainMilliseconds = 100;
/** A hopeless state may be a moment's (an object that comes later in the files): it counts when it lasts. */
const hopelessMilliseconds = 3000;

const resources: Readonly<Record<string, Resource<KubeObject>>> = {
  Pod: PODS,
  Deployment: DEPLOYMENTS,
  ReplicaSet: REPLICA_SETS,
  StatefulSet: STATEFUL_SETS,
  DaemonSet: DAEMON_SETS,
  Job: JOBS,
  Service: SERVICES,
  Gateway: GATEWAYS,
  HTTPRoute: HTTP_ROUTES,
};

export interface WaitOptions {
  readonly clock: Clock;
  readonly timeoutSeconds: number;
  readonly onProgress: (readyCount: number, total: number) => void;
}

/** Resolves with how many objects there are when all are ready; throws with the ones that are not, and why. */
export async function waitUntilReady(
  client: KubeClient,
  awaited: readonly KubeObject[],
  options: WaitOptions,
): Promise<number> {
  if (awaited.length === 0) return 0;
  const { clock, timeoutSeconds, onProgress } = options;
  const deadline = clock.now() + timeoutSeconds * 1000;
  let hopelessSince: number | undefined;
  while (true) {
    const seen = await lookPatiently(client, awaited);
    const waiting = seen.filter(it => it.readiness.state === 'waiting');
    onProgress(awaited.length - waiting.length, awaited.length);
    if (waiting.length === 0) return awaited.length;
    const isHopeless = waiting.some(({ readiness }) => readiness.state === 'waiting' && readiness.hopeless);
    hopelessSince = isHopeless ? (hopelessSince ?? clock.now()) : undefined;
    const isGivenUp = hopelessSince !== undefined && clock.now() - hopelessSince >= hopelessMilliseconds;
    if (isGivenUp || clock.now() >= deadline) throw notReady(waiting, isGivenUp ? undefined : timeoutSeconds);
    await clock.sleep(lookAgainMilliseconds);
  }
}

/** While the API server does not answer, nothing is known to be ready: it may be on its way back. */
async function lookPatiently(client: KubeClient, awaited: readonly KubeObject[]): Promise<readonly Seen[]> {
  try {
    return await look(client, awaited);
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    const readiness: Readiness = { state: 'waiting', why: sentenceOf(error), hopeless: false };
    return awaited.map(object => ({ object, readiness }));
  }
}

interface Seen {
  readonly object: KubeObject;
  readonly readiness: Readiness;
}

/** One list of each kind and namespace, whatever the number of objects. */
async function look(client: KubeClient, awaited: readonly KubeObject[]): Promise<readonly Seen[]> {
  const namespaces = [...new Set(awaited.map(object => object.metadata.namespace ?? 'default'))];
  const kinds = [...new Set(awaited.map(object => object.kind))];
  const seen = await Promise.all(
    namespaces.map(async namespace => {
      const [pods, deployments] = await Promise.all([
        client.list(PODS, { namespace }),
        client.list(DEPLOYMENTS, { namespace }),
      ]);
      const around = { pods: pods.items, deployments: deployments.items };
      const lists = await Promise.all(
        kinds.map(async kind => {
          const resource = resources[kind];
          if (resource === undefined) return [];
          if (kind === 'Pod') return around.pods;
          return kind === 'Deployment'
            ? around.deployments
            : (await client.list(resource, { namespace })).items;
        }),
      );
      const present = new Map<string, KubeObject>(lists.flat().map(object => [objectName(object), object]));
      return awaited
        .filter(object => (object.metadata.namespace ?? 'default') === namespace)
        .map((object): Seen => {
          const now = present.get(objectName(object));
          if (now !== undefined) return { object, readiness: readinessOf(now, around) };
          return { object, readiness: { state: 'waiting', why: 'was deleted', hopeless: true } };
        });
    }),
  );
  return seen.flat();
}

function notReady(waiting: readonly Seen[], afterSeconds: number | undefined): FairleadError {
  const lines = waiting.slice(0, 10).map(({ object, readiness }) => {
    const why = readiness.state === 'waiting' ? readiness.why : '';
    return `${objectName(object)}: ${why}`;
  });
  const more = waiting.length > lines.length ? [`and ${waiting.length - lines.length} more`] : [];
  const [worst] = waiting;
  const { kind = '', metadata } = worst?.object ?? {};
  const after =
    afterSeconds === undefined ? 'not going to be ready by waiting' : `not ready after ${afterSeconds} s`;
  return new FairleadError(
    'apply/not-ready',
    `${waiting.length === 1 ? 'One object is' : `${waiting.length} objects are`} ${after}:\n  ${[...lines, ...more].join('\n  ')}`,
    {
      ...(worst === undefined ? {} : { object: objectName(worst.object) }),
      hint: `See more with: kubectl describe ${kind.toLowerCase()} -n ${metadata?.namespace ?? 'default'} ${metadata?.name ?? ''}`,
    },
  );
}
