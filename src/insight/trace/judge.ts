import { parseAddress } from '../../base/ip.ts';
import { objectNameOf } from '../../base/provenance.ts';
import type { Provenance } from '../../base/provenance.ts';
import type { Protocol } from '../../kube/types/scalars.ts';
import { decidePolicy } from '../../policy/index.ts';
import type { DirectionVerdict, Verdict } from '../../policy/index.ts';
import type { TracedCluster } from './cluster.ts';
import type { Judgement, Place, PolicyChange, Reference, Side } from './hops.ts';

export interface Connection {
  readonly from: Place;
  readonly to: Place;
  readonly protocol: Protocol;
  /** Its address was translated: a pod that meets itself left itself. */
  readonly isTranslated: boolean;
  /** Whom the destination's policies see, where a node put its own address in the source's place. */
  readonly seenAs?: Place;
}

/** What NetworkPolicies say, as the kernels of both nodes decide it; undefined for what are no addresses. */
export function judge(cluster: TracedCluster, connection: Connection): Judgement | undefined {
  const { from, protocol, seenAs, to } = connection;
  const sent = verdictFor(cluster, connection);
  const seen = seenAs === undefined ? sent : verdictFor(cluster, { ...connection, from: seenAs });
  if (sent === undefined || seen === undefined) return undefined;
  const egress = describeSide(sent.egress, connection);
  const ingress = describeSide(seen.ingress, { ...connection, from: seenAs ?? from });
  return {
    from,
    to,
    ...(seenAs === undefined ? {} : { seenAs }),
    protocol,
    allowed: egress.allowed && ingress.allowed,
    egress,
    ingress,
  };
}

function verdictFor(
  cluster: TracedCluster,
  { from, isTranslated, protocol, to }: Connection,
): Verdict | undefined {
  const source = parseAddress(from.address);
  const destination = parseAddress(to.address);
  if (source === undefined || destination === undefined) return undefined;
  const port = to.port === undefined ? {} : { port: to.port };
  return decidePolicy(cluster.policy, { source, destination, protocol, ...port, hairpin: isTranslated });
}

/** Where it is dropped, if it is: the source's node asks first. */
export const denied = ({ egress, ingress }: Judgement): Side | undefined =>
  [egress, ingress].find(side => !side.allowed);

/** What to look at first: the rule that was nearest to allowing it, else a policy that isolates. */
export function deciderOf(side: Side | undefined): { readonly decidedBy?: Reference } {
  const found = side?.deniedBy ?? side?.misses[0] ?? side?.isolatedBy[0];
  return found === undefined ? {} : { decidedBy: { object: found.object, field: found.field } };
}

/** What would let it pass, at each end that drops it. */
export function changesFor({ egress, ingress }: Judgement): {
  readonly next?: string;
  readonly changes?: readonly PolicyChange[];
} {
  const changes = [egress, ingress].flatMap(({ allowed, change }) =>
    allowed || change === undefined ? [] : [change],
  );
  if (changes.length === 0) return {};
  const places = changes.map(({ field, object }) => `${field} of ${object}`).join(', and to ');
  return { changes, next: `If the request is to pass, add to ${places}.` };
}

function describeSide(verdict: DirectionVerdict, connection: Connection): Side {
  const { allowed, reason, pod, isolatedBy, allowedBy, deniedBy, misses, change } = verdict;
  return {
    allowed,
    reason,
    sentence: sentenceFor(verdict, connection),
    ...(pod === undefined ? {} : { pod }),
    isolatedBy: isolatedBy.map(one => referenceOf(one)),
    ...(allowedBy === undefined
      ? {}
      : {
          allowedBy: {
            ...referenceOf(allowedBy.rule.provenance),
            ruleId: allowedBy.rule.id,
            peerField: allowedBy.peerField ?? allowedBy.rule.provenance.field,
            portField: allowedBy.portField ?? allowedBy.rule.provenance.field,
          },
        }),
    ...(deniedBy === undefined
      ? {}
      : { deniedBy: { ...referenceOf(deniedBy.rule.provenance), ruleId: deniedBy.rule.id } }),
    misses: misses.map(({ rule, sentence }) => ({
      ...referenceOf(rule.provenance),
      ruleId: rule.id,
      sentence,
    })),
    ...(change === undefined
      ? {}
      : { change: { ...referenceOf(change.policy), field: change.field, add: change.add } }),
  };
}

function sentenceFor(verdict: DirectionVerdict, { from, to, protocol }: Connection): string {
  const { direction, pod = '', reason, isolatedBy, allowedBy, deniedBy } = verdict;
  const way = direction === 'egress' ? 'out' : 'in';
  switch (reason) {
    case 'no-pod':
      return `${direction === 'egress' ? from.address : to.address} is no pod's address: no policy selects it`;
    case 'loopback':
      return `${pod} speaks to itself: no policy is asked`;
    case 'own-node':
      return `a node always reaches the pods on it`;
    case 'not-isolated':
      return `no policy isolates ${pod}: everything may go ${way}`;
    case 'rule':
      return `${nameOf(allowedBy?.rule.provenance)} allows it`;
    case 'denied':
      return `${nameOf(deniedBy?.rule.provenance)} denies it (${deniedBy?.rule.name ?? deniedBy?.rule.provenance.field})`;
    case 'no-rule': {
      const what = to.port === undefined ? protocol : `${protocol} port ${to.port}`;
      const other = direction === 'egress' ? `to ${nameOfPlace(to)}` : `from ${nameOfPlace(from)}`;
      const who = isolatedBy.map(({ name }) => name).join(', ');
      const one = isolatedBy.length === 1;
      return `${pod} is isolated by ${who}, and ${one ? 'it has' : 'they have'} no rule for ${what} ${other}`;
    }
    default:
      return reason satisfies never;
  }
}

export const referenceOf = (provenance: Provenance): Reference => ({
  object: objectNameOf(provenance),
  field: provenance.field,
});

const nameOf = (provenance: Provenance | undefined): string =>
  provenance === undefined
    ? 'a rule'
    : `${provenance.kind} ${provenance.namespace === '' ? '' : `${provenance.namespace}/`}${provenance.name}`;

export const nameOfPlace = ({ pod, address }: Place): string => pod ?? address;
