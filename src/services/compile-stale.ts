import { bitsOf, parseAddress, parsePrefix, prefixOf } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import type { GroupDelta } from './compile-delta.ts';
import type { Element } from './compile-nft.ts';

/** Tracked flows that go on to where the Service no longer leads, in the shape of kernel/netlink's ConnectionFilter. */
export interface StaleFlow {
  readonly protocol: number;
  readonly original: { readonly destination: string; readonly destinationPort: number };
  /** Who answers the flow: an endpoint that is gone, or the cluster address itself where nothing was translated. */
  readonly reply: { readonly source: string; readonly sourcePort: number };
}

/** IANA protocol number. A UDP flow has no end: its translation lives as long as the client goes on sending. */
const udp = 17;

/** Clients of a front end who may go on; flows of others end. */
export interface ClientCut {
  readonly protocol: number;
  readonly original: { readonly destination: string; readonly destinationPort: number };
  readonly allowed: readonly Prefix[];
}

/** Flows of clients who may not come any more: what is tracked already is not asked again. */
export function cutFlows(deltas: readonly GroupDelta[]): readonly ClientCut[] {
  return deltas.filter(isOfUdp).flatMap(({ add, group, remove }) => {
    const isTighter =
      remove.some(({ set }) => set.startsWith('allowed')) || add.some(({ set }) => set.startsWith('guarded'));
    const guard = group?.elements.find(({ set }) => set.startsWith('guarded'));
    if (!isTighter || guard === undefined) return [];
    const [destination = '', , port = ''] = partsOf(guard.key);
    const allowed = (group?.elements ?? [])
      .filter(({ set }) => set.startsWith('allowed'))
      .flatMap(({ key }) => {
        const range = partsOf(key)[3] ?? '';
        const address = parseAddress(range);
        return address === undefined
          ? (parsePrefix(range) ?? [])
          : [prefixOf(address, bitsOf(address.family))];
      });
    return [{ protocol: udp, original: { destination, destinationPort: Number(port) }, allowed }];
  });
}

/** After these changes. TCP connections are left alone: their ends notice, and a terminating endpoint serves on. */
export function staleFlows(deltas: readonly GroupDelta[]): readonly StaleFlow[] {
  return deltas.filter(isOfUdp).flatMap(({ group, add, remove }) => {
    const kept = new Set((group?.elements ?? []).map(({ key, value }) => `${addressOf(key)} ${value}`));
    const left = remove.flatMap(element => {
      const isGone = element.set.startsWith('endpoints') && !isKept(kept, element);
      const flow = isGone ? flowTo(element, element.value) : undefined;
      return flow === undefined ? [] : [flow];
    });
    // What was sent before there was a Service went out untranslated.
    const early = add.flatMap(element => {
      const flow = element.set.startsWith('counters') ? flowTo(element, addressOf(element.key)) : undefined;
      return flow === undefined ? [] : [flow];
    });
    return [...left, ...early];
  });
}

const isOfUdp = ({ add, remove }: GroupDelta): boolean =>
  [add, remove].some(elements => elements.some(({ key }) => key.includes(' . udp . ')));

/** `10.96.0.10 . udp . 53 . 0:1` and `10.96.0.10 . udp . 53` both begin with what the client sends to. */
const partsOf = (key: string): readonly string[] => key.split(' . ');

function addressOf(key: string): string {
  const [address = '', , port = ''] = partsOf(key);
  return `${address} . ${port}`;
}

const isKept = (kept: ReadonlySet<string>, { key, value }: Element): boolean =>
  kept.has(`${addressOf(key)} ${value}`);

function flowTo({ key }: Element, place: string): StaleFlow | undefined {
  const [destination = '', protocol, port = ''] = partsOf(key);
  const [source = '', sourcePort = ''] = place.split(' . ');
  if (protocol !== 'udp') return undefined;
  return {
    protocol: udp,
    original: { destination, destinationPort: Number(port) },
    reply: { source, sourcePort: Number(sourcePort) },
  };
}
