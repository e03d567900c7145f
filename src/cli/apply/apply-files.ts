import { systemClock } from '../../base/clock.ts';
import { FairleadError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Progress } from '../progress.ts';
import { type Applied, applyManifests } from './apply-manifests.ts';
import type { Manifest } from './read-manifests.ts';
import { isEntrance, isWorkload } from './readiness.ts';
import { waitUntilReady } from './wait-ready.ts';

/** Applies manifests, and waits in named steps until what they describe is at work: first what runs, then the ways in. */
export async function applyFiles(
  client: KubeClient,
  manifests: readonly Manifest[],
  timeoutSeconds: number,
  progress: Progress,
): Promise<void> {
  let applied: readonly Applied[] = [];
  await progress.step('apply', async () => {
    const result = await applyManifests(client, manifests);
    applied = result.applied;
    if (result.refused.length > 0) throw refusals(result.refused, applied.length);
    const count = (outcome: Applied['outcome']) => applied.filter(it => it.outcome === outcome).length;
    return `${count('created')} created, ${count('configured')} changed, ${count('unchanged')} as before`;
  });
  const objects = applied.map(({ object }) => object);
  const entrances = objects.filter(isEntrance);
  const wait = (name: string, awaited: readonly KubeObject[]) =>
    progress.step(name, async step => {
      const ready = await waitUntilReady(client, awaited, {
        clock: systemClock,
        timeoutSeconds,
        onProgress: (done, total) => step.detail(`${done} of ${total} ready`),
      });
      return ready === 0 ? 'none to wait for' : `${countsOf(awaited)} ready`;
    });
  await wait('workloads', objects.filter(isWorkload));
  if (entrances.length > 0) await wait('ways in', entrances);
}

/** `1 Gateway, 2 HTTPRoutes` */
function countsOf(objects: readonly KubeObject[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of objects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}${count === 1 ? '' : 's'}`).join(', ');
}

/** One refusal is thrown as it is; of more, the first lines say each. */
function refusals(refused: readonly FairleadError[], appliedCount: number): FairleadError {
  const [first] = refused;
  if (first !== undefined && refused.length === 1) return first;
  const lines = refused
    .slice(0, 20)
    .map(error => `${error.message}${error.object === undefined ? '' : ` (${error.object})`}`);
  const more = refused.length > lines.length ? [`and ${refused.length - lines.length} more`] : [];
  return new FairleadError(
    'apply/refused',
    `${refused.length} objects are refused, ${appliedCount} are applied:\n  ${[...lines, ...more].join('\n  ')}`,
    first?.hint === undefined ? {} : { hint: first.hint },
  );
}
