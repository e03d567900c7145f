import { isDeepStrictEqual } from 'node:util';
import { isNotFound } from '../../../kube/api-error.ts';
import { ENDPOINTS, keyOf, parseKey } from '../../../kube/resources.ts';
import { matchesAll } from '../../../kube/selector.ts';
import type { Pod } from '../../../kube/types/core.ts';
import type { Endpoints } from '../../../kube/types/endpoints.ts';
import type { Service } from '../../../kube/types/service.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { endpointFacts } from '../endpoint-slices/desired.ts';
import { HEADLESS, TRIGGER_TIME } from '../endpoint-slices/plan.ts';
import { TriggerTimes } from '../endpoint-slices/trigger-times.ts';
import { untilSeen } from '../endpoint-slices/writer.ts';
import { desiredSubsets, truncated } from './desired.ts';

/** Who wrote them (since Kubernetes 1.33). */
const MANAGER = 'endpoints.kubernetes.io/managed-by';
const CONTROLLER = 'endpoint-controller';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';

/** Keeps the Endpoints of every Service with a selector, which people and older clients still read (deprecated since 1.33). */
export function startEndpoints(context: ControllerContext): Controller {
  const { client, informers } = context;
  const { endpoints, pods, services } = informers;
  const triggers = new TriggerTimes();
  /** Services that went: their Endpoints go with them, whoever wrote these. */
  const gone = new Set<string>();
  const queue = controllerQueue(context, 'endpoints', synchronize, 5);

  const stop = [
    services.onChange(({ before, after }) => {
      const service = after ?? before;
      if (service === undefined) return;
      if (after === undefined) gone.add(keyOf(service));
      queue.add(keyOf(service));
    }),
    pods.onChange(({ before, after }) => {
      if (endpointFacts(before) === endpointFacts(after)) return;
      for (const service of new Set([...selecting(before), ...selecting(after)])) queue.add(service);
    }),
    endpoints.onChange(({ before, after }) => {
      const object = after ?? before;
      if (object !== undefined && isOurs(object)) queue.add(keyOf(object));
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const service = services.cache.get(key);
    const present = endpoints.cache.get(key);
    if (service === undefined) {
      triggers.forget(key);
      if (present !== undefined && (gone.has(key) || isOurs(present))) await remove(present);
      gone.delete(key);
      return;
    }
    gone.delete(key);
    if (!isSelecting(service)) return;
    const selected = pods.cache
      .by('namespace', service.metadata.namespace ?? '')
      .filter(pod => matchesAll(service.spec.selector, pod.metadata.labels));
    const subsets = desiredSubsets(service, selected);
    const cut = truncated(subsets);
    const labels = labelsOf(service);
    const time = triggers.next(key, service, selected);
    if (present === undefined || !says(present, { subsets: cut, labels, isCut: cut !== subsets })) {
      const annotations = annotationsOf(present, time, cut !== subsets);
      const metadata = { ...(present?.metadata ?? { ...parseKey(key) }), labels, annotations };
      const wanted: Endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets: cut };
      const written = await (present === undefined
        ? client.create(ENDPOINTS, wanted)
        : client.update(ENDPOINTS, wanted));
      await untilSeen(context.clock, endpoints, written);
    }
    triggers.written(key);
  }

  async function remove(object: Endpoints): Promise<void> {
    const { uid } = object.metadata;
    try {
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      await client.delete(ENDPOINTS, parseKey(keyOf(object)), preconditions);
    } catch (error) {
      if (!isNotFound(error)) throw error; // it went by itself
    }
  }

  /** Keys of the Services that select a pod. */
  function selecting(pod: Pod | undefined): readonly string[] {
    if (pod === undefined) return [];
    return services.cache
      .by('namespace', pod.metadata.namespace ?? '')
      .filter(service => isSelecting(service) && matchesAll(service.spec.selector, pod.metadata.labels))
      .map(keyOf);
  }

  return {
    name: 'endpoints',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

const isOurs = ({ metadata }: Endpoints): boolean => metadata.labels?.[MANAGER] === CONTROLLER;

const isSelecting = ({ spec }: Service): boolean =>
  spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;

/** The Service's, and whose they are; readers know by one that there is no cluster address. */
function labelsOf({ metadata, spec }: Service): Readonly<Record<string, string>> {
  const { [HEADLESS]: _, ...labels } = metadata.labels ?? {};
  const isHeadless = spec.clusterIP === undefined || spec.clusterIP === '' || spec.clusterIP === 'None';
  return { ...labels, ...(isHeadless ? { [HEADLESS]: '' } : {}), [MANAGER]: CONTROLLER };
}

function annotationsOf(
  present: Endpoints | undefined,
  time: string | undefined,
  isCut: boolean,
): Readonly<Record<string, string>> {
  const { [OVER_CAPACITY]: _, [TRIGGER_TIME]: __, ...others } = present?.metadata.annotations ?? {};
  return {
    ...others,
    ...(time === undefined ? {} : { [TRIGGER_TIME]: time }),
    ...(isCut ? { [OVER_CAPACITY]: 'truncated' } : {}),
  };
}

function says(
  { metadata, subsets = [] }: Endpoints,
  wanted: Required<Pick<Endpoints, 'subsets'>> & {
    readonly labels: Readonly<Record<string, string>>;
    readonly isCut: boolean;
  },
): boolean {
  return (
    isDeepStrictEqual(subsets, wanted.subsets) &&
    isDeepStrictEqual(metadata.labels ?? {}, wanted.labels) &&
    (metadata.annotations?.[OVER_CAPACITY] === 'truncated') === wanted.isCut
  );
}
