import type { FlowEnd, FlowEvent } from '../base/flow-event.ts';
import { formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { PolicyModel } from '../policy/index.ts';

/** A packet that a policy's rule reported, as the kernel tells it. */
export interface ReportedPacket {
  /**
   * The name of the rule: `egress-GROUP`, `ingress-GROUP`, `closed`, `revoked`, `revoked-reply`; with `audit-` before it:
   * it passed; `allowed`: nothing dropped it.
   */
  readonly rule: string;
  readonly source: string;
  readonly destination: string;
  /** IP protocol number. */
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly port?: number;
  /** As the connection was opened, before a Service was translated. */
  readonly original?: {
    readonly source: string;
    readonly destination: string;
    readonly destinationPort?: number;
  };
}

/** Of a Gateway's proxies (GEP-1762). */
const gatewayLabel = 'gateway.networking.k8s.io/gateway-name';

export function endOf(model: PolicyModel, address: Address, port: number | undefined): FlowEnd {
  const text = formatAddress(address);
  const pod = model.podsByAddress.get(text);
  const node = pod?.node ?? model.nodesByAddress.get(text);
  const names = model.namesByAddress.get(text);
  const gateway = pod?.labels[gatewayLabel];
  return {
    address: text,
    ...(port === undefined ? {} : { port }),
    ...(pod === undefined ? {} : { pod: pod.key, labels: pod.labels }),
    ...(pod === undefined || gateway === undefined ? {} : { gateway: `${pod.namespace}/${gateway}` }),
    ...(node === undefined || node === '' ? {} : { node }),
    ...(names === undefined ? {} : { names: [...names].sort() }),
  };
}

/** What the source asked for, where that was not the destination itself. */
export function serviceOf(
  { original }: ReportedPacket,
  opened: Pick<ReportedPacket, 'destination' | 'port'>,
): FlowEvent['service'] {
  if (original === undefined) return undefined;
  const { destination, destinationPort } = original;
  if (destination === opened.destination && destinationPort === opened.port) return undefined;
  return { address: destination, ...(destinationPort === undefined ? {} : { port: destinationPort }) };
}
