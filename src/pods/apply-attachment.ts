import { bitsOf, formatAddress } from '../base/ip.ts';
import { FairleadError } from '../base/errors.ts';
import { defaults } from '../kernel/contract.ts';
import type { RouteOperation } from '../kernel/netlink/index.ts';
import { KernelCallError } from '../kernel/worker/index.ts';
import type { KernelJob, KernelSetting } from '../kernel/worker/index.ts';
import type { PodKernel } from './apply-kernel.ts';
import { aliasOf } from './attachment.ts';
import { entriesOf, entryOperations, nothing } from './apply-entries.ts';
import { compileHostSide, compilePodSide } from './compile-attachment.ts';
import { wantsLoopback } from './compile-host-ports.ts';
import type { Attachment, NodeNetwork } from './model.ts';

const gatewayMac = defaults.podGatewayMac;

/** Where and how large a pod's interface is made. */
export interface Wiring {
  readonly attachment: Attachment;
  /** The path of the pod's network namespace. */
  readonly sandbox: string;
  readonly mtu: number;
}

/**
 * Makes the veths between pods and their node and everything on both ends, in one call of the kernel's thread. Of each
 * its error, or undefined; what failed is left half made for `detachPods`. A pod that has an interface of that name is
 * `kernel/netlink` with errno EEXIST.
 */
export function attachPods(
  kernel: PodKernel,
  self: NodeNetwork,
  wirings: readonly Wiring[],
): Promise<readonly (KernelCallError | undefined)[]> {
  return kernel.perform(wirings.map(wiring => wiringJob(self, wiring)));
}

/** Deletes the hosts' ends, and with them the pods'; their routes and neighbours go with the links. Absent is fine. */
export async function detachPods(kernel: PodKernel, hostInterfaces: readonly string[]): Promise<void> {
  const [first] = hostInterfaces;
  if (first === undefined) return;
  const operation: RouteOperation =
    hostInterfaces.length === 1
      ? { do: 'link-delete', dev: first }
      : { do: 'links-delete', devs: hostInterfaces };
  await kernel.netlink(undefined, [operation]);
}

function wiringJob(self: NodeNetwork, { attachment, sandbox, mtu }: Wiring): KernelJob {
  const { hostInterface, interfaceName } = attachment;
  const veth: readonly RouteOperation[] = [
    // A veth of that name can only be what a killed ADD of the same attachment left behind.
    { do: 'link-delete', dev: hostInterface },
    {
      do: 'link-add',
      kind: 'veth',
      name: hostInterface,
      mac: gatewayMac,
      mtu,
      linkLocal: 'none',
      alias: aliasOf(attachment, attachment.pod),
      up: true,
      peer: { name: interfaceName, namespace: sandbox, mac: attachment.mac, mtu },
    },
  ];
  const host = entryOperations(nothing, entriesOf(compileHostSide(self, attachment)));
  // A packet from 127.0.0.1 may leave by this link and be answered by it; see compile-host-port-rules.
  const loopback: readonly KernelSetting[] = wantsLoopback(attachment)
    ? [[`net/ipv4/conf/${hostInterface}/route_localnet`, 1]]
    : [];
  return [
    { operations: veth },
    { namespace: sandbox, settings: podSettings(interfaceName), operations: podOperations(attachment) },
    { settings: loopback, operations: host },
  ];
}

/** IPv6 is usable at once: no duplicate address detection, and the gateway is told, not discovered. */
function podSettings(interfaceName: string): readonly KernelSetting[] {
  const ipv6 = `net/ipv6/conf/${interfaceName}`;
  return [
    [`${ipv6}/disable_ipv6`, 0],
    [`${ipv6}/accept_dad`, 0],
    [`${ipv6}/accept_ra`, 0],
  ];
}

function podOperations(attachment: Attachment): readonly RouteOperation[] {
  const dev = attachment.interfaceName;
  const side = compilePodSide(attachment);
  const operations: RouteOperation[] = [{ do: 'link-set', dev, up: true }];
  for (const address of side.addresses) {
    const text = `${formatAddress(address)}/${bitsOf(address.family)}`;
    operations.push({ do: 'address-add', dev, address: text, nodad: true });
  }
  for (const gateway of side.gateways) {
    const via = formatAddress(gateway);
    operations.push({ do: 'neighbour-replace', dev, address: via, mac: gatewayMac });
    // An IPv6 gateway on link scope needs no route of its own; an IPv4 one has to be told to be on the link.
    if (gateway.family === 4) operations.push({ do: 'route-replace', dst: `${via}/32`, dev, scope: 'link' });
    operations.push({ do: 'route-replace', dst: gateway.family === 4 ? '0.0.0.0/0' : '::/0', via, dev });
  }
  return operations;
}

/** What of an attachment's pod side the kernel lacks, as sentences; empty when all is as `attachPod` left it. */
export async function verifyPodSide(
  kernel: PodKernel,
  attachment: Attachment,
  sandbox: string,
  mtu: number,
): Promise<readonly string[]> {
  const { interfaceName } = attachment;
  const links = await kernel.links(sandbox);
  const link = links.find(candidate => candidate.name === interfaceName);
  if (link === undefined) return [`the pod has no interface ${interfaceName}`];
  const missing: string[] = [];
  if (!link.up) missing.push(`${interfaceName} is down`);
  if (link.mtu !== mtu) missing.push(`${interfaceName} has MTU ${link.mtu} instead of ${mtu}`);
  if (link.mac !== attachment.mac)
    missing.push(`${interfaceName} has MAC ${link.mac} instead of ${attachment.mac}`);
  const own = <T extends { readonly index: number | undefined }>(entries: readonly T[]) =>
    entries.filter(entry => entry.index === link.index);
  const addresses = own(await kernel.addresses(sandbox));
  for (const address of attachment.addresses) {
    const text = `${formatAddress(address)}/${bitsOf(address.family)}`;
    if (!addresses.some(entry => entry.address === text))
      missing.push(`${interfaceName} has no address ${text}`);
  }
  const routes = own(await kernel.routes(sandbox));
  const neighbours = own(await kernel.neighbours(sandbox));
  for (const gateway of compilePodSide(attachment).gateways) {
    const via = formatAddress(gateway);
    const dst = gateway.family === 4 ? '0.0.0.0/0' : '::/0';
    if (!routes.some(route => route.dst === dst && route.via === via))
      missing.push(`no route to ${dst} via ${via}`);
    const isGateway = (entry: (typeof neighbours)[number]) =>
      entry.address === via && entry.mac === gatewayMac && entry.state === 'permanent';
    if (!neighbours.some(isGateway)) missing.push(`no permanent neighbour ${via}`);
  }
  return missing;
}

/** Whether the kernel refused because something of that name is there already. */
export function isNameTaken(error: unknown): boolean {
  return error instanceof KernelCallError && error.facts.errno === 'EEXIST';
}

export function interfaceTaken(attachment: Attachment, cause: unknown): FairleadError {
  const sentence = `the pod already has an interface ${attachment.interfaceName}`;
  return new FairleadError('pods/interface-exists', sentence, { cause, field: 'CNI_IFNAME' });
}
