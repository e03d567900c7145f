import { createHash } from 'node:crypto';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { FairleadError } from '../base/errors.ts';
import type { RouteTable, TableChange } from './table.ts';

/**
 * How an agent gives a proxy its table: the agent dials the pod's control port and speaks TLS with the key of the
 * Gateway's control Secret; messages are lines of JSON. A new connection takes the place of an older one.
 *
 * ```
 *   agent ──▶ table (whole) ──▶ proxy          one message at a time: the next one follows the answer
 *         ◀── applied N ◀──
 *         ──▶ change N → M ──▶                 `refused`: the whole table is sent
 * ```
 */
export type MessageToProxy =
  | { readonly type: 'table'; readonly revision: number; readonly table: RouteTable }
  | {
      readonly type: 'change';
      /** The revision that the proxy must hold; it refuses the change otherwise. */
      readonly base: number;
      readonly revision: number;
      readonly change: TableChange;
    };

/** `applied`: new requests are answered by this revision. `refused`: nothing has changed; `reason` is a sentence. */
export type MessageFromProxy =
  | { readonly type: 'applied'; readonly revision: number }
  | { readonly type: 'refused'; readonly revision: number; readonly reason: string };

/** Of a line in bytes: a table beyond it is refused by the sender, a line beyond it ends the connection. */
export const LONGEST_MESSAGE = 64 * 1024 * 1024;
/** Proxies say little; an agent reads no more. */
export const LONGEST_ANSWER = 64 * 1024;

/** The key of the control Secret's data; its value is 32 random bytes, base64 as in every Secret. */
export const KEY_NAME = 'key';
export const KEY_BYTES = 32;

/**
 * Only suites that prove both sides by the key and by nothing else, with forward secrecy: in TLS 1.3 a server may
 * answer with a certificate instead.
 */
const suite = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;

/** A digest, since `namespace/name` may be longer than an identity (OpenSSL: 128 bytes). */
export function identityOf(gateway: string): string {
  return createHash('sha256').update(gateway).digest('hex');
}

/** For `tls.createServer` in the proxy; `gateway` is `namespace/name`. */
export function serverOptions(gateway: string, key: Uint8Array): TlsOptions {
  const identity = identityOf(gateway);
  return { ...suite, pskCallback: (_, presented) => (presented === identity ? key : null) };
}

/** For `tls.connect` in the agent, over a socket or with host and port. */
export function clientOptions(gateway: string, key: Uint8Array): ConnectionOptions {
  return {
    ...suite,
    pskCallback: () => ({ psk: key, identity: identityOf(gateway) }),
    // There is no certificate that a name could stand in.
    checkServerIdentity: () => undefined,
  };
}

export function encodeMessage(message: MessageToProxy | MessageFromProxy): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

/** Cuts a stream of bytes into messages; throws `gateway/bad-message` for a line that is too long or no JSON object. */
export class MessageReader<Message extends MessageToProxy | MessageFromProxy> {
  readonly #longest: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  push(chunk: Buffer): readonly Message[] {
    const messages: Message[] = [];
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      this.#keep(rest.subarray(0, end));
      messages.push(this.#take());
      rest = rest.subarray(end + 1);
    }
    this.#keep(rest);
    return messages;
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#length > this.#longest)
      throw new FairleadError('gateway/bad-message', `a message is longer than ${this.#longest} bytes`);
    this.#parts.push(part);
  }

  /** The other side holds the same key: its messages are read as they are declared, beyond being an object. */
  #take(): Message {
    const text = Buffer.concat(this.#parts).toString();
    this.#parts = [];
    this.#length = 0;
    const message = parse(text);
    if (typeof message !== 'object' || message === null || !('type' in message))
      throw new FairleadError('gateway/bad-message', 'a message is no object with a type');
    return message as Message;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FairleadError('gateway/bad-message', 'a message is no JSON', { cause });
  }
}
