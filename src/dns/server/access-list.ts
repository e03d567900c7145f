import { addressFromBytes, contains } from '../../base/ip.ts';
import type { Address } from '../../base/ip.ts';
import type { AclConfig } from '../config/config.ts';
import { isWithin, keyOfName } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { typeNumber } from '../wire/type-names.ts';

export type AccessVerdict = AclConfig['action'];

interface Rule {
  readonly action: AccessVerdict;
  readonly zones: readonly NameKey[];
  readonly types: ReadonlySet<number>;
  readonly from: AclConfig['from'];
}

/** Who may ask what: the first rule that fits decides; without one the question is let through. */
export class AccessList {
  readonly #rules: readonly Rule[];

  constructor(rules: readonly AclConfig[]) {
    this.#rules = rules.map(({ action, zones, types, from }) => ({
      action,
      zones: zones.map(keyOfName),
      types: new Set(types.flatMap(text => typeNumber(text) ?? [])),
      from,
    }));
  }

  /** `client`: an address without a port. */
  verdict(key: NameKey, type: number, client: Address | undefined): AccessVerdict {
    const found = this.#rules.find(
      rule =>
        rule.zones.some(zone => isWithin(key, zone)) &&
        (rule.types.size === 0 || rule.types.has(type)) &&
        (rule.from.length === 0 ||
          (client !== undefined && rule.from.some(prefix => contains(prefix, client)))),
    );
    return found?.action ?? 'allow';
  }
}

/** Of a struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)). */
export function addressOfSockaddr(name: Uint8Array): Address | undefined {
  return addressFromBytes(name.length < 28 ? name.subarray(4, 8) : name.subarray(8, 24));
}
