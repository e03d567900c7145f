import { buildPolicyModel, decidePolicy } from '../../../policy/index.ts';
import type { PolicyModel, PolicyObjects, PolicyPod } from '../../../policy/index.ts';
import type { Pod } from '../../../kube/types/pod.ts';
import type { Edge, EdgePort } from './find-edges.ts';
import type { Proposal } from './propose.ts';

export interface Proof {
  /** Connections between pods that something declares, asked of the engine with the proposal in force. */
  readonly asked: number;
  /** Those that it would deny, and why, in sentences. */
  readonly denied: readonly string[];
}

/** Asks the engine that enforces policies whether everything that is declared stays allowed. */
export function proveProposal(objects: PolicyObjects, { edges, policies }: Proposal): Proof {
  const model = buildPolicyModel({
    ...objects,
    policies: [...objects.policies, ...policies.map(({ policy }) => policy)],
  });
  const asked = edges.flatMap(edge => questionsOf(model, edge));
  return {
    asked: asked.length,
    denied: asked.flatMap(({ edge, from, port, to }) => {
      const source = from.addresses.find(({ family }) => to.addresses.some(other => other.family === family));
      const destination = to.addresses.find(({ family }) => family === source?.family);
      if (source === undefined || destination === undefined) return [];
      const verdict = decidePolicy(model, {
        source,
        destination,
        protocol: port.protocol,
        port: port.number,
      });
      if (verdict.allowed) return [];
      const end = verdict.egress.allowed ? `${to.key} does not let it in` : `${from.key} does not let it out`;
      return [`${from.key} → ${to.key}:${port.number}: ${end} (${edge.because})`];
    }),
  };
}

interface Question {
  readonly edge: Edge;
  readonly from: PolicyPod;
  readonly to: PolicyPod;
  readonly port: { readonly protocol: EdgePort['protocol']; readonly number: number };
}

/** One pod of each end stands for all: they are told apart by nothing. */
function questionsOf(model: PolicyModel, edge: Edge): readonly Question[] {
  if (edge.to === 'world') return [];
  const from = podOf(model, edge.from.pods[0]);
  if (from === undefined) return [];
  return edge.to.workloads.flatMap(({ pods: [first] }) => {
    const to = podOf(model, first);
    if (to === undefined || to === from) return [];
    return edge.ports.flatMap(port => {
      const number = numberOf(port, first);
      return number === undefined ? [] : [{ edge, from, to, port: { protocol: port.protocol, number } }];
    });
  });
}

const podOf = (model: PolicyModel, pod: Pod | undefined): PolicyPod | undefined =>
  pod === undefined
    ? undefined
    : model.pods.get(`${pod.metadata.namespace ?? 'default'}/${pod.metadata.name}`);

function numberOf({ port, protocol }: EdgePort, pod: Pod | undefined): number | undefined {
  if (typeof port === 'number') return port;
  return pod?.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .find(one => one.name === port && (one.protocol ?? 'TCP') === protocol)?.containerPort;
}
