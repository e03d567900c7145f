import {
  addressAt,
  contains,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
  sizeOf,
} from '../../../base/ip.ts';
import type { Prefix } from '../../../base/ip.ts';
import { FairleadError } from '../../../base/errors.ts';
import { Pool } from './pool.ts';

/** No more than this many addresses of a prefix are used, as upstream does for IPv6. */
const MOST = 65_536n;

/** The addresses of one Service prefix: neither its first (the network) nor, for IPv4, its last (broadcast). */
export class AddressRange {
  readonly prefix: Prefix;
  readonly #pool: Pool;

  constructor(text: string) {
    const prefix = parsePrefix(text);
    if (prefix === undefined) {
      throw new FairleadError(
        'api/bad-service-prefix',
        `${JSON.stringify(text)} is not a prefix for Services`,
        {
          field: 'servicePrefixes',
          hint: 'Give a network without host bits, as 10.96.0.0/16.',
        },
      );
    }
    const size = Number(sizeOf(prefix) < MOST ? sizeOf(prefix) : MOST);
    const last = prefix.family === 4 ? size - 2 : size - 1;
    if (last < 1) {
      throw new FairleadError('api/bad-service-prefix', `${text} is too small for Services`, {
        field: 'servicePrefixes',
        hint: 'Give at least a /30 for IPv4 or a /127 for IPv6.',
      });
    }
    this.prefix = prefix;
    this.#pool = new Pool(1, last, staticBand(size));
  }

  /** `IPv4` or `IPv6`, as `spec.ipFamilies` has it. */
  get family(): string {
    return this.prefix.family === 4 ? 'IPv4' : 'IPv6';
  }

  get text(): string {
    return formatPrefix(this.prefix);
  }

  get firstAddress(): string {
    return this.#format(1);
  }

  /** Undefined when the address is not one that can be handed out. */
  isFree(address: string): boolean | undefined {
    const offset = this.#offsetOf(address);
    return offset === undefined ? undefined : this.#pool.isFree(offset);
  }

  propose(): string | undefined {
    const offset = this.#pool.propose();
    return offset === undefined ? undefined : this.#format(offset);
  }

  take(address: string): void {
    const offset = this.#offsetOf(address);
    if (offset !== undefined) this.#pool.take(offset);
  }

  release(address: string): void {
    const offset = this.#offsetOf(address);
    if (offset !== undefined) this.#pool.release(offset);
  }

  clear(): void {
    this.#pool.clear();
  }

  #format(offset: number): string {
    return formatAddress(addressAt(this.prefix, BigInt(offset)));
  }

  #offsetOf(text: string): number | undefined {
    const address = parseAddress(text);
    if (address === undefined || !contains(this.prefix, address)) return undefined;
    const offset = address.value - this.prefix.value;
    return offset >= BigInt(this.#pool.first) && offset <= BigInt(this.#pool.last)
      ? Number(offset)
      : undefined;
  }
}

/** min(max(16, size / 16), 256) addresses are left to people (KEP-3070). */
const staticBand = (size: number): number =>
  size < 32 ? 0 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
