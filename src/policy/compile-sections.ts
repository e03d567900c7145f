import { tiers } from './model.ts';
import type { Action, Direction, Policy, Rule, Tier } from './model.ts';

/**
 * Rules that are looked up together: those of all NetworkPolicies, and runs of a ClusterNetworkPolicy tier's rules that do
 * the same, so that their order does not matter.
 */
export interface Section {
  /** Of its sets, behind the group's name; empty for that of NetworkPolicies. */
  readonly name: string;
  readonly tier: Tier;
  readonly action: Action;
  readonly rules: ReadonlySet<Rule>;
}

/** In the order in which they are asked. `policies` are in that order. */
export function sectionsOf(direction: Direction, policies: readonly Policy[]): readonly Section[] {
  const sections: { name: string; tier: Tier; action: Action; rules: Set<Rule> }[] = [];
  for (const tier of tiers) {
    const ofTier = policies.filter(policy => policy.tier === tier);
    const isUnion = tier === 'NetworkPolicy';
    if (isUnion && ofTier.length > 0) sections.push({ name: '', tier, action: 'Accept', rules: new Set() });
    for (const rule of ofTier.flatMap(policy => policy.rules[direction])) {
      const last = sections.at(-1);
      if (last?.tier === tier && last.action === rule.action) last.rules.add(rule);
      else
        sections.push({
          name: `${tier === 'Admin' ? 'admin' : 'baseline'}${sections.length}`,
          tier,
          action: rule.action,
          rules: new Set([rule]),
        });
    }
  }
  return sections;
}

/** `ports`, `admin0-ports`: a set's name without the group's. */
export const suffixOf = (section: string, part: string): string =>
  section === '' ? part : `${section}-${part}`;
