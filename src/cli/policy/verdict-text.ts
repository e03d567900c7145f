import { objectNameOf } from '../../base/provenance.ts';
import type { Provenance } from '../../base/provenance.ts';
import type { DirectionVerdict, Verdict } from '../../policy/index.ts';

/** Both ends, each with what decided it, what is near, and what would change it. */
export function verdictText(from: string, to: string, verdict: Verdict): string {
  const head = `${from} → ${to}: ${verdict.allowed ? 'allowed' : 'denied'}`;
  const sides = [verdict.egress, verdict.ingress].flatMap(side => [
    `  ${side.direction === 'egress' ? 'out' : 'in '}  ${side.allowed ? 'allowed' : 'denied '}  ${reasonText(side)}`,
    ...side.misses.map(
      ({ rule, sentence }) =>
        `       near: ${objectNameOf(rule.provenance)} ${rule.provenance.field}: ${sentence}`,
    ),
    ...(side.change === undefined
      ? []
      : [
          `       to allow it, add to ${side.change.field} of ${objectNameOf(side.change.policy)}: ${JSON.stringify(side.change.add)}`,
        ]),
  ]);
  return [head, ...sides].map(line => `${line}\n`).join('');
}

export function reasonText({ allowedBy, deniedBy, isolatedBy, pod = '', reason }: DirectionVerdict): string {
  switch (reason) {
    case 'no-pod':
      return 'it is no pod: no policy selects it';
    case 'loopback':
      return 'a pod and itself: no policy is asked';
    case 'own-node':
      return 'a node reaches the pods on it';
    case 'not-isolated':
      return `no policy isolates ${pod}`;
    case 'rule':
      return `${ruleText(allowedBy?.rule.provenance)} allows it`;
    case 'denied':
      return `${ruleText(deniedBy?.rule.provenance)} denies it${deniedBy?.rule.name === undefined ? '' : ` ("${deniedBy.rule.name}")`}`;
    case 'no-rule':
      return `${pod} is isolated by ${isolatedBy.map(objectNameOf).join(', ')}, and no rule of them allows it`;
    default:
      return reason satisfies never;
  }
}

const ruleText = (provenance: Provenance | undefined): string =>
  provenance === undefined ? 'a rule' : `${objectNameOf(provenance)} ${provenance.field}`;
