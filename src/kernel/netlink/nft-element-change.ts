import { encodeElementKey } from '../nft/element-key.ts';
import { flags, request } from './request.ts';
import type { Request } from './request.ts';
import { nested, text, u32 } from './wire.ts';
import type { Attribute } from './wire.ts';

/** Elements of one set or map of an inet table. */
export interface NftElementChange {
  readonly table: string;
  readonly set: string;
  /** The set's key as nft declares it: `ipv4_addr . inet_proto`. */
  readonly type: string;
  /** It is declared with `flags interval`; such a set has to be of several fields. */
  readonly isInterval: boolean;
  /** Keys as nft writes them. */
  readonly remove: readonly string[];
  /** Keys and values; of a set the values are empty, of a map numbers (marks) or `jump CHAIN`. */
  readonly add: readonly (readonly [key: string, value: string])[];
}

/** <linux/netfilter/nf_tables.h>, <linux/netfilter/nfnetlink.h> */
const messages = { begin: 0x10, end: 0x11, newElement: 0x0a0c, deleteElement: 0x0a0e } as const;
const nftables = 10;
const inet = Uint8Array.of(1, 0, 0, 0);
const nestedFlag = 0x8000;
const elementList = { table: 1, set: 2, elements: 3 } as const;
const element = { key: 1, data: 2, keyEnd: 10 } as const;
const data = { value: 1, verdict: 2 } as const;
const verdict = { code: 1, chain: 2 } as const;
/** NFT_JUMP: -3 */
const jump = 0xffff_fffd;
/** An attribute has less than 64 KiB; an element less than 128 bytes. */
const elementsInMessage = 400;

const mark = (type: number): Request => ({
  type,
  flags: flags.request,
  body: Uint8Array.of(0, 0, 0, nftables), // the resource is the subsystem
});
export const beginBatch = mark(messages.begin);
export const endBatch = mark(messages.end);

/** What goes before what comes: an interval that comes may cover it. */
export function encodeElementChange(change: NftElementChange): readonly Request[] {
  const removed = change.remove.map(key => encodeElement(change, key, ''));
  const added = change.add.map(([key, value]) => encodeElement(change, key, value));
  return [
    ...messagesOf(change, messages.deleteElement, flags.request | flags.acknowledge, removed),
    ...messagesOf(change, messages.newElement, flags.request | flags.acknowledge | flags.create, added),
  ];
}

function messagesOf(
  { table, set }: NftElementChange,
  type: number,
  requestFlags: number,
  elements: readonly Attribute[],
): readonly Request[] {
  const requests: Request[] = [];
  for (let from = 0; from < elements.length; from += elementsInMessage)
    requests.push(
      request(type, requestFlags, inet, [
        [elementList.table, text(table)],
        [elementList.set, text(set)],
        [elementList.elements | nestedFlag, nested(elements.slice(from, from + elementsInMessage))],
      ]),
    );
  return requests;
}

function encodeElement({ type, isInterval }: NftElementChange, key: string, value: string): Attribute {
  const wrapped = (bytes: Uint8Array) => nested([[data.value, bytes]]);
  return [
    1 | nestedFlag,
    nested([
      [element.key | nestedFlag, wrapped(encodeElementKey(type, key, isInterval))],
      isInterval
        ? [element.keyEnd | nestedFlag, wrapped(encodeElementKey(type, key, isInterval, 'upper'))]
        : undefined,
      value === '' ? undefined : [element.data | nestedFlag, encodeValue(value)],
    ]),
  ];
}

function encodeValue(value: string): Uint8Array {
  if (!value.startsWith('jump ')) return nested([[data.value, u32(Number(value))]]);
  return nested([
    [
      data.verdict | nestedFlag,
      nested([
        [verdict.code, u32(jump, 'network')],
        [verdict.chain, text(value.slice('jump '.length))],
      ]),
    ],
  ]);
}
