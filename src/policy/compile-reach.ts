import { formatAddress } from '../base/ip.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import { goesWith, matchesPeer, namesOf } from './decide.ts';
import type { Flow, Question } from './decide.ts';
import { resolvePort } from './compile-model.ts';
import { tiers } from './model.ts';
import type { Direction, PolicyModel, PolicyPod, PortRange, Rule } from './model.ts';

/** Both ends belong to it. */
export interface PortInterval {
  readonly from: number;
  readonly to: number;
}

/** Ports by protocol, sorted and apart from each other; `others` is what has no ports: ICMP and unknown protocols. */
export interface Reach {
  readonly ports: Readonly<Record<Protocol, readonly PortInterval[]>>;
  readonly others: boolean;
}

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];
const allPorts: readonly PortInterval[] = [{ from: 0, to: 65_535 }];
const everything: Reach = { ports: { TCP: allPorts, UDP: allPorts, SCTP: allPorts }, others: true };
const nothing: Reach = { ports: { TCP: [], UDP: [], SCTP: [] }, others: false };

/**
 * On which ports `decide` allows a flow between two addresses, without asking it for each port: what rules are for is
 * united, cut and taken away as intervals, in the order in which they are asked.
 */
export function compileReach(
  model: PolicyModel,
  flow: Pick<Flow, 'source' | 'destination' | 'names'>,
): Reach {
  const [from, to] = [formatAddress(flow.source), formatAddress(flow.destination)];
  const [source, destination] = [model.podsByAddress.get(from), model.podsByAddress.get(to)];
  if (source !== undefined && source === destination) return everything;
  const asked: Flow = { ...flow, protocol: 'TCP' };
  const egress = source === undefined ? everything : reachOf(model, asked, 'egress', source, destination);
  if (destination === undefined || model.nodesByAddress.get(from) === destination.node) return egress;
  const ingress = reachOf(model, asked, 'ingress', destination, source);
  return combine(egress, ingress, intersect, (a, b) => a && b);
}

function reachOf(
  model: PolicyModel,
  flow: Flow,
  direction: Direction,
  pod: PolicyPod,
  peer: PolicyPod | undefined,
): Reach {
  const policies = model.covering[direction].get(pod.key);
  if (policies === undefined) return everything;
  const address = direction === 'egress' ? flow.destination : flow.source;
  const node = model.nodesByAddress.get(formatAddress(address));
  const question: Question = {
    flow,
    direction,
    peer,
    address,
    target: direction === 'egress' ? peer : pod,
    nodeLabels: node === undefined ? undefined : model.nodeLabels.get(node),
    names: namesOf(model, flow, direction),
  };
  let [left, allowed] = [everything, nothing];
  for (const tier of tiers) {
    const ofTier = policies.filter(policy => policy.tier === tier && !policy.isAudited);
    if (tier === 'NetworkPolicy') {
      if (ofTier.length === 0) continue;
      let united = nothing;
      for (const policy of ofTier)
        for (const rule of policy.rules[direction]) united = plus(united, matchOf(rule, question));
      return plus(allowed, both(left, united));
    }
    let passed = nothing;
    for (const policy of ofTier)
      for (const rule of policy.rules[direction]) {
        const match = both(left, matchOf(rule, question));
        if (rule.action === 'Accept') allowed = plus(allowed, match);
        if (rule.action === 'Pass') passed = plus(passed, match);
        left = minus(left, match);
      }
    left = plus(left, passed);
  }
  return plus(allowed, left);
}

/** What the rule is for, between these ends. */
function matchOf(rule: Rule, question: Question): Reach {
  const peers = (rule.peers ?? [undefined]).filter(peer => matchesPeer(rule, peer, question));
  if (peers.length === 0) return nothing;
  if (rule.ports === undefined) return everything;
  const found: Record<Protocol, PortInterval[]> = { TCP: [], UDP: [], SCTP: [] };
  for (const port of rule.ports) {
    const numbers = numbersOf(port, question.target);
    if (numbers === undefined || port.is === 'none') continue;
    if (peers.some(peer => goesWith(peer, port, question))) found[port.protocol].push(numbers);
  }
  return {
    ports: { TCP: merge(found.TCP), UDP: merge(found.UDP), SCTP: merge(found.SCTP) },
    others: false,
  };
}

function numbersOf(port: PortRange, target: PolicyPod | undefined): PortInterval | undefined {
  if (port.is === 'numbers') return port;
  if (port.is === 'none' || target === undefined) return undefined;
  const number = resolvePort(target, port.name, port.protocol);
  return number === undefined ? undefined : { from: number, to: number };
}

const plus = (a: Reach, b: Reach): Reach => {
  if (a === nothing || b === everything) return b;
  if (b === nothing || a === everything) return a;
  return combine(
    a,
    b,
    (one, other) => merge([...one, ...other]),
    (one, other) => one || other,
  );
};
const both = (a: Reach, b: Reach): Reach => {
  if (a === everything || b === nothing) return b;
  if (b === everything || a === nothing) return a;
  return combine(a, b, intersect, (one, other) => one && other);
};
const minus = (a: Reach, b: Reach): Reach => {
  if (b === nothing || a === nothing) return a;
  if (b === everything) return nothing;
  return combine(a, b, subtract, (one, other) => one && !other);
};

function combine(
  a: Reach,
  b: Reach,
  ofPorts: (a: readonly PortInterval[], b: readonly PortInterval[]) => readonly PortInterval[],
  ofOthers: (a: boolean, b: boolean) => boolean,
): Reach {
  const [TCP, UDP, SCTP] = protocols.map(protocol => ofPorts(a.ports[protocol], b.ports[protocol]));
  return {
    ports: { TCP: TCP ?? [], UDP: UDP ?? [], SCTP: SCTP ?? [] },
    others: ofOthers(a.others, b.others),
  };
}

function merge(intervals: readonly PortInterval[]): readonly PortInterval[] {
  if (intervals.length < 2) return intervals;
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last === undefined || from > last.to + 1) merged.push({ from, to });
    else if (to > last.to) last.to = to;
  }
  return merged;
}

function intersect(a: readonly PortInterval[], b: readonly PortInterval[]): readonly PortInterval[] {
  if (a === allPorts) return b;
  if (b === allPorts) return a;
  return a.flatMap(one =>
    b.flatMap(other => {
      const [from, to] = [Math.max(one.from, other.from), Math.min(one.to, other.to)];
      return from <= to ? [{ from, to }] : [];
    }),
  );
}

function subtract(a: readonly PortInterval[], b: readonly PortInterval[]): readonly PortInterval[] {
  let rest = a;
  for (const hole of b)
    rest = rest.flatMap(({ from, to }) =>
      hole.to < from || hole.from > to
        ? [{ from, to }]
        : [
            ...(from < hole.from ? [{ from, to: hole.from - 1 }] : []),
            ...(to > hole.to ? [{ from: hole.to + 1, to }] : []),
          ],
    );
  return rest;
}
