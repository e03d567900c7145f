import { encodeElementKey } from '../nft/element-key.ts';
import { keyWriterOf } from '../nft/key-writer.ts';
import { flags, request } from './request.ts';
import type { Request } from './request.ts';
import { nested, text, u32, viewOf } from './wire.ts';
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
  /** What a map leads to, as nft declares it; absent for a set, for verdicts and for marks. */
  readonly valueType?: string;
  /** Keys and values as nft writes them; of a set the values are empty, of a verdict map `jump CHAIN` or `goto CHAIN`. */
  readonly add: readonly (readonly [key: string, value: string])[];
}

/** <linux/netfilter/nf_tables.h>, <linux/netfilter/nfnetlink.h> */
const messages = { begin: 0x10, end: 0x11, newElement: 0x0a0c, deleteElement: 0x0a0e } as const;
const nftables = 10;
const inet = Uint8Array.of(1, 0, 0, 0);
const nestedFlag = 0x8000;
const elementList = { table: 1, set: 2, elements: 3 } as const;
const listItem = 1;
const element = { key: 1, data: 2, keyEnd: 10 } as const;
const data = { value: 1, verdict: 2 } as const;
const verdict = { code: 1, chain: 2 } as const;
/** NFT_JUMP: -3, NFT_GOTO: -4 */
const verdictCodes = { jump: 0xffff_fffd, goto: 0xffff_fffc } as const;
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
  const removed = change.remove.map(key => [key, ''] as const);
  return [
    ...messagesOf(change, messages.deleteElement, flags.request | flags.acknowledge, removed),
    ...messagesOf(change, messages.newElement, flags.request | flags.acknowledge | flags.create, change.add),
  ];
}

function messagesOf(
  change: NftElementChange,
  type: number,
  requestFlags: number,
  entries: NftElementChange['add'],
): readonly Request[] {
  if (entries.length === 0) return [];
  const requests: Request[] = [];
  const encode = elementEncoder(change);
  for (let from = 0; from < entries.length; from += elementsInMessage)
    requests.push(
      request(type, requestFlags, inet, [
        [elementList.table, text(change.table)],
        [elementList.set, text(change.set)],
        [elementList.elements | nestedFlag, encode(entries.slice(from, from + elementsInMessage))],
      ]),
    );
  return requests;
}

type Encode = (entries: NftElementChange['add']) => Uint8Array;

/** Elements without ranges whose parts are well known are written in one go; others attribute by attribute. */
function elementEncoder(change: NftElementChange): Encode {
  const { isInterval, type, valueType } = change;
  const key = isInterval ? undefined : keyWriterOf(type);
  const value = valueType === undefined ? undefined : keyWriterOf(valueType);
  const encodeAny: Encode = entries =>
    nested(entries.map(([one, leadsTo]) => encodeElement(change, one, leadsTo)));
  if (key === undefined || (valueType !== undefined && value === undefined)) return encodeAny;
  const verdicts = new Map<string, Uint8Array>();
  const verdictOf = (leadsTo: string): Uint8Array => {
    const encoded = verdicts.get(leadsTo) ?? encodeValue(leadsTo, valueType);
    verdicts.set(leadsTo, encoded);
    return encoded;
  };
  return entries => {
    const values = entries.map(([, leadsTo]) =>
      leadsTo === '' || value !== undefined ? none : verdictOf(leadsTo),
    );
    const lengthOf = (index: number) => {
      const isMapped = entries[index]?.[1] !== '';
      const data = value === undefined ? (values[index]?.length ?? 0) : 4 + value.length;
      return 4 + 8 + key.length + (isMapped ? 4 + data : 0);
    };
    const bytes = new Uint8Array(entries.reduce((sum, _, index) => sum + lengthOf(index), 0));
    const view = viewOf(bytes);
    const attribute = (at: number, length: number, kind: number) => {
      view.setUint16(at, length, true);
      view.setUint16(at + 2, kind, true);
    };
    let at = 0;
    for (const [index, [one, leadsTo]] of entries.entries()) {
      const length = lengthOf(index);
      attribute(at, length, listItem | nestedFlag);
      attribute(at + 4, 8 + key.length, element.key | nestedFlag);
      attribute(at + 8, 4 + key.length, data.value);
      key.write(one, bytes, at + 12);
      const next = at + 12 + key.length;
      if (leadsTo !== '') {
        attribute(next, at + length - next, element.data | nestedFlag);
        if (value === undefined) bytes.set(values[index] ?? none, next + 4);
        else {
          attribute(next + 4, 4 + value.length, data.value);
          value.write(leadsTo, bytes, next + 8);
        }
      }
      at += length;
    }
    return bytes;
  };
}

const none = new Uint8Array(0);

function encodeElement(
  { type, isInterval, valueType }: NftElementChange,
  key: string,
  value: string,
): Attribute {
  const wrapped = (bytes: Uint8Array) => nested([[data.value, bytes]]);
  return [
    listItem | nestedFlag,
    nested([
      [element.key | nestedFlag, wrapped(encodeElementKey(type, key, isInterval))],
      isInterval
        ? [element.keyEnd | nestedFlag, wrapped(encodeElementKey(type, key, isInterval, 'upper'))]
        : undefined,
      value === '' ? undefined : [element.data | nestedFlag, encodeValue(value, valueType)],
    ]),
  ];
}

/** The content of NFTA_SET_ELEM_DATA. */
function encodeValue(value: string, type: string | undefined): Uint8Array {
  const [verb = '', chain = ''] = value.split(' ', 2);
  if (verb !== 'jump' && verb !== 'goto')
    return nested([
      [data.value, type === undefined ? u32(Number(value)) : encodeElementKey(type, value, false)],
    ]);
  return nested([
    [
      data.verdict | nestedFlag,
      nested([
        [verdict.code, u32(verdictCodes[verb], 'network')],
        [verdict.chain, text(chain)],
      ]),
    ],
  ]);
}
