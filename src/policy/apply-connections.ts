import { parseAddress } from '../base/ip.ts';
import { connectionMarks } from '../kernel/contract.ts';
import type { Connection } from '../kernel/netlink/index.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import { decide, protocolOf } from './decide.ts';
import type { Flow } from './decide.ts';
import type { PolicyModel } from './model.ts';

export type ConnectionKernel = Pick<KernelWorker, 'connections' | 'markConnections'>;

/**
 * Asks the engine about every tracked connection of the addresses, and marks those that are not allowed any more: the
 * rules drop them before they pass what is established. Taking the mark back lets a connection go on. The rules have to
 * be in force before; returns how many were taken back.
 */
export async function revokeConnections(
  kernel: ConnectionKernel,
  model: PolicyModel,
  node: string,
  addresses: ReadonlySet<string>,
  namespacePath?: string,
): Promise<number> {
  const connections = await kernel.connections([{ addresses }], namespacePath);
  const mask = connectionMarks.revoked;
  const isRevoked = (connection: Connection) => (connection.mark & mask) !== 0;
  const changed = connections.filter(
    connection => isAllowedHere(model, node, connection) === isRevoked(connection),
  );
  const given = changed.filter(isRevoked);
  const taken = changed.filter(connection => !isRevoked(connection));
  if (given.length > 0) await kernel.markConnections(given, { value: 0, mask }, namespacePath);
  return taken.length === 0 ? 0 : kernel.markConnections(taken, { value: mask, mask }, namespacePath);
}

/** Each end is asked on its own node. */
function isAllowedHere(model: PolicyModel, node: string, connection: Connection): boolean {
  const flow = flowOf(connection);
  if (flow === undefined) return true;
  const { egress, ingress } = decide(model, flow);
  const isHere = (pod: string | undefined) => pod !== undefined && model.pods.get(pod)?.node === node;
  return (egress.allowed || !isHere(egress.pod)) && (ingress.allowed || !isHere(ingress.pod));
}

function flowOf(connection: Connection): Flow | undefined {
  const { original, reply } = connection;
  const source = parseAddress(original.source);
  const destination = parseAddress(reply.source); // after Service translation
  const port = reply.sourcePort;
  const name = protocolOf(connection.protocol);
  if (source === undefined || destination === undefined) return undefined;
  return {
    source,
    destination,
    protocol: name,
    ...(port === undefined || name === 'ICMP' || name === 'other' ? {} : { port }),
    // What a pod sends to its own address never leaves it: this one was tracked.
    hairpin: true,
  };
}
