import { bitsOf, contains, formatAddress, formatPrefix } from '../base/ip.ts';
import { matchesSelector } from '../kube/selector.ts';
import type { NetworkPolicyPeer, NetworkPolicyPort } from '../kube/types/networking.ts';
import type { LabelSelector } from '../kube/types/meta.ts';
import type { Change, Miss, Question, RuleTrace } from './decide.ts';
import { resolvePort } from './compile-model.ts';
import type { Labels, Peer, Policy, PortRange, Rule } from './model.ts';

const mostMisses = 3;

/** The nearest first: a rule that lacks one thing comes before one that lacks two. */
export function compileMisses(considered: readonly RuleTrace[], { flow }: Question): readonly Miss[] {
  return considered
    .map(trace => ({ trace, distance: distanceOf(trace) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, mostMisses)
    .map(({ trace }) => ({
      rule: trace.rule,
      sentence: [shortest(trace.peerMisses), joined(trace.portMisses, flow.protocol)]
        .filter(part => part !== '')
        .join('; '),
    }));
}

/** Ports are nearer than peers, and a label less than an address. */
const distanceOf = ({ peerMisses, portMisses }: RuleTrace): number =>
  (portMisses.length > 0 ? 1 : 0) + (peerMisses.length > 0 ? 2 : 0);

const shortest = (sentences: readonly string[]): string =>
  sentences.toSorted((a, b) => a.length - b.length)[0] ?? '';

/**
 * `port 8080, allowed is 80`, `port 8080, allowed is 443`: said once. Where other protocols are among them, each has its
 * own.
 */
function joined(sentences: readonly string[], protocol: string): string {
  const few = sentences.slice(0, 4);
  const [first = ''] = few;
  const start = first.slice(0, Math.max(0, first.indexOf(allowedIs)));
  if (few.length < 2 || start === '') return first;
  const allowed = few.map(sentence => sentence.slice(sentence.indexOf(allowedIs) + allowedIs.length));
  const isMixed = allowed.some(isOfProtocol);
  const named = allowed.map(text => (isMixed && !isOfProtocol(text) ? `${protocol} ${text}` : text));
  return `${start}${allowedIs}${named.join(', ')}`;
}

const allowedIs = ', allowed is ';
const isOfProtocol = (text: string): boolean => /^(TCP|UDP|SCTP) /.test(text);

export function describePortMiss(port: PortRange, { flow, target }: Question): string {
  const asked = flow.port === undefined ? flow.protocol : `${flow.protocol} port ${flow.port}`;
  if (port.is === 'none') return `${asked}, allowed is nothing: ${port.why}`;
  const same = port.protocol === flow.protocol;
  const what = same && flow.port !== undefined ? `port ${flow.port}` : asked;
  const prefix = same ? '' : `${port.protocol} `;
  if (port.is === 'numbers') {
    const range = port.from === port.to ? `${port.from}` : `${port.from}-${port.to}`;
    return `${what}, allowed is ${prefix}${range}`;
  }
  const number = target === undefined ? undefined : resolvePort(target, port.name, port.protocol);
  const where = target === undefined ? 'no pod has it there' : `${target.key} has no such port`;
  return `${what}, allowed is ${prefix}"${port.name}" (${number === undefined ? where : `${number} on ${target?.key}`})`;
}

export function describePeerMiss(rule: Rule, peer: Peer, { peer: pod, address }: Question): string {
  const text = formatAddress(address);
  if (peer.is === 'everybody') return '';
  if (peer.is === 'domains') return `no name of ${peer.names.join(', ')} was resolved to ${text}`;
  if (peer.is === 'nodes') return `${text} is no address of a node with these labels`;
  if (peer.is === 'nobody') return `${peer.field} matches nobody: ${peer.why}`;
  if (peer.is === 'block') {
    const except = peer.except.find(part => contains(part, address));
    return except === undefined
      ? `${text} is outside of ${formatPrefix(peer.prefix)}`
      : `${text} is in the exception ${formatPrefix(except)}`;
  }
  if (pod === undefined) return `${text} is no pod's address, and selectors match pods alone`;
  const parts: string[] = [];
  if (peer.namespaceSelector === undefined) {
    if (pod.namespace !== rule.provenance.namespace)
      parts.push(`${pod.key} is not in the namespace ${rule.provenance.namespace}`);
  } else {
    parts.push(
      ...describeSelectorMiss(peer.namespaceSelector, pod.namespaceLabels, `namespace ${pod.namespace}: `),
    );
  }
  parts.push(...describeSelectorMiss(peer.podSelector ?? {}, pod.labels, ''));
  return parts.join(' and ');
}

function describeSelectorMiss(selector: LabelSelector, labels: Labels, prefix: string): readonly string[] {
  const parts: string[] = [];
  const has = (key: string) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    const present = has(key);
    if (present === undefined) parts.push(`${prefix}label ${key}=${value} missing`);
    else if (present !== value) parts.push(`${prefix}label ${key} is "${present}", not "${value}"`);
  }
  for (const expression of selector.matchExpressions ?? []) {
    if (matchesSelector({ matchExpressions: [expression] }, labels)) continue;
    const { key, operator, values = [] } = expression;
    const list = values.length === 0 ? '' : ` (${values.join(', ')})`;
    parts.push(`${prefix}label ${key} ${operator}${list} does not hold`);
  }
  return parts;
}

/**
 * A port more on a rule whose peers match, else a peer more on a rule whose ports match, else a rule more on the policy
 * that is for the fewest pods, as far as its selector tells. Only what the API can say: a protocol without ports needs a rule without `ports`.
 */
export function compileChange(
  question: Question,
  policies: readonly Policy[],
  considered: readonly RuleTrace[],
): Change | undefined {
  const { direction, flow } = question;
  const port: NetworkPolicyPort | undefined =
    flow.protocol === 'ICMP' || flow.protocol === 'other'
      ? undefined
      : { protocol: flow.protocol, ...(flow.port === undefined ? {} : { port: flow.port }) };
  const list = direction === 'ingress' ? 'from' : 'to';
  const near = (isNear: (trace: RuleTrace) => boolean) => considered.find(isNear)?.rule;
  const forPort = near(trace => trace.peerMisses.length === 0 && trace.portMisses.length > 0);
  if (forPort !== undefined && port !== undefined && flow.port !== undefined)
    return {
      policy: forPort.provenance,
      field: `${forPort.provenance.field}.ports`,
      add: port,
    };
  const peer = peerOf(question, forPort?.provenance.namespace ?? policies[0]?.namespace ?? '');
  const forPeer = near(trace => trace.portMisses.length === 0 && trace.peerMisses.length > 0);
  if (forPeer !== undefined && (forPeer.ports === undefined || !usesNameFor(forPeer, question)))
    return { policy: forPeer.provenance, field: `${forPeer.provenance.field}.${list}`, add: peer };
  const [policy] = policies.toSorted((a, b) => requirementsOf(b) - requirementsOf(a));
  if (policy === undefined) return undefined;
  const ports = port === undefined || flow.port === undefined ? {} : { ports: [port] };
  return {
    policy: policy.provenance,
    field: `spec.${direction}`,
    add: { [list]: [peer], ...ports },
  };
}

const requirementsOf = ({ subject: { podSelector = {} } }: Policy): number =>
  Object.keys(podSelector.matchLabels ?? {}).length + (podSelector.matchExpressions ?? []).length;

/** An ipBlock added to a rule of named egress ports would still not match. */
const usesNameFor = (rule: Rule, { direction, peer }: Question): boolean =>
  direction === 'egress' && peer === undefined && (rule.ports ?? []).some(port => port.is === 'named');

function peerOf({ peer, address }: Question, namespace: string): NetworkPolicyPeer {
  if (peer === undefined) return { ipBlock: { cidr: `${formatAddress(address)}/${bitsOf(address.family)}` } };
  const podSelector = { matchLabels: lastingLabels(peer.labels) };
  if (peer.namespace === namespace) return { podSelector };
  const own = peer.namespaceLabels['kubernetes.io/metadata.name'];
  const matchLabels = own === undefined ? peer.namespaceLabels : { 'kubernetes.io/metadata.name': own };
  return { namespaceSelector: { matchLabels }, podSelector };
}

/** Labels that a controller makes for its own book-keeping: the next pod has others. */
const madeByControllers =
  /^(pod-template-hash|controller-revision-hash|pod-template-generation|controller-uid|job-name|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|batch\.kubernetes\.io\/.*)$/;

/** Without what only this pod has, where something is left. */
function lastingLabels(labels: Labels): Labels {
  const lasting = Object.entries(labels).filter(([key]) => !madeByControllers.test(key));
  return lasting.length === 0 ? labels : Object.fromEntries(lasting);
}
