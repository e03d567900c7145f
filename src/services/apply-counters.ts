import { nft } from '../kernel/contract.ts';
import type { NftCounter, NftCounterPlace } from '../kernel/netlink/index.ts';
import { reasonProtocols, reasonSet, serviceReasons } from './compile-nft.ts';
import type { Element, ServiceReason } from './compile-nft.ts';
import { elementTypes, serviceTable } from './compile-table.ts';

/** What a front end did on this node, since its elements stand in the kernel. */
export interface FrontendCounters {
  /** New connections that were translated; for UDP, flows. */
  readonly accepted: number;
  /** Refused for want of endpoints. */
  readonly rejected: number;
  /** Dropped: no endpoint here and the policy Local, or a client out of range. */
  readonly dropped: number;
  /** An endpoint counts anew when its place among the others changes. */
  readonly endpoints: readonly EndpointCounter[];
}

export interface EndpointCounter {
  readonly address: string;
  readonly port: number;
  readonly packets: number;
}

export type ReadCounters = (
  places: readonly NftCounterPlace[],
) => Promise<readonly (NftCounter | undefined)[]>;

/** Reads the counters of a front end's elements, each by a look-up of its own. */
export async function readFrontendCounters(
  elements: readonly Element[],
  read: ReadCounters,
): Promise<FrontendCounters> {
  const places = new Map(
    elements.flatMap(element => {
      const type = countingTypes.get(element.set);
      return type === undefined ? [] : [[element, placeOf(element, type)] as const];
    }),
  );
  const counters = await read([...places.values()]);
  const counted = [...places.keys()].map((element, index) => ({
    element,
    packets: counters[index]?.packets ?? 0,
  }));
  const sum = (set: string) =>
    counted.filter(({ element }) => element.set.startsWith(set)).reduce((all, one) => all + one.packets, 0);
  const [rejected, dropped] = [sum('rejected'), sum('dropped')];
  const endpoints = new Map<string, number>();
  for (const { element, packets } of counted)
    if (element.set.startsWith('endpoints'))
      endpoints.set(element.value, (endpoints.get(element.value) ?? 0) + packets);
  return {
    accepted: Math.max(0, sum('counters') - rejected - dropped),
    rejected,
    dropped,
    endpoints: [...endpoints].map(([place, packets]) => {
      const [address = '', port = ''] = place.split(' . ');
      return { address, port: Number(port), packets };
    }),
  };
}

/** New connections that were rejected or dropped on this node, by reason, since the table stands in the kernel. */
export async function readReasons(read: ReadCounters): Promise<ReadonlyMap<ServiceReason, number>> {
  const places = serviceReasons.flatMap(reason =>
    reasonProtocols.map(key => ({
      reason,
      place: placeOf({ set: reasonSet(reason), key, value: '' }, 'inet_proto'),
    })),
  );
  const counters = await read(places.map(({ place }) => place));
  const sums = new Map<ServiceReason, number>(serviceReasons.map(reason => [reason, 0]));
  for (const [index, { reason }] of places.entries())
    sums.set(reason, (sums.get(reason) ?? 0) + (counters[index]?.packets ?? 0));
  return sums;
}

/** With what was led to the endpoints elsewhere. */
export function withMore(counters: FrontendCounters, more: readonly EndpointCounter[]): FrontendCounters {
  const packets = new Map<string, EndpointCounter>();
  for (const one of [...counters.endpoints, ...more]) {
    const place = `${one.address} ${one.port}`;
    packets.set(place, { ...one, packets: one.packets + (packets.get(place)?.packets ?? 0) });
  }
  return {
    ...counters,
    accepted: counters.accepted + more.reduce((sum, one) => sum + one.packets, 0),
    endpoints: [...packets.values()],
  };
}

const counting: ReadonlySet<string> = new Set(
  serviceTable.sets.flatMap(({ name, declaration }) => (declaration.includes('; counter ;') ? [name] : [])),
);

function placeOf({ set, key }: Element, type: string): NftCounterPlace {
  return { table: nft.tables.services, set, type, isInterval: false, element: key };
}

/** The types of the keys of sets that count. */
const countingTypes: ReadonlyMap<string, string> = new Map(
  [...elementTypes()].flatMap(([name, { key }]) => (counting.has(name) ? [[name, key] as const] : [])),
);
