import { provenanceOf } from '../base/provenance.ts';
import type { Problem } from '../base/provenance.ts';
import { contains, formatPrefix, parseInterface, prefixOf } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import type { LabelSelector } from '../kube/types/meta.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../kube/types/networking.ts';
import { numberOf } from './compile-ids.ts';
import type { Direction, Peer, Policy, PortRange, Rule } from './model.ts';

/**
 * Reads a NetworkPolicy (networking.k8s.io/v1) whatever stands in it. A part that cannot be read allows nothing and is a
 * problem; the policy isolates all the same.
 */
export function readPolicy(object: NetworkPolicy): Policy {
  const { metadata } = object;
  const namespace = metadata.namespace ?? '';
  const provenance = provenanceOf('NetworkPolicy', metadata, 'spec');
  const problems: Problem[] = [];
  const report = (field: string, sentence: string) =>
    void problems.push({ provenance: { ...provenance, field }, sentence });
  const { podSelector = {}, policyTypes = [], ingress = [], egress = [] } = object.spec ?? {};
  for (const [index, type] of policyTypes.entries())
    if (type !== 'Ingress' && type !== 'Egress')
      report(`spec.policyTypes[${index}]`, `"${String(type)}" is no policy type`);
  // Absent or empty: Ingress always, Egress where there is an egress rule (NetworkPolicySpec.policyTypes).
  const covers =
    policyTypes.length === 0
      ? { ingress: true, egress: egress.length > 0 }
      : { ingress: policyTypes.includes('Ingress'), egress: policyTypes.includes('Egress') };
  const readRules = (
    direction: Direction,
    rules: readonly {
      readonly peers: readonly NetworkPolicyPeer[] | undefined;
      readonly ports: readonly NetworkPolicyPort[] | undefined;
    }[],
  ): readonly Rule[] => {
    let pairs = 0;
    return rules.map(({ peers, ports }, index) => {
      const field = `spec.${direction}[${index}]`;
      const list = direction === 'ingress' ? 'from' : 'to';
      const rule = {
        id: numberOf(`${namespace}/${metadata.name} ${field}`),
        provenance: { ...provenance, field },
        direction,
        action: 'Accept',
      } as const;
      const withIt = pairs + pairsOf(peers, ports);
      if (withIt > mostPairs) {
        const why = `with it the policy has ${withIt} pairs of a peer and a port, and ${mostPairs} is the most`;
        report(field, `${why}: the rule allows nothing`);
        return { ...rule, peers: [{ is: 'nobody', field, why }], ports: undefined };
      }
      pairs = withIt;
      return {
        ...rule,
        peers: nonEmpty(peers)?.map((peer, at) => readPeer(peer, `${field}.${list}[${at}]`, report)),
        ports: nonEmpty(ports)?.map((port, at) => readPort(port, `${field}.ports[${at}]`, report)),
      };
    });
  };
  return {
    key: `${namespace}/${metadata.name}`,
    namespace,
    provenance,
    tier: 'NetworkPolicy',
    priority: 0,
    isAudited: readAudit(metadata.annotations?.[auditAnnotation], report),
    subject: {
      is: 'pods',
      field: 'spec.podSelector',
      podSelector: readableSelector(podSelector, 'spec.podSelector', report),
    },
    covers,
    rules: {
      ingress: readRules(
        'ingress',
        ingress.map(rule => ({ peers: rule.from, ports: rule.ports })),
      ),
      egress: readRules(
        'egress',
        egress.map(rule => ({ peers: rule.to, ports: rule.ports })),
      ),
    },
    problems,
  };
}

/**
 * Each pair of an address block and a port is an element of its own in each node's kernel: of two lists that fit an object,
 * they could be millions.
 */
const mostPairs = 50_000;

/** An exception cuts its block in two. */
const pairsOf = (
  peers: readonly NetworkPolicyPeer[] = [],
  ports: readonly NetworkPolicyPort[] = [],
): number =>
  peers.reduce((sum, peer) => sum + 1 + (peer.ipBlock?.except?.length ?? 0), 0) * Math.max(ports.length, 1);

export type Report = (field: string, sentence: string) => void;

/** On a NetworkPolicy, `"true"`: it is tried and not enforced. */
export const auditAnnotation = 'fairlead.dev/audit';

/** What is neither yes nor no does not open anything. */
function readAudit(value: string | undefined, report: Report): boolean {
  if (value !== undefined && value !== 'true' && value !== 'false')
    report(`metadata.annotations[${auditAnnotation}]`, `"${value}" is neither "true" nor "false"`);
  return value === 'true';
}

const nonEmpty = <T>(list: readonly T[] | undefined): readonly T[] | undefined =>
  list === undefined || list.length === 0 ? undefined : list;

/** The policy's own selector: without the requirements that cannot be read it selects, and isolates, more pods. */
export function readableSelector(selector: LabelSelector, field: string, report: Report): LabelSelector {
  const expressions = selector.matchExpressions ?? [];
  const readable = expressions.filter((_, index) => {
    const why = selectorFault({ matchExpressions: expressions.slice(index, index + 1) });
    if (why !== undefined) report(`${field}.matchExpressions[${index}]`, why);
    return why === undefined;
  });
  return readable.length === expressions.length ? selector : { ...selector, matchExpressions: readable };
}

export function selectorFault(selector: LabelSelector | undefined): string | undefined {
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const takesValues = operator === 'In' || operator === 'NotIn';
    if (!takesValues && operator !== 'Exists' && operator !== 'DoesNotExist')
      return `"${String(operator)}" is no operator of a selector`;
    if (takesValues && values.length === 0) return `${operator} of "${key}" needs values`;
  }
  return undefined;
}

function readPeer(peer: NetworkPolicyPeer, field: string, report: Report): Peer {
  const nobody = (why: string, at = field): Peer => {
    report(at, why);
    return { is: 'nobody', field, why };
  };
  const { ipBlock, namespaceSelector, podSelector } = peer;
  if (ipBlock === undefined) {
    if (namespaceSelector === undefined && podSelector === undefined)
      return nobody('the peer has neither a selector nor an ipBlock');
    const why = selectorFault(namespaceSelector) ?? selectorFault(podSelector);
    if (why !== undefined) return nobody(why);
    return {
      is: 'pods',
      field,
      ...(namespaceSelector === undefined ? {} : { namespaceSelector }),
      ...(podSelector === undefined ? {} : { podSelector }),
    };
  }
  if (namespaceSelector !== undefined || podSelector !== undefined)
    return nobody('the peer has an ipBlock and a selector');
  const prefix = readPrefix(ipBlock.cidr);
  if (prefix === undefined) return nobody(`"${ipBlock.cidr}" is no CIDR`, `${field}.ipBlock.cidr`);
  const except: Prefix[] = [];
  for (const [index, text] of (ipBlock.except ?? []).entries()) {
    const at = `${field}.ipBlock.except[${index}]`;
    const part = readPrefix(text);
    if (part === undefined) return nobody(`"${text}" is no CIDR`, at);
    if (part.length <= prefix.length || !contains(prefix, part))
      return nobody(`"${text}" is not inside of ${formatPrefix(prefix)}`, at);
    except.push(part);
  }
  return { is: 'block', field, prefix, except };
}

/** Bits behind the length are ignored, as the API allows them. */
export function readPrefix(text: string): Prefix | undefined {
  const found = typeof text === 'string' ? parseInterface(text) : undefined;
  return found === undefined ? undefined : prefixOf(found.address, found.length);
}

function readPort(entry: NetworkPolicyPort, field: string, report: Report): PortRange {
  const none = (why: string): PortRange => {
    report(field, why);
    return { is: 'none', field, why };
  };
  const { port, endPort, protocol = 'TCP' } = entry;
  if (protocol !== 'TCP' && protocol !== 'UDP' && protocol !== 'SCTP')
    return none(`"${String(protocol)}" is no protocol`);
  if (port === undefined)
    return endPort === undefined
      ? { is: 'numbers', field, protocol, from: 0, to: 65_535 }
      : none('an endPort needs a port');
  if (typeof port === 'string')
    return endPort === undefined
      ? { is: 'named', field, protocol, name: port }
      : none('an endPort needs a port that is a number');
  const last = endPort ?? port;
  if (!isPort(port) || !isPort(last)) return none(`${isPort(port) ? last : port} is no port`);
  if (last < port) return none(`the endPort ${last} is less than the port ${port}`);
  return { is: 'numbers', field, protocol, from: port, to: last };
}

export const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;
