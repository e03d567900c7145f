import { compileReach } from '../../policy/index.ts';
import type { PolicyModel, PolicyPod, Reach } from '../../policy/index.ts';
import { flowsBetween, nodeEnd, world } from './ends.ts';
import type { End } from './ends.ts';
import { workloadOf } from './workload.ts';

/** Both ends belong to it. */
export interface PortSpan {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly from: number;
  readonly to: number;
}

export interface MatrixCell {
  readonly from: string;
  readonly to: string;
  /** Absent: in every family that both ends have. */
  readonly family?: 4 | 6;
  /** Every protocol. */
  readonly everything: boolean;
  readonly ports: readonly PortSpan[];
}

/** Pods that no policy and no peer can tell apart are one. */
export interface MatrixEnd extends End {
  readonly pods: readonly string[];
}

const protocols = ['TCP', 'UDP', 'SCTP'] as const;

export interface MatrixOptions {
  readonly namespaces: ReadonlySet<string> | 'all';
  /** Nodes are ends, too. */
  readonly nodes?: boolean;
}

/** Who may speak to whom, and on which ports; where its address families differ, a pair has a cell for each. */
export function policyMatrix(
  model: PolicyModel,
  { namespaces, nodes = false }: MatrixOptions,
): readonly MatrixCell[] {
  const pods = matrixEnds(model, namespaces);
  const ends: readonly End[] = [...pods, ...(nodes ? nodeEnds(model) : []), world];
  return ends.flatMap(from =>
    ends
      // An address that the nodes answer themselves sends nothing.
      .filter(to => to !== from && from.pod?.node !== '' && (from.pod !== undefined || to.pod !== undefined))
      .flatMap(to => cellsOf(model, from, to)),
  );
}

function cellsOf(model: PolicyModel, from: End, to: End): readonly MatrixCell[] {
  const ends = { from: from.name, to: to.name };
  const [first, ...others] = flowsBetween(from, to).map(flow => ({
    family: flow.source.family,
    reach: compileReach(model, flow),
  }));
  if (first === undefined) return [{ ...ends, everything: false, ports: [] }];
  if (others.every(({ reach }) => isSame(reach, first.reach)))
    return [{ ...ends, ...allowedBy(first.reach) }];
  return [first, ...others].map(({ family, reach }) => ({ ...ends, family, ...allowedBy(reach) }));
}

type Allowed = Pick<MatrixCell, 'everything' | 'ports'>;

function allowedBy({ others, ports }: Reach): Allowed {
  const spans = protocols.flatMap(protocol =>
    ports[protocol].map(({ from, to }) => ({ protocol, from, to })),
  );
  const isEverything = others && spans.length === protocols.length && spans.every(isAllPorts);
  return isEverything ? { everything: true, ports: [] } : { everything: false, ports: spans };
}

const isAllPorts = ({ from, to }: PortSpan): boolean => from === 0 && to === 65_535;

const isSame = (a: Reach, b: Reach): boolean =>
  a === b || (a.others === b.others && JSON.stringify(a.ports) === JSON.stringify(b.ports));

function nodeEnds(model: PolicyModel): readonly End[] {
  return [...model.nodeLabels.keys()].sort().map(name => nodeEnd(model, name));
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
    const key = JSON.stringify([pod.namespace, workloadOf(pod.key, pod.labels), policies, pod.ports]);
    const found = classes.get(key);
    if (found === undefined) classes.set(key, [pod]);
    else found.push(pod);
  }
  return [...classes.values()].flatMap(pods => {
    const [pod] = pods;
    if (pod === undefined) return [];
    const name = pods.length === 1 ? pod.key : `${workloadOf(pod.key, pod.labels)} (${pods.length} pods)`;
    return [{ name, addresses: pod.addresses, pod, pods: pods.map(one => one.key) }];
  });
}
