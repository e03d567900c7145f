import type { ObjectMeta } from '../../kube/types/meta.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import type { PolicyModel } from '../../policy/index.ts';
import { kindWords } from './facts.ts';
import type { AuditFacts, AuditKind, AuditObjects } from './facts.ts';

/** From the worst: what loses security or service now, what will, what hurts, what could be better. */
export const severities = ['critical', 'high', 'medium', 'low'] as const;
export type Severity = (typeof severities)[number];

/** The six things that a platform has to have right. */
export const items = ['cni', 'services', 'gateway', 'dns', 'default-deny', 'dual-stack'] as const;
export type Item = (typeof items)[number];

/** One thing that is not as it should be. */
export interface Found {
  /** Whose fault it is; absent: the cluster's as a whole. */
  readonly object?: { readonly kind: string; readonly metadata: ObjectMeta };
  /** A path as Kubernetes writes it. */
  readonly field?: string;
  /** What was seen, with its values. */
  readonly evidence: string;
  /** Where it differs from the check's own. */
  readonly severity?: Severity;
}

export type Outcome =
  | { readonly looked: number; readonly found: readonly Found[] }
  /** Why nothing can be said. */
  | { readonly unchecked: string };

/** One question to a cluster. */
export interface Check {
  /** `ITEM-WHAT`: stable, and the name of its page and of the annotation that silences it. */
  readonly code: string;
  readonly item: Item;
  /** What is wrong when it finds something, as a short sentence without an end. */
  readonly title: string;
  readonly severity: Severity;
  readonly why: string;
  /** The next step, for a person. */
  readonly next: string;
  /** The kinds that it cannot do without. */
  readonly needs: readonly AuditKind[];
  run(facts: AuditFacts, derived: Derived): Outcome;
}

/** What several checks need and is worth making once. */
export interface Derived {
  readonly policyModel: () => PolicyModel;
}

export function deriveFrom(facts: AuditFacts): Derived {
  let model: PolicyModel | undefined;
  return {
    policyModel: () => {
      const lists = listsOf(facts);
      model ??= buildPolicyModel({
        pods: lists.pods,
        namespaces: lists.namespaces,
        policies: lists.networkPolicies,
        clusterPolicies: lists.clusterNetworkPolicies,
        nodes: lists.nodes,
        nodeLocalServices: lists.services.filter(
          ({ metadata }) => metadata.namespace === 'kube-system' && metadata.name === 'kube-dns',
        ),
      });
      return model;
    },
  };
}

type Lists = { readonly [K in AuditKind]: NonNullable<AuditObjects[K]['items']> };

/** The lists of facts; of a kind that is not known, an empty one: a check names the kinds that it needs. */
export function listsOf(facts: AuditFacts): Lists {
  return Object.fromEntries(
    Object.entries(facts.objects).map(([kind, known]) => [kind, known.items ?? []]),
  ) as unknown as Lists; // the same keys, with the lists of the same kinds
}

/** Asks a check, or says which kind it lacks. */
export function ask(check: Check, facts: AuditFacts, derived = deriveFrom(facts)): Outcome {
  const lacking = check.needs.flatMap(kind => {
    const { why } = facts.objects[kind];
    return why === undefined ? [] : [`${kindWords[kind]}: ${why}`];
  });
  return lacking.length > 0 ? { unchecked: lacking.join('; ') } : check.run(facts, derived);
}

/** The object itself, for its annotations; only its name where the list does not hold it. */
export function namespaceObjects(facts: AuditFacts): (name: string) => NonNullable<Found['object']> {
  const known = new Map(listsOf(facts).namespaces.map(({ metadata }) => [metadata.name, metadata]));
  return name => ({ kind: 'Namespace', metadata: known.get(name) ?? { name } });
}

/** `Kind/namespace/name`, or `Kind/name`. */
export const nameOf = ({
  kind,
  metadata,
}: {
  readonly kind: string;
  readonly metadata: ObjectMeta;
}): string =>
  metadata.namespace === undefined
    ? `${kind}/${metadata.name}`
    : `${kind}/${metadata.namespace}/${metadata.name}`;

/** At most so many of them, and how many more there are. */
export function some(words: readonly string[], most = 5): string {
  const more = words.length - most;
  return more > 0 ? `${words.slice(0, most).join(', ')} and ${more} more` : words.join(', ');
}
