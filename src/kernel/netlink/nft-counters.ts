import { decodeAttributes, listAttributes, nested, text, viewOf } from './wire.ts';
import { flags, request } from './request.ts';
import type { Request } from './request.ts';

/** What passed a rule or an element, since it stands in the kernel. */
export interface NftCounter {
  readonly packets: number;
  readonly bytes: number;
}

/** <linux/netfilter/nf_tables.h>; the subsystem of nfnetlink is the upper byte. */
const messages = { getRule: 0x0a07, getElement: 0x0a0d } as const;
const inet = Uint8Array.of(1, 0, 0, 0);
const nestedFlag = 0x8000;
const listElement = 1;
const elementList = { table: 1, set: 2, elements: 3 } as const;
const element = { key: 1, value: 1, expression: 7, expressions: 11 } as const;
const rule = { table: 1, chain: 2, expressions: 4 } as const;
const expression = { name: 1, data: 2 } as const;
const counter = { bytes: 1, packets: 2 } as const;

/** One element by its key: nothing else of the set is read. */
export function encodeElementGet(table: string, set: string, key: Uint8Array): Request {
  const one = nested([[element.key | nestedFlag, nested([[element.value, key]])]]);
  return request(messages.getElement, flags.request, inet, [
    [elementList.table, text(table)],
    [elementList.set, text(set)],
    [elementList.elements | nestedFlag, nested([[listElement | nestedFlag, one]])],
  ]);
}

/** The rules of one chain. */
export function encodeChainDump(table: string, chain: string): Request {
  return request(messages.getRule, flags.request | flags.dump, inet, [
    [rule.table, text(table)],
    [rule.chain, text(chain)],
  ]);
}

/** Undefined where the element has no counter. */
export function decodeElementCounter(body: Uint8Array): NftCounter | undefined {
  const list = decodeAttributes(body, 4).get(elementList.elements);
  const one = list === undefined ? undefined : decodeAttributes(list, 0).get(listElement);
  if (one === undefined) return undefined;
  const fields = decodeAttributes(one, 0);
  const single = fields.get(element.expression);
  const several = fields.get(element.expressions);
  return single === undefined ? several && decodeCounters(several) : decodeCounter(single);
}

/** The rule's counters together; undefined where it has none. */
export function decodeRuleCounter(body: Uint8Array): NftCounter | undefined {
  const expressions = decodeAttributes(body, 4).get(rule.expressions);
  return expressions === undefined ? undefined : decodeCounters(expressions);
}

function decodeCounters(list: Uint8Array): NftCounter | undefined {
  const found = listAttributes(list, 0)
    .map(([, value]) => decodeCounter(value))
    .filter(one => one !== undefined);
  return found.length === 0 ? undefined : sumOf(found);
}

export const sumOf = (counters: readonly NftCounter[]): NftCounter => ({
  packets: counters.reduce((sum, one) => sum + one.packets, 0),
  bytes: counters.reduce((sum, one) => sum + one.bytes, 0),
});

function decodeCounter(bytes: Uint8Array): NftCounter | undefined {
  const fields = decodeAttributes(bytes, 0);
  const data = fields.get(expression.data);
  const name = new TextDecoder().decode(fields.get(expression.name)).replace('\0', '');
  if (name !== 'counter' || data === undefined) return undefined;
  const values = decodeAttributes(data, 0);
  const read = (value: Uint8Array | undefined) =>
    value === undefined || value.length < 8 ? 0 : Number(viewOf(value).getBigUint64(0, false));
  return { packets: read(values.get(counter.packets)), bytes: read(values.get(counter.bytes)) };
}
