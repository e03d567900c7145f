import type { Provenance } from '../base/provenance.ts';
import { contains, formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { NetworkPolicyPeer, NetworkPolicyPort } from '../kube/types/networking.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { matchesSelector } from '../kube/selector.ts';
import { compileChange, compileMisses, describePeerMiss, describePortMiss } from './compile-explanation.ts';
import { matchesDomain } from './compile-domains.ts';
import { resolvePort } from './compile-model.ts';
import { tiers } from './model.ts';
import type { Direction, Labels, Peer, Policy, PolicyModel, PolicyPod, PortRange, Rule } from './model.ts';

/** A connection as it reaches the destination: after Service translation, before any masquerade. */
export interface Flow {
  readonly source: Address;
  readonly destination: Address;
  /** `ICMP` is that of both families; `other` is every protocol without ports. */
  readonly protocol: Protocol | 'ICMP' | 'other';
  /** The destination's; absent for protocols without ports and for fragments. */
  readonly port?: number;
  /** Names that the destination was found by, besides those that the model knows of its address. */
  readonly names?: readonly string[];
  /** A pod's connection to a Service that came back to itself: it left the pod, unlike one to its own address. */
  readonly hairpin?: boolean;
}

const protocols: ReadonlyMap<number, Flow['protocol']> = new Map([
  [1, 'ICMP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [58, 'ICMP'],
  [132, 'SCTP'],
]);

/** Of an IP protocol number. */
export const protocolOf = (number: number): Flow['protocol'] => protocols.get(number) ?? 'other';

export interface Verdict {
  readonly allowed: boolean;
  /** At the source. */
  readonly egress: DirectionVerdict;
  /** At the destination. */
  readonly ingress: DirectionVerdict;
}

export interface DirectionVerdict {
  readonly direction: Direction;
  readonly allowed: boolean;
  readonly reason: Reason;
  /** `namespace/name` of the pod whose policies were asked; absent where there is none. */
  readonly pod?: string;
  /** NetworkPolicies whose `spec.podSelector` isolates the pod. */
  readonly isolatedBy: readonly Provenance[];
  /** The rule that allowed, with the entries that matched. */
  readonly allowedBy?: RuleTrace;
  /** The rule of a ClusterNetworkPolicy that denied. */
  readonly deniedBy?: RuleTrace;
  /** Every rule that was asked, in order. */
  readonly considered: readonly RuleTrace[];
  /** For a deny: the rules that were nearest to allowing it, each with what is missing. */
  readonly misses: readonly Miss[];
  /** For a deny: the smallest change of a policy that would allow it. */
  readonly change?: Change;
}

export type Reason =
  /** The address is no pod's: nothing isolates it. */
  | 'no-pod'
  /** A pod and itself: the packet does not leave it. */
  | 'loopback'
  /** A node reaches the pods on it, for probes. */
  | 'own-node'
  | 'not-isolated'
  | 'rule'
  /** A rule of a ClusterNetworkPolicy denies it. */
  | 'denied'
  /** Isolated, and no rule allows it. */
  | 'no-rule';

export interface RuleTrace {
  readonly rule: Rule;
  /** What matched, as field paths; the rule's own field where it has no such list. */
  readonly peerField?: string;
  readonly portField?: string;
  /** Sentences: why no entry of `from` or `to`, or of `ports`, matched. Empty where one did. */
  readonly peerMisses: readonly string[];
  readonly portMisses: readonly string[];
}

export interface Miss {
  readonly rule: Rule;
  /** `port 8080, allowed is 80` */
  readonly sentence: string;
}

export interface Change {
  readonly policy: Provenance;
  /** The list to add to; it is made where it is absent. */
  readonly field: string;
  readonly add:
    | NetworkPolicyPort
    | NetworkPolicyPeer
    | {
        readonly from?: readonly NetworkPolicyPeer[];
        readonly to?: readonly NetworkPolicyPeer[];
        readonly ports?: readonly NetworkPolicyPort[];
      };
}

/**
 * What policies say to a new connection, with everything that led there. Pure; both ends have to allow it. With `enforced`
 * also those that are only tried (`fairlead.dev/audit`) count as if they were in force.
 */
export function decide(model: PolicyModel, flow: Flow, audited: 'passed' | 'enforced' = 'passed'): Verdict {
  const source = model.podsByAddress.get(formatAddress(flow.source));
  const destination = model.podsByAddress.get(formatAddress(flow.destination));
  const isLoopback = source !== undefined && source === destination && flow.hairpin !== true;
  const verdictOf = (direction: Direction): DirectionVerdict => {
    const pod = direction === 'egress' ? source : destination;
    if (pod === undefined) return open(direction, 'no-pod', undefined);
    if (isLoopback) return open(direction, 'loopback', pod);
    if (direction === 'ingress' && model.nodesByAddress.get(formatAddress(flow.source)) === pod.node)
      return open(direction, 'own-node', pod);
    const peer = direction === 'egress' ? destination : source;
    return decideDirection(model, flow, direction, pod, peer, audited);
  };
  const [egress, ingress] = [verdictOf('egress'), verdictOf('ingress')];
  return { allowed: egress.allowed && ingress.allowed, egress, ingress };
}

function open(direction: Direction, reason: Reason, pod: PolicyPod | undefined): DirectionVerdict {
  return {
    direction,
    allowed: true,
    reason,
    ...(pod === undefined ? {} : { pod: pod.key }),
    isolatedBy: [],
    considered: [],
    misses: [],
  };
}

function decideDirection(
  model: PolicyModel,
  flow: Flow,
  direction: Direction,
  pod: PolicyPod,
  peer: PolicyPod | undefined,
  audited: 'passed' | 'enforced',
): DirectionVerdict {
  const policies = model.covering[direction].get(pod.key);
  if (policies === undefined) return open(direction, 'not-isolated', pod);
  const address = direction === 'egress' ? flow.destination : flow.source;
  const question: Question = {
    flow,
    direction,
    peer,
    address,
    target: direction === 'egress' ? peer : pod,
    nodeLabels: labelsOfNode(model, address),
    names: namesOf(model, flow, direction),
  };
  const before: RuleTrace[] = [];
  for (const tier of tiers) {
    const ofTier = policies.filter(
      policy => policy.tier === tier && (audited === 'enforced' || !policy.isAudited),
    );
    const rules = ofTier.flatMap(policy => policy.rules[direction]);
    if (tier === 'NetworkPolicy') {
      if (ofTier.length > 0) return unite(question, pod, ofTier, before);
      continue;
    }
    for (const rule of rules) {
      const trace = considerRule(rule, question);
      before.push(trace);
      if (!isMatch(trace)) continue;
      if (rule.action === 'Pass') break;
      const isAllowed = rule.action === 'Accept';
      return {
        ...open(direction, isAllowed ? 'rule' : 'denied', pod),
        allowed: isAllowed,
        considered: before,
        ...(isAllowed ? { allowedBy: trace } : { deniedBy: trace }),
      };
    }
  }
  return { ...open(direction, 'not-isolated', pod), considered: before };
}

const isMatch = (trace: RuleTrace): boolean => trace.peerMisses.length === 0 && trace.portMisses.length === 0;

/** NetworkPolicies together: what any rule of any of them allows is allowed, all else is not. */
function unite(
  question: Question,
  pod: PolicyPod,
  policies: readonly Policy[],
  before: readonly RuleTrace[],
): DirectionVerdict {
  const { direction } = question;
  const asked = policies.flatMap(policy => policy.rules[direction].map(rule => considerRule(rule, question)));
  const allowedBy = asked.find(isMatch);
  const verdict = {
    direction,
    pod: pod.key,
    isolatedBy: policies.map(policy => policy.provenance),
    considered: [...before, ...asked],
  };
  if (allowedBy !== undefined) return { ...verdict, allowed: true, reason: 'rule', allowedBy, misses: [] };
  const change = compileChange(question, policies, asked);
  return {
    ...verdict,
    allowed: false,
    reason: 'no-rule',
    misses: compileMisses(asked, question),
    ...(change === undefined ? {} : { change }),
  };
}

function labelsOfNode(model: PolicyModel, address: Address): Labels | undefined {
  const node = model.nodesByAddress.get(formatAddress(address));
  return node === undefined ? undefined : model.nodeLabels.get(node);
}

/** By which the other end was found; only who asks for a name finds by it. */
export function namesOf(model: PolicyModel, flow: Flow, direction: Direction): readonly string[] {
  if (direction === 'ingress') return [];
  const known = model.namesByAddress.get(formatAddress(flow.destination));
  return [...(known ?? []), ...(flow.names ?? [])];
}

/** One end's question to its policies. */
export interface Question {
  readonly flow: Flow;
  readonly direction: Direction;
  /** The other end, where it is a pod. */
  readonly peer: PolicyPod | undefined;
  readonly address: Address;
  /** Whose port names count: the destination's. */
  readonly target: PolicyPod | undefined;
  /** Of the node that has the address. */
  readonly nodeLabels: Labels | undefined;
  /** Of the destination, in egress. */
  readonly names: readonly string[];
}

/**
 * A rule allows what matches one of its peers and one of its ports. An ipBlock never goes with a named port of egress:
 * names belong to pods (checked pair by pair).
 */
function considerRule(rule: Rule, question: Question): RuleTrace {
  const peers = (rule.peers ?? [undefined]).filter(peer => matchesPeer(rule, peer, question));
  const ports = (rule.ports ?? [undefined]).filter(port => matchesPort(port, question));
  for (const peer of peers) {
    const port = ports.findIndex(candidate => goesWith(peer, candidate, question));
    if (port < 0) continue;
    const { field } = rule.provenance;
    return {
      rule,
      peerField: peer?.field ?? field,
      portField: ports[port]?.field ?? field,
      peerMisses: [],
      portMisses: [],
    };
  }
  const portMisses =
    ports.length > 0 && peers.length > 0
      ? ['a named port is one of a pod, not of an ipBlock']
      : ports.length > 0
        ? []
        : (rule.ports ?? []).map(port => describePortMiss(port, question));
  const peerMisses =
    peers.length > 0 ? [] : (rule.peers ?? []).map(peer => describePeerMiss(rule, peer, question));
  return { rule, peerMisses, portMisses };
}

/** Addresses never go with a named port of egress: names belong to pods. */
export const goesWith = (peer: Peer | undefined, port: PortRange | undefined, question: Question): boolean =>
  !(
    question.direction === 'egress' &&
    (peer?.is === 'block' || peer?.is === 'nodes' || peer?.is === 'domains') &&
    port?.is === 'named'
  );

export function matchesPeer(
  rule: Rule,
  peer: Peer | undefined,
  { peer: pod, address, nodeLabels, names }: Question,
): boolean {
  if (peer === undefined) return true;
  switch (peer.is) {
    case 'nobody':
      return false;
    case 'everybody':
      return true;
    case 'nodes':
      return nodeLabels !== undefined && matchesSelector(peer.selector, nodeLabels);
    case 'domains':
      return names.some(name => peer.names.some(pattern => matchesDomain(pattern, name)));
    case 'block':
      return contains(peer.prefix, address) && !peer.except.some(part => contains(part, address));
    case 'pods':
      return pod !== undefined && selectsPod(peer, rule.provenance.namespace, pod);
    default:
      return peer satisfies never;
  }
}

/** NetworkPolicyPeer: both selectors have to match; without a namespaceSelector it is the policy's own namespace. */
export function selectsPod(
  peer: Extract<Peer, { is: 'pods' }>,
  namespace: string,
  pod: Pick<PolicyPod, 'namespace' | 'labels' | 'namespaceLabels'>,
): boolean {
  const inNamespace =
    peer.namespaceSelector === undefined
      ? pod.namespace === namespace
      : matchesSelector(peer.namespaceSelector, pod.namespaceLabels);
  return inNamespace && (peer.podSelector === undefined || matchesSelector(peer.podSelector, pod.labels));
}

export function matchesPort(port: PortRange | undefined, { flow, target }: Question): boolean {
  if (port === undefined) return true;
  if (port.is === 'none' || port.protocol !== flow.protocol || flow.port === undefined) return false;
  if (port.is === 'numbers') return port.from <= flow.port && flow.port <= port.to;
  return target !== undefined && resolvePort(target, port.name, port.protocol) === flow.port;
}
