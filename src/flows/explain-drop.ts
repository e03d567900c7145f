import type { FlowReason } from '../base/flow-event.ts';
import { objectNameOf } from '../base/provenance.ts';
import { decidePolicy } from '../policy/index.ts';
import type { DirectionVerdict, PolicyModel } from '../policy/index.ts';
import { endOf, serviceOf } from './ends.ts';
import type { ReportedPacket } from './ends.ts';
import { flowOfPacket } from './flow-of-event.ts';
import type { Explained } from './flow-ring.ts';

/** Asks the engine what it says to the packet's connection. Undefined for what has no whole addresses. */
export function explainDrop(model: PolicyModel, node: string, packet: ReportedPacket): Explained | undefined {
  const isAudit = packet.rule.startsWith(auditPrefix);
  const opened = isReply(packet) ? turned(packet) : packet;
  const flow = flowOfPacket(opened);
  if (flow === undefined) return undefined;
  const { destination, protocol, source } = flow;
  const verdict = decidePolicy(model, flow, isAudit ? 'enforced' : 'passed');
  const rule = isAudit ? opened.rule.slice(auditPrefix.length) : opened.rule;
  const direction = directionOf(model, node, rule, verdict.egress, verdict.ingress);
  const service = serviceOf(packet, opened);
  return {
    source: endOf(model, source, opened.sourcePort),
    destination: endOf(model, destination, opened.port),
    ...(service === undefined ? {} : { service }),
    protocol: protocol === 'other' ? `IP ${opened.protocol}` : protocol,
    verdict: isAudit ? 'audited' : 'dropped',
    direction,
    why: reasonOf(rule, verdict[direction]),
  };
}

/** Of rules that report what would be dropped if policies that are only tried were in force. */
const auditPrefix = 'audit-';
const replyRule = 'revoked-reply';
const isReply = ({ rule }: ReportedPacket): boolean => rule === replyRule;

/** A reply of a connection that was taken back: the connection is the other way round. */
const turned = ({ sourcePort, port, ...packet }: ReportedPacket): ReportedPacket => ({
  ...packet,
  rule: 'revoked',
  source: packet.destination,
  destination: packet.source,
  ...(port === undefined ? {} : { sourcePort: port }),
  ...(sourcePort === undefined ? {} : { port: sourcePort }),
});

/** The name of a group says it; else the end that is here and does not allow it. */
function directionOf(
  model: PolicyModel,
  node: string,
  rule: string,
  egress: DirectionVerdict,
  ingress: DirectionVerdict,
): 'egress' | 'ingress' {
  if (rule.startsWith('egress-')) return 'egress';
  if (rule.startsWith('ingress-')) return 'ingress';
  const isHere = ({ pod = '' }: DirectionVerdict) => model.pods.get(pod)?.node === node;
  if (isHere(egress) && !egress.allowed) return 'egress';
  if (isHere(ingress) && !ingress.allowed) return 'ingress';
  return isHere(egress) ? 'egress' : 'ingress';
}

function reasonOf(rule: string, verdict: DirectionVerdict): FlowReason {
  const { allowed, change, deniedBy, direction, isolatedBy, misses, pod } = verdict;
  const facts = {
    rule,
    policies: isolatedBy,
    misses: misses.map(miss => ({ provenance: miss.rule.provenance, sentence: miss.sentence })),
    ...(change === undefined ? {} : { change: { ...change } }),
  };
  if (rule === 'closed') {
    const sentence = 'the pod is closed: it is not let in yet, or the kernel refused a part of its policies';
    return { ...facts, sentence };
  }
  if (allowed) return { ...facts, sentence: 'the policies that dropped it have changed: it is allowed now' };
  if (deniedBy !== undefined) {
    const { id, name, provenance } = deniedBy.rule;
    const what = name === undefined ? provenance.field : `"${name}" (${provenance.field})`;
    return {
      ...facts,
      rules: [{ id, provenance }],
      policies: [provenance],
      sentence: `${direction} of ${pod ?? 'the pod'} is denied by the rule ${what} of ${objectNameOf(provenance)}`,
    };
  }
  const [nearest] = misses;
  const isolated = `${direction} of ${pod ?? 'the pod'} is isolated by ${isolatedBy.map(objectNameOf).join(', ')}`;
  const cut = rule === 'revoked' ? ', which cut what was open' : '';
  const near =
    nearest === undefined
      ? 'no rule allows anything'
      : `nearest is ${objectNameOf(nearest.rule.provenance)} ${nearest.rule.provenance.field}: ${nearest.sentence}`;
  return { ...facts, sentence: `${isolated}${cut}; ${near}` };
}
