/**
 * What the specifications say to a connection, read from the objects with loops alone: nothing of the engine is in it. Only
 * what they leave open is the product's: an unreadable part of a NetworkPolicy allows nothing; of a ClusterNetworkPolicy an
 * Accept matches nobody by it, a Deny or Pass denies everybody.
 */
import { BlockList, isIPv4 } from 'node:net';
import type {
  ClusterNetworkPolicyPeer,
  ClusterNetworkPolicyRule,
} from '../../src/kube/types/cluster-network-policy.ts';
import type { LabelSelector } from '../../src/kube/types/meta.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import { labelsOfNamespace, nodesOfWorlds } from './policy-worlds.ts';
import type { World } from './policy-worlds.ts';
import { formatAddress } from '../../src/base/ip.ts';

export interface Asked {
  readonly source: string;
  readonly destination: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP';
  readonly port?: number;
}

type Direction = 'ingress' | 'egress';
type Answer = boolean | 'unreadable';
type Labels = Readonly<Record<string, string>>;

export function oracle(world: World, asked: Asked): boolean {
  const [source, destination] = [podAt(world, asked.source), podAt(world, asked.destination)];
  if (source !== undefined && source === destination) return true;
  const nodeOf = (address: string) =>
    nodesOfWorlds.find(node => node.addresses.some(one => formatAddress(one) === address))?.name;
  const leaves = source === undefined || directed(world, asked, 'egress', source, destination);
  const isProbe = destination !== undefined && nodeOf(asked.source) === destination.spec.nodeName;
  const enters =
    destination === undefined || isProbe || directed(world, asked, 'ingress', destination, source);
  return leaves && enters;
}

/** Pods of the host's network are their node, and those that ended have given their addresses back. */
const podAt = (world: World, address: string): Pod | undefined =>
  world.pods.find(
    ({ spec, status }) =>
      spec.hostNetwork !== true &&
      status?.phase === 'Running' &&
      status.podIPs?.some(({ ip }) => ip === address) === true,
  );

function directed(
  world: World,
  asked: Asked,
  direction: Direction,
  pod: Pod,
  other: Pod | undefined,
): boolean {
  const admin = tier(world, asked, direction, pod, other, 'Admin');
  if (admin !== 'goes on') return admin;
  const isolating = world.policies.filter(
    policy =>
      policy.metadata.annotations?.['fairlead.dev/audit'] !== 'true' &&
      policy.metadata.namespace === pod.metadata.namespace &&
      matches(policy.spec?.podSelector, pod.metadata.labels) &&
      typesOf(policy).includes(direction === 'ingress' ? 'Ingress' : 'Egress'),
  );
  if (isolating.length > 0)
    return isolating.some(policy =>
      (direction === 'ingress' ? policy.spec?.ingress : policy.spec?.egress)?.some(rule => {
        const peers = 'from' in rule ? rule.from : 'to' in rule ? rule.to : undefined;
        const ports = rule.ports ?? [];
        if ((peers ?? []).length === 0)
          return (
            ports.length === 0 ||
            ports.some(port => isPort(port, asked, direction === 'egress' ? other : pod))
          );
        return peers?.some(
          peer =>
            isPeer(peer, policy, asked, direction, other) &&
            (ports.length === 0 ||
              ports.some(
                port =>
                  !(direction === 'egress' && peer.ipBlock !== undefined && typeof port.port === 'string') &&
                  isPort(port, asked, direction === 'egress' ? other : pod),
              )),
        );
      }),
    );
  const baseline = tier(world, asked, direction, pod, other, 'Baseline');
  return baseline === 'goes on' ? true : baseline;
}

function typesOf({ spec }: NetworkPolicy): readonly string[] {
  if (spec?.policyTypes !== undefined && spec.policyTypes.length > 0) return spec.policyTypes;
  return (spec?.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

function isPeer(
  { ipBlock, namespaceSelector, podSelector }: NetworkPolicyPeer,
  { metadata }: NetworkPolicy,
  asked: Asked,
  direction: Direction,
  other: Pod | undefined,
): boolean {
  if (ipBlock !== undefined) {
    const address = direction === 'ingress' ? asked.source : asked.destination;
    const except = ipBlock.except ?? [];
    if (!isCidr(ipBlock.cidr) || !except.every(part => isInside(part, ipBlock.cidr))) return false;
    return contains(ipBlock.cidr, address) && !except.some(part => contains(part, address));
  }
  if (other === undefined) return false;
  const namespace = other.metadata.namespace ?? '';
  const isThere =
    namespaceSelector === undefined
      ? namespace === metadata.namespace
      : matches(namespaceSelector, labelsOfNamespace(namespace));
  return isThere && matches(podSelector, other.metadata.labels);
}

function isPort(
  { endPort, port, protocol = 'TCP' }: NetworkPolicyPort,
  asked: Asked,
  target: Pod | undefined,
): boolean {
  if (protocol !== asked.protocol || asked.port === undefined) return false;
  if (port === undefined) return endPort === undefined;
  if (typeof port === 'string')
    return endPort === undefined && numberOf(target, port, protocol) === asked.port;
  if (port > 65_535 || (endPort !== undefined && endPort < port)) return false;
  return port <= asked.port && asked.port <= (endPort ?? port);
}

/** The first container that has the name with this protocol; sidecars come last. */
function numberOf(pod: Pod | undefined, name: string, protocol: string): number | undefined {
  const sidecars = (pod?.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { ports = [] } of [...(pod?.spec.containers ?? []), ...sidecars])
    for (const one of ports)
      if (one.name === name && (one.protocol ?? 'TCP') === protocol) return one.containerPort;
  return undefined;
}

function tier(
  world: World,
  asked: Asked,
  direction: Direction,
  pod: Pod,
  other: Pod | undefined,
  name: 'Admin' | 'Baseline',
): boolean | 'goes on' {
  const policies = world.clusterPolicies
    .filter(({ spec }) => spec.tier === name)
    .toSorted((a, b) => a.spec.priority - b.spec.priority || (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const { spec } of policies) {
    const { namespaces, pods } = spec.subject;
    const isSubject =
      matches(
        pods === undefined ? namespaces : pods.namespaceSelector,
        labelsOfNamespace(pod.metadata.namespace ?? ''),
      ) &&
      (pods === undefined || matches(pods.podSelector, pod.metadata.labels));
    if (!isSubject) continue;
    for (const rule of (direction === 'ingress' ? spec.ingress : spec.egress) ?? []) {
      const action = actionFor(world, rule, asked, direction, pod, other);
      if (action === 'Pass') return 'goes on';
      if (action !== undefined) return action === 'Accept';
    }
  }
  return 'goes on';
}

function actionFor(
  world: World,
  rule: ClusterNetworkPolicyRule,
  asked: Asked,
  direction: Direction,
  pod: Pod,
  other: Pod | undefined,
): ClusterNetworkPolicyRule['action'] | undefined {
  const peers = (direction === 'ingress' ? rule.from : rule.to) ?? [];
  const answers = peers.map(peer => isClusterPeer(world, peer, rule, asked, direction, other));
  const target = direction === 'egress' ? other : pod;
  const protocols = rule.protocols?.map(protocol => isClusterProtocol(protocol, asked, target));
  const isUnreadable = answers.includes('unreadable') || protocols?.includes('unreadable') === true;
  if (isUnreadable && rule.action !== 'Accept') {
    // Peers that can be read say for whom, unless they are what cannot.
    return answers.some(answer => answer !== false) ? 'Deny' : undefined;
  }
  const withNames = (rule.protocols ?? []).map(protocol => protocol.destinationNamedPort !== undefined);
  const isMatch = peers.some((peer, index) => {
    if (answers[index] !== true) return false;
    const isOfPod = peer.pods !== undefined || peer.namespaces !== undefined;
    return (
      protocols === undefined ||
      protocols.some(
        (answer, at) => answer === true && (direction === 'ingress' || isOfPod || withNames[at] !== true),
      )
    );
  });
  return isMatch ? rule.action : undefined;
}

function isClusterPeer(
  world: World,
  { domainNames, namespaces, networks, nodes, pods }: ClusterNetworkPolicyPeer,
  { action }: ClusterNetworkPolicyRule,
  asked: Asked,
  direction: Direction,
  other: Pod | undefined,
): Answer {
  const ofNamespace = labelsOfNamespace(other?.metadata.namespace ?? '');
  if (pods !== undefined)
    return (
      other !== undefined &&
      matches(pods.namespaceSelector, ofNamespace) &&
      matches(pods.podSelector, other.metadata.labels)
    );
  if (namespaces !== undefined) return other !== undefined && matches(namespaces, ofNamespace);
  if (networks !== undefined) return networks.some(network => contains(network, asked.destination));
  if (nodes !== undefined)
    return nodesOfWorlds.some(
      node =>
        matches(nodes, node.labels) && node.addresses.some(one => formatAddress(one) === asked.destination),
    );
  if (domainNames === undefined) return 'unreadable';
  if (action !== 'Accept' || direction === 'ingress') return 'unreadable';
  return domainNames.some(pattern =>
    world.resolved.some(
      ([name, address]) =>
        address === asked.destination &&
        (pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern),
    ),
  );
}

function isClusterProtocol(
  protocol: NonNullable<ClusterNetworkPolicyRule['protocols']>[number],
  asked: Asked,
  target: Pod | undefined,
): Answer {
  if (protocol.destinationNamedPort !== undefined)
    return (
      asked.port !== undefined &&
      numberOf(target, protocol.destinationNamedPort, asked.protocol) === asked.port
    );
  for (const [name, part] of Object.entries({ TCP: protocol.tcp, UDP: protocol.udp, SCTP: protocol.sctp })) {
    if (part === undefined) continue;
    const { number, range } = part.destinationPort ?? {};
    const [from, to] = [number ?? range?.start ?? 0, number ?? range?.end ?? 65_535];
    if (from > to) return 'unreadable';
    return name === asked.protocol && asked.port !== undefined && from <= asked.port && asked.port <= to;
  }
  return 'unreadable';
}

function matches(selector: LabelSelector = {}, labels: Labels = {}): boolean {
  for (const [key, value] of Object.entries(selector.matchLabels ?? {}))
    if (labels[key] !== value) return false;
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const value = labels[key];
    const isIn = value !== undefined && values.includes(value);
    if (operator === 'In' && !isIn) return false;
    if (operator === 'NotIn' && isIn) return false;
    if (operator === 'Exists' && value === undefined) return false;
    if (operator === 'DoesNotExist' && value !== undefined) return false;
  }
  return true;
}

const familyOf = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6');
const isCidr = (text: string): boolean => /^[0-9a-f.:]+\/\d+$/.test(text);

function contains(cidr: string, address: string): boolean {
  const [network = '', length = ''] = cidr.split('/');
  if (familyOf(network) !== familyOf(address)) return false;
  const list = new BlockList();
  list.addSubnet(network, Number(length), familyOf(network));
  return list.check(address, familyOf(address));
}

function isInside(part: string, whole: string): boolean {
  const [[address = '', length], [, outer]] = [part.split('/'), whole.split('/')];
  return isCidr(part) && contains(whole, address) && Number(length) > Number(outer);
}
