import { closestOf } from '../../base/closest.ts';
import { FairleadError } from '../../base/errors.ts';
import { parseAddress, formatAddress } from '../../base/ip.ts';
import type { FlowEnd, FlowEvent } from '../../base/flow-event.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { flowOfEvent } from '../../flows/index.ts';
import { decidePolicy } from '../../policy/index.ts';
import type { PolicyModel, PolicyObjects, Verdict } from '../../policy/index.ts';
import { workloadOf } from './workload.ts';

/** Policies that are looked at beside those in force. */
export interface Candidate {
  /** What of them is a policy counts; each takes the place of the one in force with its name. */
  readonly objects: readonly KubeObject[];
  /** These are all that there would be. */
  readonly isWhole: boolean;
  /** Policies that would be gone: `namespace/name`, `/name` of one for the cluster. */
  readonly without: readonly string[];
}

/** The same cluster with other policies. Throws for a candidate that would change nothing: it judges nothing. */
export function withCandidate(live: PolicyObjects, candidate: Candidate): PolicyObjects {
  const { isWhole, objects, without } = candidate;
  checkCandidate(live, candidate);
  const gone = new Set(without);
  const replaced = <T extends KubeObject>(present: readonly T[], kind: string): readonly T[] => {
    const named = policiesOf(objects, kind) as readonly T[]; // of a kind
    const keys = new Set(named.map(keyOf));
    const kept = isWhole ? [] : present.filter(object => !keys.has(keyOf(object)));
    return [...kept, ...named].filter(object => !gone.has(keyOf(object)));
  };
  return {
    ...live,
    policies: replaced(live.policies, 'NetworkPolicy'),
    clusterPolicies: replaced(live.clusterPolicies ?? [], 'ClusterNetworkPolicy'),
  };
}

function checkCandidate(live: PolicyObjects, { isWhole, objects, without }: Candidate): void {
  const named = kinds.flatMap(kind => policiesOf(objects, kind));
  if (objects.length > 0 && named.length === 0 && !isWhole)
    throw new FairleadError('policy/no-candidate', 'There is no policy in these files.', {
      hint: `NetworkPolicy and ClusterNetworkPolicy count; there are ${[...new Set(objects.map(({ kind }) => kind))].join(', ')}`,
    });
  const known = [...live.policies, ...(live.clusterPolicies ?? []), ...named].map(keyOf);
  for (const key of without) {
    if (known.includes(key)) continue;
    const similar = closestOf(key, known);
    throw new FairleadError('policy/no-candidate', `There is no policy "${key}" that could be gone.`, {
      hint:
        similar === undefined
          ? 'NAMESPACE/NAME of a NetworkPolicy, /NAME of a ClusterNetworkPolicy'
          : `Did you mean ${similar}?`,
    });
  }
}

const kinds = ['NetworkPolicy', 'ClusterNetworkPolicy'] as const;

const policiesOf = (objects: readonly KubeObject[], kind: string): readonly KubeObject[] =>
  objects
    .filter(object => object.kind === kind)
    .map(object =>
      kind === 'NetworkPolicy' && object.metadata.namespace === undefined
        ? { ...object, metadata: { ...object.metadata, namespace: 'default' } }
        : object,
    );

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** Connections that were seen, and that the candidate judges otherwise than what is in force. */
export interface ShadowDifference {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port?: number;
  /** What the candidate says; the policies in force say the other. */
  readonly allowed: boolean;
  readonly verdict: Verdict;
  /** How many events, and the youngest of them. */
  readonly events: number;
  readonly last: FlowEvent;
}

export interface ShadowReport {
  /** What would be dropped comes first. */
  readonly differences: readonly ShadowDifference[];
  /** Events that were judged, and those of pods that are not there any more. */
  readonly judged: number;
  readonly stale: number;
}

/** Judges what was seen by both; equal connections of a workload are one difference. */
export function shadowReport(
  live: PolicyModel,
  candidate: PolicyModel,
  events: readonly FlowEvent[],
): ShadowReport {
  const found = new Map<string, ShadowDifference>();
  let [judged, stale] = [0, 0];
  for (const event of events) {
    const flow = flowOfEvent(event);
    if (flow === undefined || !isThere(live, event.source) || !isThere(live, event.destination)) {
      stale++;
      continue;
    }
    judged++;
    const verdict = decidePolicy(candidate, flow);
    if (verdict.allowed === decidePolicy(live, flow).allowed) continue;
    const { protocol } = event;
    const { port } = event.destination;
    const [from, to] = [nameOf(event.source), nameOf(event.destination)];
    const key = JSON.stringify([from, to, protocol, port, verdict.allowed]);
    const present = found.get(key);
    found.set(key, {
      from,
      to,
      protocol,
      ...(port === undefined ? {} : { port }),
      allowed: verdict.allowed,
      verdict,
      events: (present?.events ?? 0) + 1,
      last: present === undefined || present.last.last < event.last ? event : present.last,
    });
  }
  const differences = [...found.values()].toSorted(
    (a, b) => Number(a.allowed) - Number(b.allowed) || b.events - a.events || (a.from < b.from ? -1 : 1),
  );
  return { differences, judged, stale };
}

/** The address is still the pod's that the event tells of, or still nobody's. */
function isThere(model: PolicyModel, end: FlowEnd): boolean {
  const address = parseAddress(end.address);
  return address !== undefined && model.podsByAddress.get(formatAddress(address))?.key === end.pod;
}

function nameOf({ address, labels = {}, names, node, pod }: FlowEnd): string {
  if (pod === undefined) return names?.[0] ?? (node === undefined ? address : `node ${node}`);
  return workloadOf(pod, labels);
}
