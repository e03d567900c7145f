import { tiers } from './model.ts';
import type { Action, Direction, Policy, Rule, Tier } from './model.ts';

/**
 * Rules that are looked up together: those of all NetworkPolicies, and runs of a ClusterNetworkPolicy tier's rules that do
 * the same, so that their order does not matter.
 */
export interface Section {
  /** Of its sets, behind the group's name; empty for that of enforced NetworkPolicies. */
  readonly name: string;
  readonly tier: Tier;
  readonly action: Action;
  readonly rules: ReadonlySet<Rule>;
}

/** In the order in which they are asked. `policies` are in that order. */
export function sectionsOf(direction: Direction, policies: readonly Policy[]): readonly Section[] {
  const sections: Section[] = [];
  for (const tier of tiers) {
    const ofTier = policies.filter(policy => policy.tier === tier);
    if (tier === 'NetworkPolicy') {
      sections.push(...unions(direction, ofTier));
      continue;
    }
    let run: Set<Rule> | undefined;
    let action: Action | undefined;
    for (const rule of ofTier.flatMap(policy => policy.rules[direction])) {
      if (run === undefined || rule.action !== action) {
        run = new Set();
        action = rule.action;
        const name = `${tier === 'Admin' ? 'admin' : 'baseline'}${sections.length}`;
        sections.push({ name, tier, action, rules: run });
      }
      run.add(rule);
    }
  }
  return sections;
}

/** Those that are enforced; and, where some are only tried, all of them as if they were enforced. */
function unions(direction: Direction, policies: readonly Policy[]): readonly Section[] {
  const enforced = policies.filter(policy => !policy.isAudited);
  const union = (name: string, those: readonly Policy[]): Section => ({
    name,
    tier: 'NetworkPolicy',
    action: 'Accept',
    rules: new Set(those.flatMap(policy => policy.rules[direction])),
  });
  return [
    ...(enforced.length > 0 ? [union('', enforced)] : []),
    ...(enforced.length < policies.length ? [union(auditSection, policies)] : []),
  ];
}

/** Of what an audited policy would let pass. */
export const auditSection = 'audit';

/** `ports`, `admin0-ports`: a set's name without the group's. */
export const suffixOf = (section: string, part: string): string =>
  section === '' ? part : `${section}-${part}`;
