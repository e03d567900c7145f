import type { FlowReason } from '../base/flow-event.ts';
import { objectNameOf } from '../base/provenance.ts';
import { decidePolicy } from '../policy/index.ts';
import type { DirectionVerdict, PolicyModel } from '../policy/index.ts';
import { endOf, serviceOf } from './ends.ts';
import type { ReportedPacket } from './ends.ts';
import { flowOfPacket } from './flow-of-event.ts';
import type { Explained } from './flow-ring.ts';

/**
 * Asks the engine why a new connection was let pass. Undefined for one that another node tells of: both ends' nodes see
 * it, and the source's tells.
 */
export function explainPass(model: PolicyModel, node: string, packet: ReportedPacket): Explained | undefined {
  const flow = flowOfPacket(packet);
  if (flow === undefined) return undefined;
  const { destination, protocol, source } = flow;
  const [from, to] = [endOf(model, source, packet.sourcePort), endOf(model, destination, packet.port)];
  const isSourceHere = from.node === node;
  if (from.pod !== undefined && !isSourceHere) return undefined;
  const verdict = decidePolicy(model, flow);
  const service = serviceOf(packet, packet);
  return {
    source: from,
    destination: to,
    ...(service === undefined ? {} : { service }),
    protocol: protocol === 'other' ? `IP ${packet.protocol}` : protocol,
    verdict: 'allowed',
    direction: isSourceHere ? 'egress' : 'ingress',
    why: reasonOf(packet.rule, [verdict.egress, verdict.ingress]),
  };
}

function reasonOf(rule: string, sides: readonly DirectionVerdict[]): FlowReason {
  const facts = { rule, policies: [], misses: [] };
  const changed = sides.find(side => !side.allowed);
  if (changed !== undefined)
    return { ...facts, sentence: 'the policies that let it pass have changed: it is not allowed now' };
  const deciding = sides.flatMap(({ allowedBy, direction }) =>
    allowedBy === undefined ? [] : [{ side: direction, ...allowedBy.rule }],
  );
  if (deciding.length === 0) return { ...facts, sentence: 'no policy isolates an end of it' };
  const told = deciding.map(
    one => `${one.side} is allowed by ${objectNameOf(one.provenance)} ${one.provenance.field}`,
  );
  return {
    ...facts,
    rules: deciding.map(({ id, provenance }) => ({ id, provenance })),
    policies: deciding.map(({ provenance }) => provenance),
    sentence: told.join(', '),
  };
}
