import { flags, request } from './request.ts';
import type { Request } from './request.ts';
import { decodeAttributes, readText, readU32, text } from './wire.ts';

/** <linux/netfilter/nf_tables.h>; the subsystem of nfnetlink is the upper byte. */
const messages = { getChain: 0x0a04, getRule: 0x0a07, getSet: 0x0a0a } as const;
const inet = Uint8Array.of(1, 0, 0, 0);
const set = { table: 1, name: 2, flags: 3, userData: 13 } as const;
const chain = { table: 1, name: 3 } as const;
const rule = { table: 1, chain: 2, userData: 7 } as const;
const anonymous = 1;
/** libnftnl's user data: type, length, value; comments have a type of their own in each kind of object. */
const comment = { rule: 0, set: 7 } as const;

/** A name, and the comment that stands at it. */
export interface Commented {
  readonly name: string;
  readonly comment: string | undefined;
}

export function encodeSetsDump(table: string): Request {
  return request(messages.getSet, flags.request | flags.dump, inet, [[set.table, text(table)]]);
}

/** Of all tables of the family: the kernel does not choose. */
export function encodeChainsDump(): Request {
  return request(messages.getChain, flags.request | flags.dump, inet, []);
}

export function encodeRulesDump(table: string): Request {
  return request(messages.getRule, flags.request | flags.dump, inet, [[rule.table, text(table)]]);
}

/** Undefined for a set that a rule has for itself. */
export function decodeSet(body: Uint8Array): Commented | undefined {
  const fields = decodeAttributes(body, 4);
  const bits = readU32(fields.get(set.flags), 'network') ?? 0;
  const name = readText(fields.get(set.name));
  if (name === undefined || (bits & anonymous) !== 0) return undefined;
  return { name, comment: commentIn(fields.get(set.userData), comment.set) };
}

export function decodeChain(body: Uint8Array): { readonly table: string; readonly name: string } | undefined {
  const fields = decodeAttributes(body, 4);
  const [table, name] = [readText(fields.get(chain.table)), readText(fields.get(chain.name))];
  return table === undefined || name === undefined ? undefined : { table, name };
}

/** `name` is that of the rule's chain; rules come in their order. */
export function decodeRule(body: Uint8Array): Commented | undefined {
  const fields = decodeAttributes(body, 4);
  const name = readText(fields.get(rule.chain));
  if (name === undefined) return undefined;
  return { name, comment: commentIn(fields.get(rule.userData), comment.rule) };
}

function commentIn(userData: Uint8Array | undefined, type: number): string | undefined {
  if (userData === undefined) return undefined;
  for (let at = 0; at + 2 <= userData.length;) {
    const length = userData[at + 1] ?? 0;
    if (userData[at] === type) return readText(userData.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return undefined;
}
