import type { FlowEvent } from '../base/flow-event.ts';
import { parseAddress } from '../base/ip.ts';
import { protocolOf } from '../policy/index.ts';
import type { Flow } from '../policy/index.ts';
import type { ReportedPacket } from './ends.ts';

/** The connection that an event tells of, as the engine is asked about it. Undefined for an event that was not ours. */
export function flowOfEvent({ source, destination, protocol }: FlowEvent): Flow | undefined {
  const [from, to] = [parseAddress(source.address), parseAddress(destination.address)];
  if (from === undefined || to === undefined) return undefined;
  return {
    source: from,
    destination: to,
    protocol: named.find(name => name === protocol) ?? 'other',
    ...(destination.port === undefined ? {} : { port: destination.port }),
    ...(destination.names === undefined ? {} : { names: destination.names }),
    hairpin: true, // what a pod sends to itself is never seen, except through a Service
  };
}

/** The connection that a packet opens. Undefined for what has no whole addresses. */
export function flowOfPacket({ destination, port, protocol, source }: ReportedPacket): Flow | undefined {
  const [from, to] = [parseAddress(source), parseAddress(destination)];
  if (from === undefined || to === undefined) return undefined;
  return {
    source: from,
    destination: to,
    protocol: protocolOf(protocol),
    ...(port === undefined ? {} : { port }),
    hairpin: true, // what a pod sends to itself never gets here, except through a Service
  };
}

const named = ['TCP', 'UDP', 'SCTP', 'ICMP'] as const;
