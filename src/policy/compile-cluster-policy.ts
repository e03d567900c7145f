import { provenanceOf } from '../base/provenance.ts';
import type { Problem } from '../base/provenance.ts';
import type {
  ClusterNetworkPolicy,
  ClusterNetworkPolicyPeer,
  ClusterNetworkPolicyPort,
  ClusterNetworkPolicyProtocol,
  ClusterNetworkPolicyRule,
  NamespacedPods,
} from '../kube/types/cluster-network-policy.ts';
import type { LabelSelector } from '../kube/types/meta.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { readDomainPattern } from './compile-domains.ts';
import { numberOf } from './compile-ids.ts';
import { isPort, readPrefix, readableSelector, selectorFault } from './compile-policy.ts';
import type { Report } from './compile-policy.ts';
import type { Action, Direction, Peer, Policy, PortRange, Rule } from './model.ts';

/**
 * Reads a ClusterNetworkPolicy (policy.networking.k8s.io/v1alpha2) whatever stands in it. What cannot be read never opens
 * anything: an Accept matches nobody by it, a Deny or Pass becomes a Deny of everybody.
 */
export function readClusterPolicy(object: ClusterNetworkPolicy): Policy {
  const { metadata } = object;
  const provenance = provenanceOf('ClusterNetworkPolicy', metadata, 'spec');
  const problems: Problem[] = [];
  const report = (field: string, sentence: string) =>
    void problems.push({ provenance: { ...provenance, field }, sentence });
  // What comes from an API server may be of another version.
  const spec: Partial<ClusterNetworkPolicy['spec']> = object.spec ?? {};
  const { tier, priority, subject = {}, ingress = [], egress = [] } = spec;
  if (tier !== 'Admin' && tier !== 'Baseline') report('spec.tier', `"${String(tier)}" is no tier`);
  if (!Number.isInteger(priority)) report('spec.priority', `"${String(priority)}" is no priority`);
  const readRules = (direction: Direction, rules: readonly ClusterNetworkPolicyRule[]): readonly Rule[] =>
    rules.map((rule, index) => {
      const field = `spec.${direction}[${index}]`;
      const read = readRule(rule, direction, field, report);
      return { ...read, id: numberOf(`/${metadata.name} ${field}`), provenance: { ...provenance, field } };
    });
  const rules = { ingress: readRules('ingress', ingress), egress: readRules('egress', egress) };
  return {
    key: `/${metadata.name}`,
    namespace: '',
    provenance,
    // Asked first, so that what it denies is denied.
    tier: tier === 'Baseline' ? 'Baseline' : 'Admin',
    priority: Number.isInteger(priority) ? (priority ?? 0) : 0,
    subject: readSubject(subject, report),
    isAudited: false,
    covers: { ingress: rules.ingress.length > 0, egress: rules.egress.length > 0 },
    rules,
    problems,
  };
}

function readSubject(
  subject: ClusterNetworkPolicy['spec']['subject'],
  report: Report,
): Extract<Peer, { is: 'pods' }> {
  const field = 'spec.subject';
  const { namespaces, pods } = subject;
  const readable = (selector: LabelSelector | undefined, at: string) =>
    readableSelector(selector ?? {}, at, report);
  if (pods !== undefined)
    return {
      is: 'pods',
      field,
      namespaceSelector: readable(pods.namespaceSelector, `${field}.pods.namespaceSelector`),
      podSelector: readable(pods.podSelector, `${field}.pods.podSelector`),
    };
  if (namespaces !== undefined)
    return { is: 'pods', field, namespaceSelector: readable(namespaces, `${field}.namespaces`) };
  report(field, 'the subject has neither namespaces nor pods: it is nobody');
  return { is: 'pods', field, podSelector: nobodySelector };
}

/** Of a namespace without a name, where no pod is. */
const nobodySelector: LabelSelector = {};

function readRule(
  rule: ClusterNetworkPolicyRule,
  direction: Direction,
  field: string,
  report: Report,
): Omit<Rule, 'id' | 'provenance'> {
  const list = direction === 'ingress' ? 'from' : 'to';
  const asked = rule[list] ?? [];
  const isAction = rule.action === 'Accept' || rule.action === 'Deny' || rule.action === 'Pass';
  if (!isAction) report(`${field}.action`, `"${String(rule.action)}" is no action`);
  const written: Action = isAction ? rule.action : 'Deny';
  const faults: Peer[] = [];
  const fault = (at: string, why: string): Peer => {
    report(at, why);
    const peer: Peer =
      written === 'Accept' ? { is: 'nobody', field: at, why } : { is: 'everybody', field: at, why };
    faults.push(peer);
    return peer;
  };
  const isOpening = direction === 'egress' && written === 'Accept';
  const peers = asked.flatMap((peer, at) => readPeer(peer, `${field}.${list}[${at}]`, isOpening, fault));
  if (peers.length === 0) peers.push(fault(`${field}.${list}`, `a rule needs an entry of ${list}`));
  const ports = rule.protocols?.flatMap((entry, at) => readPorts(entry, `${field}.protocols[${at}]`, report));
  const isClosed =
    written !== 'Accept' &&
    (faults.length > 0 || !isAction || ports?.some(port => port.is === 'none') === true);
  return {
    direction,
    action: isClosed ? 'Deny' : written,
    ...(rule.name === undefined ? {} : { name: rule.name }),
    peers,
    ports: isClosed || ports === undefined || ports.length === 0 ? undefined : ports,
  };
}

function readPeer(
  peer: ClusterNetworkPolicyPeer,
  field: string,
  isOpening: boolean,
  fault: (at: string, why: string) => Peer,
): readonly Peer[] {
  const { domainNames, namespaces, networks, nodes, pods } = peer;
  const faulty = (at: string, ...selectors: readonly (LabelSelector | undefined)[]) =>
    selectors.map(selectorFault).find(why => why !== undefined) === undefined
      ? undefined
      : fault(at, selectors.map(selectorFault).find(why => why !== undefined) ?? '');
  if (pods !== undefined) return [faulty(`${field}.pods`, ...selectorsOf(pods)) ?? podsPeer(field, pods)];
  if (namespaces !== undefined)
    return [
      faulty(`${field}.namespaces`, namespaces) ?? { is: 'pods', field, namespaceSelector: namespaces },
    ];
  if (networks !== undefined)
    return networks.map((text, index) => {
      const prefix = readPrefix(text);
      const at = `${field}.networks[${index}]`;
      if (prefix === undefined) return fault(at, `"${text}" is no CIDR`);
      return { is: 'block', field: at, prefix, except: [] };
    });
  if (nodes !== undefined)
    return [faulty(`${field}.nodes`, nodes) ?? { is: 'nodes', field, selector: nodes }];
  if (domainNames !== undefined) return readDomains(domainNames, `${field}.domainNames`, isOpening, fault);
  return [fault(field, 'the peer is of no known kind')];
}

/** They open, and never close: a name that is not resolved yet has no address to deny. */
function readDomains(
  texts: readonly string[],
  field: string,
  isOpening: boolean,
  fault: (at: string, why: string) => Peer,
): readonly Peer[] {
  if (!isOpening) return [fault(field, 'domain names go with Accept in egress alone')];
  return texts.map((text, index) => {
    const pattern = readDomainPattern(text);
    const at = `${field}[${index}]`;
    return pattern === undefined
      ? fault(at, `"${text}" is no domain name`)
      : { is: 'domains', field: at, names: [pattern] };
  });
}

const selectorsOf = ({ namespaceSelector, podSelector }: NamespacedPods) => [namespaceSelector, podSelector];

const podsPeer = (field: string, { namespaceSelector, podSelector }: NamespacedPods): Peer => ({
  is: 'pods',
  field,
  namespaceSelector: namespaceSelector ?? {},
  podSelector: podSelector ?? {},
});

const protocols = [
  ['tcp', 'TCP'],
  ['udp', 'UDP'],
  ['sctp', 'SCTP'],
] as const;

function readPorts(entry: ClusterNetworkPolicyProtocol, field: string, report: Report): readonly PortRange[] {
  const { destinationNamedPort: name } = entry;
  // A name is one of any protocol that a container has it with.
  if (name !== undefined) return protocols.map(([, protocol]) => ({ is: 'named', field, protocol, name }));
  for (const [part, protocol] of protocols) {
    const found = entry[part];
    if (found !== undefined)
      return [readRange(found.destinationPort, protocol, `${field}.${part}.destinationPort`, report)];
  }
  report(field, 'the protocol is of no known kind');
  return [{ is: 'none', field, why: 'the protocol is of no known kind' }];
}

function readRange(
  port: ClusterNetworkPolicyPort | undefined,
  protocol: Protocol,
  field: string,
  report: Report,
): PortRange {
  if (port === undefined) return { is: 'numbers', field, protocol, from: 0, to: 65_535 };
  const from = port.number ?? port.range?.start ?? 0;
  const to = port.number ?? port.range?.end ?? 0;
  if (isPort(from) && isPort(to) && from <= to) return { is: 'numbers', field, protocol, from, to };
  report(field, `${from}-${to} is no range of ports`);
  return { is: 'none', field, why: `${from}-${to} is no range of ports` };
}
