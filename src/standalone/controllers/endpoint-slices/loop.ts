import { sentenceOf } from '../../../base/errors.ts';
import { isConflict, isNotFound } from '../../../kube/api-error.ts';
import { keyOf } from '../../../kube/resources.ts';
import { matchesAll } from '../../../kube/selector.ts';
import type { Pod } from '../../../kube/types/core.ts';
import type { EndpointSlice } from '../../../kube/types/discovery.ts';
import type { Service } from '../../../kube/types/service.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { desiredGroups, endpointFacts, nodeFacts } from './desired.ts';
import type { EndpointGroup } from './desired.ts';
import { TRIGGER_TIME, isManaged, ownerOf, planSlices, serviceKeyOf } from './plan.ts';
import { TriggerTimes } from './trigger-times.ts';
import { sliceWriter } from './writer.ts';
import { isShared, shareOut } from './zone-allocation.ts';

/** Keeps the EndpointSlices of every Service that has a selector. */
export function startEndpointSlices(context: ControllerContext): Controller {
  const { informers } = context;
  const { endpointSlices, nodes, pods, services } = informers;
  const events = context.events.of('endpoint-slice-controller');
  const triggers = new TriggerTimes();
  /** By Service that asks to be shared out among zones: why it is not. */
  const hinderedBy = new Map<string, string>();
  const write = sliceWriter(context);
  const queue = controllerQueue(context, 'endpoint-slices', synchronize, 5);

  const stop = [
    services.onChange(({ before, after }) => {
      const service = after ?? before;
      if (service !== undefined) queue.add(keyOf(service));
    }),
    pods.onChange(({ before, after }) => {
      if (endpointFacts(before) === endpointFacts(after)) return;
      for (const service of new Set([...selecting(before), ...selecting(after)])) queue.add(service);
    }),
    endpointSlices.onChange(({ before, after }) => {
      for (const slice of [before, after])
        if (slice !== undefined && isManaged(slice)) queue.add(serviceKeyOf(slice));
    }),
    nodes.onChange(({ before, after }) => {
      if (nodeFacts(before) === nodeFacts(after)) return;
      for (const service of services.cache.list()) queue.add(keyOf(service));
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const service = services.cache.get(key);
    // The garbage collector takes the slices of a Service that is gone.
    if (service === undefined) {
      triggers.forget(key);
      hinderedBy.delete(key);
    }
    if (service === undefined || !isSelecting(service)) return;
    const selected = podsOf(service);
    const desired = hinted(
      key,
      service,
      desiredGroups(service, selected, name => nodes.cache.get(name)),
    );
    const existing = endpointSlices.cache
      .by('service', key)
      .filter(slice => isManaged(slice) && !isGoing(slice));
    const plan = planSlices(ownerOf(service), desired, existing);
    const triggered = triggers.next(key, service, selected);
    try {
      await write({
        create: plan.create.map(slice => timed(slice, triggered)),
        update: plan.update.map(slice => timed(slice, triggered)),
        remove: plan.remove,
      });
      triggers.written(key);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) {
        const note = `Error updating Endpoint Slices for Service ${key}: ${sentenceOf(error)}`;
        events.warning(service, 'FailedToUpdateEndpointSlices', note);
      }
      throw error;
    }
  }

  /** Shared out among zones, where the Service asks for it; what hinders that is told once. */
  function hinted(key: string, service: Service, groups: readonly EndpointGroup[]): readonly EndpointGroup[] {
    const told = hinderedBy.get(key) ?? '';
    if (!isShared(service)) {
      hinderedBy.delete(key);
      return groups;
    }
    const shared = shareOut(groups, nodes.cache.list());
    const refusal = shared.refusals.join('; ');
    if (refusal !== told && refusal !== '') events.warning(service, 'TopologyAwareHintsDisabled', refusal);
    hinderedBy.set(key, refusal);
    return shared.groups;
  }

  function podsOf(service: Service): readonly Pod[] {
    return pods.cache
      .by('namespace', service.metadata.namespace ?? '')
      .filter(pod => matchesAll(service.spec.selector, pod.metadata.labels));
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
    name: 'endpoint-slices',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}

/** The slices of other Services are made by hand, or there are none. */
function isSelecting({ spec }: Service): boolean {
  return spec.type !== 'ExternalName' && Object.keys(spec.selector ?? {}).length > 0;
}

const isGoing = (slice: EndpointSlice): boolean => slice.metadata.deletionTimestamp !== undefined;

function timed(slice: EndpointSlice, time: string | undefined): EndpointSlice {
  const { annotations = {}, ...metadata } = slice.metadata;
  const others = Object.fromEntries(Object.entries(annotations).filter(([key]) => key !== TRIGGER_TIME));
  const all = { ...others, ...(time === undefined ? {} : { [TRIGGER_TIME]: time }) };
  return {
    ...slice,
    metadata: { ...metadata, ...(Object.keys(all).length === 0 ? {} : { annotations: all }) },
  };
}
