import type { Attribute } from './wire.ts';
import { encodeBody } from './wire.ts';

/** A message to the kernel before it has a sequence number. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** What encoding asks the world for: names and paths become numbers. */
export interface Resolver {
  /** The index of a link; throws when there is none. */
  linkIndex(name: string): number;
  /** An open descriptor of a network namespace, kept open until the message is sent. */
  namespaceFd(path: string): number;
}

/** <linux/netlink.h> */
export const flags = {
  request: 1,
  acknowledge: 4,
  dumpInterrupted: 0x10,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  /** In errors: the request is not repeated; attributes follow. */
  capped: 0x100,
  hasAttributes: 0x200,
} as const;

export const types = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

export function request(
  type: number,
  requestFlags: number,
  header: Uint8Array,
  attributes: readonly (Attribute | undefined)[],
): Request {
  return { type, flags: requestFlags, body: encodeBody(header, attributes) };
}
