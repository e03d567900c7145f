import type { Family } from '../../base/ip.ts';
import { bytesOf } from '../../base/ip.ts';
import { routing } from '../contract.ts';
import type { RuleKey } from './operation.ts';
import { flags, request } from './request.ts';
import type { Request } from './request.ts';
import { decodePrefix, familyNumber, familyOf, refuse, requireName, requirePrefix } from './values.ts';
import { decodeAttributes, optional, readText, readU32, readU8, text, u32, u8 } from './wire.ts';

/** A rule of policy routing. Rules that the kernel brings have protocol 2. */
export interface Rule {
  readonly family: Family;
  readonly priority: number;
  readonly action: 'table' | 'unreachable' | 'blackhole' | 'prohibit' | number;
  readonly table: number;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly incoming: string | undefined;
  readonly outgoing: string | undefined;
  readonly mark: number | undefined;
  readonly mask: number | undefined;
  readonly protocol: number;
}

/** <linux/fib_rules.h> */
const attribute = {
  to: 1,
  from: 2,
  incoming: 3,
  priority: 6,
  mark: 10,
  table: 15,
  mask: 16,
  outgoing: 17,
  protocol: 21,
} as const;
const actions = { table: 1, blackhole: 6, unreachable: 7, prohibit: 8 } as const;
const message = { new: 32, delete: 33, get: 34 } as const;
const change = flags.request | flags.acknowledge;

export function encodeRuleAdd(rule: RuleKey): Request {
  const protocol = rule.protocol ?? routing.protocol;
  return encodeRule(message.new, change | flags.create | flags.exclusive, { ...rule, protocol });
}

/** Deletes the first rule that has everything that `rule` states. */
export function encodeRuleDelete(rule: RuleKey): Request {
  return encodeRule(message.delete, change, rule);
}

export function encodeRuleDump(): Request {
  return request(message.get, flags.request | flags.dump, new Uint8Array(12), []);
}

export function decodeRule(body: Uint8Array): Rule | undefined {
  const family = familyOf(body[0]);
  const [, toLength = 0, fromLength = 0, , table = 0, , , action = 0] = body;
  if (body.length < 12 || family === undefined) return undefined;
  const attributes = decodeAttributes(body, 12);
  const prefixOrNone = (bytes: Uint8Array | undefined, length: number) =>
    length === 0 ? undefined : decodePrefix(bytes, family, length);
  return {
    family,
    priority: readU32(attributes.get(attribute.priority)) ?? 0,
    action: actionOf(action),
    table: readU32(attributes.get(attribute.table)) ?? table,
    from: prefixOrNone(attributes.get(attribute.from), fromLength),
    to: prefixOrNone(attributes.get(attribute.to), toLength),
    incoming: readText(attributes.get(attribute.incoming)),
    outgoing: readText(attributes.get(attribute.outgoing)),
    mark: readU32(attributes.get(attribute.mark)),
    mask: readU32(attributes.get(attribute.mask)),
    protocol: readU8(attributes.get(attribute.protocol)) ?? 0,
  };
}

function encodeRule(type: number, requestFlags: number, rule: RuleKey): Request {
  const from = rule.from === undefined ? undefined : requirePrefix(rule.from);
  const to = rule.to === undefined ? undefined : requirePrefix(rule.to);
  for (const prefix of [from, to]) {
    if (prefix !== undefined && prefix.family !== rule.family)
      refuse(rule.from ?? '', `a prefix of IPv${rule.family}`);
  }
  const table = rule.table ?? 0;
  const action = actions[rule.action ?? 'table'];
  // struct fib_rule_hdr
  const header = new Uint8Array(12);
  header.set([
    familyNumber(rule.family),
    to?.length ?? 0,
    from?.length ?? 0,
    0,
    table < 256 ? table : 0,
    0,
    0,
    action,
  ]);
  return request(type, requestFlags, header, [
    [attribute.priority, u32(rule.priority)],
    optional(attribute.table, rule.table, u32),
    optional(attribute.from, from, bytesOf),
    optional(attribute.to, to, bytesOf),
    optional(attribute.incoming, rule.incoming, name => text(requireName(name))),
    optional(attribute.outgoing, rule.outgoing, name => text(requireName(name))),
    optional(attribute.mark, rule.mark, u32),
    optional(attribute.mask, rule.mask, u32),
    optional(attribute.protocol, rule.protocol, u8),
  ]);
}

function actionOf(number: number): Rule['action'] {
  const found = Object.entries(actions).find(([, value]) => value === number);
  // The keys of `actions` are the names of the action.
  return found === undefined ? number : (found[0] as keyof typeof actions);
}
