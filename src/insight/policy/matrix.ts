import { decidePolicy } from '../../policy/index.ts';
import type { Flow, Policy, PolicyModel, PolicyPod } from '../../policy/index.ts';
import { flowBetween, world } from './ends.ts';
import type { End } from './ends.ts';

/** Both ends belong to it. */
export interface PortSpan {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly from: number;
  readonly to: number;
}

export interface MatrixCell {
  readonly from: string;
  readonly to: string;
  /** Every protocol. */
  readonly everything: boolean;
  readonly ports: readonly PortSpan[];
}

/** Pods that no policy and no peer can tell apart are one. */
export interface MatrixEnd extends End {
  readonly pods: readonly string[];
}

const protocols = ['TCP', 'UDP', 'SCTP'] as const;

/** Who may speak to whom, and on which ports: the engine is asked at every port where its answer may change. */
export function policyMatrix(
  model: PolicyModel,
  namespaces: ReadonlySet<string> | 'all',
): readonly MatrixCell[] {
  const ends: readonly End[] = [...matrixEnds(model, namespaces), world];
  return ends.flatMap(from =>
    ends
      // An address that the nodes answer themselves sends nothing.
      .filter(to => to !== from && from.pod?.node !== '' && (from.pod !== undefined || to.pod !== undefined))
      .map(to => ({ from: from.name, to: to.name, ...allowedPorts(model, from, to) })),
  );
}

export function allowedPorts(
  model: PolicyModel,
  from: End,
  to: End,
): { readonly everything: boolean; readonly ports: readonly PortSpan[] } {
  const addresses = flowBetween(from, to);
  if (addresses === undefined) return { everything: false, ports: [] };
  const allows = (protocol: Flow['protocol'], port?: number) =>
    decidePolicy(model, { ...addresses, protocol, ...(port === undefined ? {} : { port }) }).allowed;
  const ports = protocols.flatMap(one => spansOf(model, from, to, one, allows));
  const isEverything =
    ports.length === protocols.length && ports.every(isAllPorts) && allows('ICMP') && allows('other');
  return isEverything ? { everything: true, ports: [] } : { everything: false, ports };
}

const isAllPorts = ({ from, to }: PortSpan): boolean => from === 0 && to === 65_535;

function spansOf(
  model: PolicyModel,
  from: End,
  to: End,
  protocol: PortSpan['protocol'],
  allows: (protocol: Flow['protocol'], port: number) => boolean,
): readonly PortSpan[] {
  const policies: readonly Policy[] = [
    ...(model.covering.egress.get(from.pod?.key ?? '') ?? []),
    ...(model.covering.ingress.get(to.pod?.key ?? '') ?? []),
  ];
  const starts = [...startsOf(policies, to.pod)].sort((a, b) => a - b);
  const spans: { protocol: PortSpan['protocol']; from: number; to: number }[] = [];
  for (const [index, start] of starts.entries()) {
    if (!allows(protocol, start)) continue;
    const end = (starts[index + 1] ?? 65_536) - 1;
    const last = spans.at(-1);
    if (last?.to === start - 1) last.to = end;
    else spans.push({ protocol, from: start, to: end });
  }
  return spans;
}

/** Ports from which on the answer may be another one. */
function startsOf(policies: readonly Policy[], target: PolicyPod | undefined): ReadonlySet<number> {
  const starts = new Set([0]);
  const add = (from: number, to: number) => {
    starts.add(from);
    if (to < 65_535) starts.add(to + 1);
  };
  for (const { rules } of policies)
    for (const { ports } of [...rules.egress, ...rules.ingress])
      for (const port of ports ?? []) if (port.is === 'numbers') add(port.from, port.to);
  for (const { port } of target?.ports ?? []) add(port, port);
  return starts;
}

function matrixEnds(model: PolicyModel, namespaces: ReadonlySet<string> | 'all'): readonly MatrixEnd[] {
  const classes = new Map<string, PolicyPod[]>();
  const wanted = [...model.pods.values()].filter(
    pod =>
      !pod.hostNetwork && pod.addresses.length > 0 && (namespaces === 'all' || namespaces.has(pod.namespace)),
  );
  for (const pod of wanted.sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const policies = (['egress', 'ingress'] as const).map(direction =>
      (model.covering[direction].get(pod.key) ?? []).map(policy => policy.key),
    );
    const key = JSON.stringify([pod.namespace, workloadOf(pod), policies, pod.ports]);
    const found = classes.get(key);
    if (found === undefined) classes.set(key, [pod]);
    else found.push(pod);
  }
  return [...classes.values()].flatMap(pods => {
    const [pod] = pods;
    if (pod === undefined) return [];
    const name = pods.length === 1 ? pod.key : `${workloadOf(pod)} (${pods.length} pods)`;
    return [{ name, addresses: pod.addresses, pod, pods: pods.map(one => one.key) }];
  });
}

/** `shop/web` of `shop/web-5d9c7-x2k4f`: without what a Deployment's controllers add; others are themselves. */
function workloadOf({ key, labels }: PolicyPod): string {
  const hash = labels['pod-template-hash'];
  const at = hash === undefined ? -1 : key.lastIndexOf(`-${hash}-`);
  return at < 0 ? key : key.slice(0, at);
}
