import type { BpfMapChange } from '../kernel/bpf/index.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import {
  chunks,
  entriesOf,
  idKeys,
  isUdp,
  joined,
  lengths,
  localKeys,
  placesIn,
  slotKeys,
  textOf,
  viewOn,
} from './compile-ebpf.ts';
import type { SocketGroup } from './compile-ebpf.ts';

/** Pins of the maps that the agent writes. */
export interface SocketMapPins {
  readonly frontends: string;
  readonly endpoints: string;
  readonly locals: string;
  readonly connections: string;
}

/** How many entries each may have. */
export interface SocketMapSizes {
  readonly frontends: number;
  readonly endpoints: number;
  readonly locals: number;
}

/** A front end by its bytes; without a group it is left to nftables. */
export interface SocketChange {
  readonly key: Uint8Array;
  readonly group: SocketGroup | undefined;
}

/** Endpoints that a UDP front end no longer leads to: place and endpoints, as `textOf` and `placesIn` write them. */
export type GoneEndpoints = ReadonlyMap<string, ReadonlySet<string>>;

type MapKernel = Pick<KernelWorker, 'readBpfMap' | 'lookUpBpfMap' | 'changeBpfMaps'>;

/** What front ends need together. */
export function sizesOf(groups: Iterable<SocketGroup>): SocketMapSizes {
  const sizes = { frontends: 0, endpoints: 0, locals: 0 };
  for (const group of groups) {
    sizes.frontends++;
    sizes.endpoints += entriesOf(group);
    sizes.locals += group.locals.length / lengths.address;
  }
  return sizes;
}

/**
 * Writes the whole difference to what the maps have. A reader meets either what was or what will be: endpoints come
 * before the front ends that lead to them, and go after. Returns how many entries were not as they have to be.
 */
export async function adoptMaps(
  kernel: MapKernel,
  pins: SocketMapPins,
  groups: Iterable<SocketGroup>,
): Promise<number> {
  const empty = await kernel.readBpfMap(pins.frontends);
  // After a start there is nothing to compare with, and a large cluster would be held in memory twice for it.
  if (empty.keys.length === 0 && (await kernel.readBpfMap(pins.endpoints)).keys.length === 0)
    return fillMaps(kernel, pins, groups);
  const wanted = {
    frontends: new Map<string, Uint8Array>(),
    endpoints: new Map<string, Uint8Array>(),
    locals: new Map<string, Uint8Array>(),
  };
  for (const group of groups) {
    wanted.frontends.set(textOf(group.key), group.frontend);
    addEntries(wanted.endpoints, slotKeys(group.key, 0, choicesOf(group)), group.endpoints);
    if (group.byId) addEntries(wanted.endpoints, idKeys(group.key, group.endpoints), group.endpoints);
    for (const key of chunks(localKeys(group), lengths.local)) wanted.locals.set(textOf(key), yes);
  }
  const [frontends, endpoints, locals] = [
    await difference(kernel, pins.frontends, wanted.frontends, lengths.place, lengths.frontend),
    await difference(kernel, pins.endpoints, wanted.endpoints, lengths.slot, lengths.endpoint),
    await difference(kernel, pins.locals, wanted.locals, lengths.local, yes.length),
  ];
  await kernel.changeBpfMaps([
    ...[locals, endpoints, frontends].flatMap(({ set }) => set),
    ...[frontends, endpoints, locals].flatMap(({ remove }) => remove),
  ]);
  return frontends.count + endpoints.count + locals.count;
}

/** Writes all of them, some at once. */
async function fillMaps(
  kernel: MapKernel,
  pins: SocketMapPins,
  groups: Iterable<SocketGroup>,
): Promise<number> {
  let count = 0;
  let some: SocketGroup[] = [];
  const write = async () => {
    const locals = joined(some.map(localKeys));
    const entries = some.map(group => ({
      keys: joined([
        slotKeys(group.key, 0, choicesOf(group)),
        ...(group.byId ? [idKeys(group.key, group.endpoints)] : []),
      ]),
      values: joined(group.byId ? [group.endpoints, group.endpoints] : [group.endpoints]),
    }));
    const endpoints = {
      keys: joined(entries.map(({ keys }) => keys)),
      values: joined(entries.map(({ values }) => values)),
    };
    const frontends = {
      keys: joined(some.map(({ key }) => key)),
      values: joined(some.map(({ frontend }) => frontend)),
    };
    await kernel.changeBpfMaps([
      { pin: pins.locals, set: { keys: locals, values: repeated(locals.length / lengths.local) } },
      { pin: pins.endpoints, set: endpoints },
      { pin: pins.frontends, set: frontends },
    ]);
    count += some.length + endpoints.keys.length / lengths.slot + locals.length / lengths.local;
    some = [];
  };
  for (const group of groups) {
    some.push(group);
    if (some.length === groupsAtOnce) await write();
  }
  if (some.length > 0) await write();
  return count;
}

const groupsAtOnce = 256;

/** The smallest change of single front ends; reads their own entries alone. */
export async function changeMaps(
  kernel: MapKernel,
  pins: SocketMapPins,
  changes: readonly SocketChange[],
): Promise<GoneEndpoints> {
  const before = await readGroups(
    kernel,
    pins,
    changes.map(({ key }) => key),
  );
  const steps = changes.map((change, index) => stepsOf(change, before[index]));
  const gather = (name: keyof Steps, length: number) =>
    joined(steps.flatMap(step => [...chunks(step[name], length)]));
  const frontends = changes.flatMap(({ key, group }) => (group === undefined ? [] : [{ key, group }]));
  const left = changes.flatMap(({ key, group }) => (group === undefined ? [key] : []));
  const newLocals = gather('locals', lengths.local);
  await kernel.changeBpfMaps([
    { pin: pins.locals, set: { keys: newLocals, values: repeated(newLocals.length / lengths.local) } },
    {
      pin: pins.endpoints,
      set: {
        keys: gather('endpointKeys', lengths.slot),
        values: gather('endpointValues', lengths.endpoint),
      },
    },
    {
      pin: pins.frontends,
      set: {
        keys: joined(frontends.map(({ key }) => key)),
        values: joined(frontends.map(({ group }) => group.frontend)),
      },
    },
    { pin: pins.frontends, remove: joined(left) },
    { pin: pins.endpoints, remove: gather('gone', lengths.slot) },
    { pin: pins.locals, remove: gather('goneLocals', lengths.local) },
    { pin: pins.connections, remove: gather('goneCounters', lengths.counted) },
  ]);
  return new Map(
    steps.flatMap(({ stale }, index) => {
      const key = changes[index]?.key;
      return key === undefined || stale.size === 0 ? [] : [[textOf(key), stale] as const];
    }),
  );
}

/** What of one front end has to be written, and what to be taken away. */
interface Steps {
  readonly locals: Uint8Array;
  readonly endpointKeys: Uint8Array;
  readonly endpointValues: Uint8Array;
  readonly gone: Uint8Array;
  readonly goneLocals: Uint8Array;
  readonly goneCounters: Uint8Array;
}

interface Present {
  readonly byId: boolean;
  readonly endpoints: Uint8Array;
}

function stepsOf(
  { key, group }: SocketChange,
  { byId, endpoints: old }: Present = { byId: false, endpoints: nothing },
): Steps & { readonly stale: ReadonlySet<string> } {
  const endpoints = group?.endpoints ?? nothing;
  const [oldSlots, newSlots] = [old, endpoints].map(all => [...chunks(all, lengths.endpoint)]) as [
    Uint8Array[],
    Uint8Array[],
  ];
  const moved = newSlots.flatMap((one, slot) => (isSame(one, oldSlots[slot]) ? [] : [slot]));
  const known = new Set(byId ? oldSlots.map(textOf) : []);
  const toAdd = group?.byId === true ? newSlots.filter(one => !known.has(textOf(one))) : [];
  const kept = new Set(newSlots.map(textOf));
  const places = new Set(placesIn(endpoints));
  const leaving = oldSlots.filter(one => !places.has(textOf(one.subarray(0, placeLength))));
  const withoutId = byId ? oldSlots.filter(one => group?.byId !== true || !kept.has(textOf(one))) : [];
  const locals = group === undefined ? nothing : localKeys(group);
  const isLocal = new Set([...chunks(locals, lengths.local)].map(textOf));
  const oldLocals = oldSlots.map(one => joined([key, one.subarray(0, lengths.address)]));
  return {
    locals,
    endpointKeys: joined([...moved.map(slot => slotKeys(key, slot, slot + 1)), idKeys(key, joined(toAdd))]),
    endpointValues: joined([...moved.flatMap(slot => newSlots[slot] ?? []), ...toAdd]),
    gone: joined([slotKeys(key, newSlots.length, oldSlots.length), idKeys(key, joined(withoutId))]),
    goneLocals: joined(oldLocals.filter(one => !isLocal.has(textOf(one)))),
    goneCounters: joined(leaving.map(one => counterKey(key, one))),
    stale: new Set(isUdp(key) ? leaving.map(one => textOf(one.subarray(0, placeLength))) : []),
  };
}

/** What the maps have of these front ends, by their slots. */
async function readGroups(
  kernel: MapKernel,
  pins: SocketMapPins,
  keys: readonly Uint8Array[],
): Promise<readonly Present[]> {
  const found = await kernel.lookUpBpfMap(pins.frontends, joined(keys));
  const frontends = [...chunks(found.values, lengths.frontend)].map((bytes, index) => ({
    choices: found.present[index] === 1 ? viewOn(bytes).getUint32(0, true) : 0,
    isSticky: viewOn(bytes).getUint32(8, true) > 0,
  }));
  const slots = await kernel.lookUpBpfMap(
    pins.endpoints,
    joined(keys.map((key, index) => slotKeys(key, 0, frontends[index]?.choices ?? 0))),
  );
  let at = 0;
  return frontends.map(({ choices, isSticky }, index) => {
    const endpoints = slots.values.subarray(at, (at += choices * lengths.endpoint));
    const key = keys[index];
    return { byId: isSticky || (key !== undefined && isUdp(key)), endpoints };
  });
}

/** Key of `connections`. */
export function counterKey(place: Uint8Array, endpoint: Uint8Array): Uint8Array {
  return joined([place, endpoint.subarray(0, placeLength), new Uint8Array(2)]);
}

async function difference(
  kernel: MapKernel,
  pin: string,
  wanted: ReadonlyMap<string, Uint8Array>,
  keyLength: number,
  valueLength: number,
): Promise<{
  readonly set: readonly BpfMapChange[];
  readonly remove: readonly BpfMapChange[];
  readonly count: number;
}> {
  const found = await kernel.readBpfMap(pin);
  const values = chunks(found.values, valueLength);
  const stray: Uint8Array[] = [];
  const right = new Set<string>();
  for (const key of chunks(found.keys, keyLength)) {
    const value: Uint8Array | undefined = values.next().value ?? undefined;
    const text = textOf(key);
    const expected = wanted.get(text);
    if (expected === undefined) stray.push(key);
    else if (isSame(expected, value)) right.add(text);
  }
  const missing = [...wanted].filter(([text]) => !right.has(text));
  const keys = joined(missing.map(([text]) => Buffer.from(text, 'latin1')));
  return {
    set:
      missing.length === 0 ? [] : [{ pin, set: { keys, values: joined(missing.map(([, value]) => value)) } }],
    remove: stray.length === 0 ? [] : [{ pin, remove: joined(stray) }],
    count: missing.length + stray.length,
  };
}

function addEntries(to: Map<string, Uint8Array>, keys: Uint8Array, endpoints: Uint8Array): void {
  const values = chunks(endpoints, lengths.endpoint);
  for (const key of chunks(keys, lengths.slot)) {
    const value: Uint8Array | undefined = values.next().value ?? undefined;
    if (value !== undefined) to.set(textOf(key), value);
  }
}

const choicesOf = ({ endpoints }: SocketGroup): number => endpoints.length / lengths.endpoint;

const isSame = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && Buffer.compare(a, b) === 0;

/** The value of what is only there or not. */
const yes = Uint8Array.of(1, 0, 0, 0);
const repeated = (times: number): Uint8Array => joined(Array.from({ length: times }, () => yes));
const nothing = new Uint8Array(0);
/** Address and port: what of an endpoint does not depend on the others. */
const placeLength = 18;
