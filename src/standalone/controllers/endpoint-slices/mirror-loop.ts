import { keyOf } from '../../../kube/resources.ts';
import { controllerQueue } from '../context.ts';
import type { Controller, ControllerContext } from '../context.ts';
import { MIRRORED_BY, isMirrored, mirrorOwner, mirroredGroups } from './mirror.ts';
import { isManagedBy, planSlices, serviceKeyOf } from './plan.ts';
import { sliceWriter } from './writer.ts';

/** Keeps slices that say what Endpoints say which somebody wrote for a Service without a selector. */
export function startEndpointsMirroring(context: ControllerContext): Controller {
  const { endpoints, endpointSlices, services } = context.informers;
  const queue = controllerQueue(context, 'endpoints-mirroring', synchronize, 1);
  const write = sliceWriter(context);

  const stop = [
    endpoints.onChange(({ before, after }) => {
      const object = after ?? before;
      if (object !== undefined) queue.add(keyOf(object));
    }),
    services.onChange(({ before, after }) => {
      const service = after ?? before;
      if (service !== undefined && endpoints.cache.get(keyOf(service)) !== undefined)
        queue.add(keyOf(service));
    }),
    endpointSlices.onChange(({ before, after }) => {
      for (const slice of [before, after])
        if (slice !== undefined && isManagedBy(slice, MIRRORED_BY)) queue.add(serviceKeyOf(slice));
    }),
  ];

  async function synchronize(key: string): Promise<void> {
    const object = endpoints.cache.get(key);
    const existing = endpointSlices.cache
      .by('service', key)
      .filter(slice => isManagedBy(slice, MIRRORED_BY) && slice.metadata.deletionTimestamp === undefined);
    if (object !== undefined && isMirrored(object, services.cache.get(key)))
      await write(planSlices(mirrorOwner(object), mirroredGroups(object), existing));
    else await write({ create: [], update: [], remove: existing });
  }

  return {
    name: 'endpoints-mirroring',
    close: async () => {
      for (const each of stop) each();
      await queue.close();
    },
  };
}
