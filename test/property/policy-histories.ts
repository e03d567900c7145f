import fc from 'fast-check';
import type { Address } from '../../src/base/ip.ts';
import type { PolicyIndex } from '../../src/policy/compile-index.ts';
import type { Policy, PolicyPod } from '../../src/policy/model.ts';
import {
  address,
  nodesOfWorlds,
  podsOf,
  policiesOf,
  resolve,
  someResolved,
  worlds,
} from './policy-worlds.ts';
import type { World } from './policy-worlds.ts';

export const historyAddresses = Array.from(
  { length: 5 },
  (_, index) => [`10.244.0.${10 + index}`, `fd00:10:244::${(16 + index).toString(16)}`] as const,
);

/** What there is after one step of a history; the same keys come, change and go. */
export interface Step {
  readonly pods: readonly PolicyPod[];
  readonly policies: readonly Policy[];
  readonly hasNodes: boolean;
  readonly closed: readonly Address[];
  readonly resolved: World['resolved'];
}

const step: fc.Arbitrary<Step> = fc
  .record({
    world: worlds(historyAddresses, 3),
    podsThere: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    policiesThere: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    // A pod that has another's address, as when addresses are used again.
    reused: fc.option(fc.tuple(fc.nat(4), fc.nat(4)), { nil: undefined }),
    closed: fc.option(fc.nat(4), { nil: undefined }),
    resolved: someResolved,
  })
  .map(({ world, podsThere, policiesThere, reused, closed, resolved }) => {
    const pods = podsOf(world).map((pod, index) =>
      reused?.[0] === index
        ? {
            ...pod,
            created: '2026-01-01T00:00:00Z',
            addresses: (historyAddresses[reused[1]] ?? []).map(address),
          }
        : pod,
    );
    return {
      resolved,
      pods: pods.filter((_, index) => podsThere[index]),
      policies: policiesOf(world).filter((_, index) => policiesThere[index]),
      hasNodes: policiesThere[7] === true,
      closed: closed === undefined ? [] : (historyAddresses[closed] ?? []).map(address),
    };
  });

/** A later step may change as little as one object of the step before. */
export const histories = fc.array(fc.tuple(step, fc.nat(4)), { minLength: 2, maxLength: 6 }).map(steps => {
  const history: Step[] = [];
  for (const [next, kind] of steps) {
    const last = history.at(-1);
    const isWhole = last === undefined || kind === 0;
    history.push(
      isWhole
        ? next
        : {
            pods: kind === 1 ? mixed(last.pods, next.pods) : last.pods,
            policies: kind === 2 ? mixed(last.policies, next.policies) : last.policies,
            hasNodes: kind === 3 ? next.hasNodes : last.hasNodes,
            closed: kind === 3 ? next.closed : last.closed,
            resolved: kind === 4 ? next.resolved : last.resolved,
          },
    );
  }
  return history;
});

/** All but the first of the last, and the first of the next. */
function mixed<T extends { readonly key: string }>(last: readonly T[], next: readonly T[]): readonly T[] {
  const [changed] = next;
  if (changed === undefined) return last.slice(1);
  return [changed, ...last.filter(one => one.key !== changed.key)];
}

/** Tells an index what is another between two steps. */
export function tell(index: PolicyIndex, before: Step | undefined, now: Step): void {
  for (const { key } of before?.pods ?? [])
    if (!now.pods.some(pod => pod.key === key)) index.setPod(key, undefined);
  for (const pod of now.pods) index.setPod(pod.key, pod);
  for (const { key } of before?.policies ?? [])
    if (!now.policies.some(policy => policy.key === key)) index.setPolicy(key, undefined);
  for (const policy of now.policies) index.setPolicy(policy.key, policy);
  index.setNodes(now.hasNodes ? nodesOfWorlds : []);
  resolve(index, now.resolved);
}
