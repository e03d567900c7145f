import { formatAddress } from '../base/ip.ts';
import type { RouteOperation } from '../kernel/netlink/index.ts';
import type { PodKernel } from './apply-kernel.ts';
import { readKernel, readTable } from './apply-read.ts';
import type { KernelState } from './apply-read.ts';
import { applyTolerant } from './apply-tolerant.ts';
import type { Refusal } from './apply-tolerant.ts';
import { entryOperations } from './apply-entries.ts';
import type { Entries } from './apply-entries.ts';
import { forwardingKey, keyed, neighbourKey, routeKey } from './compile-program.ts';
import type { NetworkProgram, VxlanLink } from './compile-program.ts';
import { compileRules, renderAnew, renderDelta, stateOf } from './compile-rules.ts';

/** How many things of each kind were put right. */
export interface Corrections {
  readonly links: number;
  readonly routes: number;
  readonly neighbours: number;
  readonly forwarding: number;
  readonly rules: number;
}

export interface Applied {
  readonly corrections: Corrections;
  readonly refusals: readonly Refusal[];
  /** What the rules that are in force now do: to be given to the next comparison. */
  readonly fingerprint: string | undefined;
}

export const countOf = (corrections: Corrections): number =>
  Object.values(corrections).reduce<number>((sum, count) => sum + Number(count), 0);

/**
 * Brings the kernel from whatever it has to the program, with the smallest change: what is right is not touched. May be
 * repeated; after a crash it adopts. `fingerprint` is the one that the last comparison gave: with it, a rule is noticed
 * that does something else than its comment says; without one, after a start, the comments are believed.
 */
export async function applyNetwork(
  kernel: PodKernel,
  program: NetworkProgram,
  fingerprint: string | undefined,
): Promise<Applied> {
  const state = await readKernel(kernel);
  const table = await readTable(kernel);
  const wanted = compileRules(program.sets);
  const isTrusted = table === undefined || (fingerprint ?? table.fingerprint) === table.fingerprint;
  const rules = isTrusted ? renderDelta(table?.state, wanted) : renderAnew(table.state, wanted);
  const { operations, corrections } = networkDelta(state, program);
  // Masquerading comes first: a route to a pod that is not yet known as one would show it the node's address.
  if (rules !== '') await kernel.nft(rules);
  const refusals = await applyTolerant(kernel, operations);
  return {
    corrections: { ...corrections, rules: rules === '' ? 0 : rules.split('\n').length - 1 },
    refusals,
    fingerprint: (rules === '' ? table : await readTable(kernel))?.fingerprint,
  };
}

/** The same from the program that is in force, without reading the kernel: the cost of a change is that of the change. */
export async function applyChange(
  kernel: PodKernel,
  before: NetworkProgram,
  after: NetworkProgram,
): Promise<readonly Refusal[]> {
  const rules = renderDelta(stateOf(compileRules(before.sets)), compileRules(after.sets));
  if (rules !== '') await kernel.nft(rules);
  return applyTolerant(kernel, programDelta(before, after));
}

function networkDelta(
  state: KernelState,
  program: NetworkProgram,
): { readonly operations: readonly RouteOperation[]; readonly corrections: Omit<Corrections, 'rules'> } {
  const links = linkOperations(state, program.vxlan);
  const isFresh = links.some(operation => operation.do === 'link-add');
  const forwarding = isFresh ? [] : state.forwarding;
  const actual: Entries = {
    routes: keyed(
      isFresh ? state.routes.filter(route => route.device !== program.vxlan?.name) : state.routes,
      routeKey,
    ),
    neighbours: keyed(
      isFresh ? state.neighbours.filter(entry => entry.device !== program.vxlan?.name) : state.neighbours,
      neighbourKey,
    ),
    forwarding: keyed(forwarding, forwardingKey),
  };
  const missing = (device: string) => isPodDevice(device) && !state.podLinks.has(device);
  const desired: Entries = {
    // A pod whose veth was taken away cannot be given it back: its routes wait for DEL and another ADD.
    routes: new Map([...program.routes].filter(([, route]) => !missing(route.device))),
    neighbours: new Map([...program.neighbours].filter(([, entry]) => !missing(entry.device))),
    forwarding: program.forwarding,
  };
  const entries = entryOperations(actual, desired);
  const down = [...state.podLinks.values()].filter(
    link => !link.up && [...program.routes.values()].some(route => route.device === link.name),
  );
  const up = down.map((link): RouteOperation => ({ do: 'link-set', dev: link.name, up: true }));
  const count = (prefix: string) => entries.filter(operation => operation.do.startsWith(prefix)).length;
  return {
    operations: [...links, ...up, ...entries, ...removeVxlan(state, program.vxlan)],
    corrections: {
      links: links.length + up.length,
      routes: count('route-'),
      neighbours: count('neighbour-'),
      forwarding: count('fdb-'),
    },
  };
}

const isPodDevice = (device: string): boolean => /^fl[0-9a-f]{11}$/.test(device);

function programDelta(before: NetworkProgram, after: NetworkProgram): readonly RouteOperation[] {
  const replaced = JSON.stringify(vxlanText(before.vxlan)) !== JSON.stringify(vxlanText(after.vxlan));
  if (!replaced) return entryOperations(before, after);
  const without = <V extends { readonly device: string }>(entries: ReadonlyMap<string, V>) =>
    new Map([...entries].filter(([, entry]) => entry.device !== before.vxlan?.name));
  const rest: Entries = {
    routes: without(before.routes),
    neighbours: without(before.neighbours),
    forwarding: without(before.forwarding),
  };
  return [
    ...(before.vxlan === undefined ? [] : [{ do: 'link-delete', dev: before.vxlan.name } as const]),
    ...(after.vxlan === undefined ? [] : vxlanAdd(after.vxlan)),
    ...entryOperations(rest, after),
  ];
}

/** A VXLAN link's identity cannot be changed in place: one that differs is replaced. */
function linkOperations(state: KernelState, vxlan: VxlanLink | undefined): readonly RouteOperation[] {
  if (vxlan === undefined) return [];
  const present = state.vxlan;
  if (present === undefined) return vxlanAdd(vxlan);
  const isSame =
    present.kind === 'vxlan' &&
    present.mac === vxlan.mac &&
    present.vxlan?.id === vxlan.id &&
    present.vxlan.port === vxlan.port &&
    present.vxlan.local === formatAddress(vxlan.local) &&
    !present.vxlan.learning;
  if (!isSame) return [{ do: 'link-delete', dev: vxlan.name }, ...vxlanAdd(vxlan)];
  if (present.up && present.mtu === vxlan.mtu) return [];
  return [{ do: 'link-set', dev: vxlan.name, mtu: vxlan.mtu, up: true }];
}

function removeVxlan(state: KernelState, vxlan: VxlanLink | undefined): readonly RouteOperation[] {
  return vxlan === undefined && state.vxlan !== undefined
    ? [{ do: 'link-delete', dev: state.vxlan.name }]
    : [];
}

function vxlanAdd(vxlan: VxlanLink): readonly RouteOperation[] {
  const { name, id, port, local, mac, mtu } = vxlan;
  return [
    {
      do: 'link-add',
      kind: 'vxlan',
      name,
      id,
      port,
      local: formatAddress(local),
      mac,
      mtu,
      linkLocal: 'none',
      up: true,
    },
  ];
}

const vxlanText = (vxlan: VxlanLink | undefined) =>
  vxlan === undefined ? undefined : { ...vxlan, local: formatAddress(vxlan.local) };
