import type { Provenance } from '../base/provenance.ts';
import type { Family } from '../base/ip.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { selectsPod } from './decide.ts';
import { withoutPrefixes } from './compile-boxes.ts';
import type { Box, Interval } from './compile-boxes.ts';
import { numbersFor } from './compile-ids.ts';
import { resolvePort } from './compile-model.ts';
import { directions } from './model.ts';
import type { Direction, Peer, Policy, PolicyModel, PolicyPod, PortRange } from './model.ts';

/** Pods that no selector and no port name can tell apart. */
export interface Identity {
  readonly number: number;
  /** One of them. */
  readonly pod: PolicyPod;
}

/** All pods of the cluster by their identity. */
export interface Identities {
  readonly byKey: ReadonlyMap<string, Identity>;
  /** Keys to numbers: given to the next compilation, it keeps them. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** Local pods that the same policies isolate in one direction, and what these allow: a table of their own in the kernel. */
export interface Group {
  readonly key: string;
  readonly direction: Direction;
  readonly policies: readonly Provenance[];
  readonly pods: readonly PolicyPod[];
  readonly allows: Allows;
}

/** The union of the rules of a group, by what a packet is looked up with. */
export interface Allows {
  /** Everything. */
  readonly all: boolean;
  /** From or to anybody. */
  readonly anybody: readonly { readonly protocol: Protocol; readonly ports: Interval<number> }[];
  /** Identities, with everything. */
  readonly peers: ReadonlySet<number>;
  readonly peerPorts: readonly {
    readonly peer: number;
    readonly protocol: Protocol;
    readonly ports: Interval<number>;
  }[];
  /** Addresses, with everything. */
  readonly blocks: readonly { readonly family: Family; readonly addresses: Interval<bigint> }[];
  readonly blockPorts: readonly { readonly family: Family; readonly protocol: Protocol; readonly box: Box }[];
}

export function identityKey(pod: PolicyPod): string {
  const sorted = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const ports = pod.ports.map(({ name, protocol, port }) => `${name} ${protocol} ${port}`).sort();
  return JSON.stringify([pod.namespace, sorted(pod.namespaceLabels), sorted(pod.labels), ports]);
}

export function compileIdentities(
  model: PolicyModel,
  previous: ReadonlyMap<string, number> = new Map(),
): Identities {
  const pods = new Map<string, PolicyPod>();
  for (const pod of model.podsByAddress.values()) pods.set(identityKey(pod), pod);
  const numbers = numbersFor(pods.keys(), previous);
  const byKey = new Map<string, Identity>();
  for (const [key, pod] of pods) byKey.set(key, { number: numbers.get(key) ?? 0, pod });
  return { byKey, numbers };
}

/** The groups of the isolated pods of one node. */
export function compileGroups(model: PolicyModel, identities: Identities, node: string): readonly Group[] {
  const members = new Map<string, { direction: Direction; policies: readonly Policy[]; pods: PolicyPod[] }>();
  for (const direction of directions) {
    for (const [podKey, policies] of model.isolating[direction]) {
      const pod = model.pods.get(podKey);
      if (pod === undefined || pod.node !== node) continue;
      const key = groupKey(direction, policies, pod);
      const group = members.get(key);
      if (group === undefined) members.set(key, { direction, policies, pods: [pod] });
      else group.pods.push(pod);
    }
  }
  const all = [...identities.byKey.values()];
  return [...members]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { direction, policies, pods }]) => ({
      key,
      direction,
      policies: policies.map(policy => policy.provenance),
      pods: pods.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
      allows: compileAllows(direction, policies, pods[0], all),
    }));
}

/** Pods share a group when named ports of their ingress rules are the same numbers on them. */
function groupKey(direction: Direction, policies: readonly Policy[], pod: PolicyPod): string {
  const named =
    direction === 'egress'
      ? []
      : policies
          .flatMap(policy => policy.rules.ingress.flatMap(rule => rule.ports ?? []))
          .filter(port => port.is === 'named')
          .map(({ name, protocol }) => `${name} ${protocol} ${resolvePort(pod, name, protocol) ?? '-'}`);
  return JSON.stringify([direction, policies.map(policy => policy.key), [...new Set(named)].sort()]);
}

function compileAllows(
  direction: Direction,
  policies: readonly Policy[],
  member: PolicyPod | undefined,
  identities: readonly Identity[],
): Allows {
  const allows = {
    all: false,
    anybody: [] as Allows['anybody'][number][],
    peers: new Set<number>(),
    peerPorts: [] as Allows['peerPorts'][number][],
    blocks: [] as Allows['blocks'][number][],
    blockPorts: [] as Allows['blockPorts'][number][],
  };
  const numbersOf = (port: PortRange, target: PolicyPod | undefined): Interval<number> | undefined => {
    if (port.is === 'none') return undefined;
    if (port.is === 'numbers') return { from: port.from, to: port.to };
    const number = target === undefined ? undefined : resolvePort(target, port.name, port.protocol);
    return number === undefined ? undefined : { from: number, to: number };
  };
  const addIdentities = (matching: readonly Identity[], ports: readonly PortRange[] | undefined) => {
    for (const { number, pod } of matching) {
      if (ports === undefined) allows.peers.add(number);
      for (const port of ports ?? []) {
        const range = numbersOf(port, direction === 'ingress' ? member : pod);
        if (range !== undefined && port.is !== 'none')
          allows.peerPorts.push({ peer: number, protocol: port.protocol, ports: range });
      }
    }
  };
  const addAnybody = (ports: readonly PortRange[] | undefined) => {
    if (ports === undefined) allows.all = true;
    for (const port of ports ?? []) {
      if (direction === 'egress' && port.is === 'named') {
        addIdentities(identities, [port]); // a name is looked up on the pod that is reached
        continue;
      }
      const range = numbersOf(port, member);
      if (range !== undefined && port.is !== 'none')
        allows.anybody.push({ protocol: port.protocol, ports: range });
    }
  };
  const addBlock = (peer: Extract<Peer, { is: 'block' }>, ports: readonly PortRange[] | undefined) => {
    const { family } = peer.prefix;
    for (const addresses of withoutPrefixes(peer.prefix, peer.except)) {
      if (ports === undefined) allows.blocks.push({ family, addresses });
      for (const port of ports ?? []) {
        // A name belongs to a pod, never to an ipBlock.
        const range = direction === 'egress' && port.is === 'named' ? undefined : numbersOf(port, member);
        if (range !== undefined && port.is !== 'none')
          allows.blockPorts.push({ family, protocol: port.protocol, box: { addresses, ports: range } });
      }
    }
  };
  for (const { rules, namespace } of policies) {
    for (const { peers, ports } of rules[direction]) {
      if (peers === undefined) addAnybody(ports);
      for (const peer of peers ?? []) {
        if (peer.is === 'block') addBlock(peer, ports);
        if (peer.is === 'pods')
          addIdentities(
            identities.filter(({ pod }) => selectsPod(peer, namespace, pod)),
            ports,
          );
      }
    }
  }
  return allows;
}
