import {
  contains,
  formatAddress,
  parseAddress,
  parseInterface,
  parsePrefix,
  prefixOf,
} from '../../../../base/ip.ts';
import type { Address, Prefix } from '../../../../base/ip.ts';
import type { Findings } from './findings.ts';
import type { Place } from './place.ts';

const NOT_AN_ADDRESS = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const NOT_A_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

const networks = (...texts: readonly string[]): readonly Prefix[] =>
  texts.map(text => parsePrefix(text)).filter(prefix => prefix !== undefined);

const LOOPBACK = networks('127.0.0.0/8', '::1/128');
const LINK_LOCAL = networks('169.254.0.0/16', 'fe80::/10');
const LINK_LOCAL_MULTICAST = networks('224.0.0.0/24', 'ff02::/16');

/** An address in strict form; undefined (with a finding) for anything else. */
export function checkAddress(found: Findings, place: Place): Address | undefined {
  const address = parseAddress(place.text);
  if (address === undefined) {
    const sloppy = parseAddress(withoutLeadingZeros(place.text));
    found.invalid(place, sloppy === undefined ? NOT_AN_ADDRESS : 'must not have leading 0s', place.text);
    return undefined;
  }
  if (isMapped(address)) {
    found.invalid(place, 'must not be an IPv4-mapped IPv6 address');
    return undefined;
  }
  return address;
}

/** An address that is written as RFC 5952 writes it. */
export function checkCanonicalAddress(found: Findings, place: Place): Address | undefined {
  const address = checkAddress(found, place);
  if (address !== undefined && formatAddress(address) !== place.text) {
    found.invalid(place, `must be in canonical form (${JSON.stringify(formatAddress(address))})`);
  }
  return address;
}

/** A prefix without host bits; undefined (with a finding) for anything else. */
export function checkPrefix(found: Findings, place: Place): Prefix | undefined {
  const network = parseInterface(place.text);
  if (network === undefined) {
    const sloppy = parseInterface(withoutLeadingZeros(place.text));
    const detail = sloppy === undefined ? NOT_A_CIDR : 'must not have leading 0s in IP or prefix length';
    found.invalid(place, detail, place.text);
    return undefined;
  }
  const prefix = prefixOf(network.address, network.length);
  if (isMapped(network.address)) found.invalid(place, 'must not have an IPv4-mapped IPv6 address');
  else if (prefix.value !== network.address.value) {
    found.invalid(place, 'must not have bits set beyond the prefix length');
  } else return prefix;
  return undefined;
}

/** Addresses that lead nowhere beyond a host or link may not stand as endpoints or external addresses. */
export function checkNotSpecial(found: Findings, place: Place): void {
  const address = parseAddress(place.text);
  if (address === undefined) return;
  const refuse = (what: string) => found.invalid(place, `may not be ${what}`);
  if (address.value === 0n) refuse(`unspecified (${place.text})`);
  if (isIn(address, LOOPBACK)) {
    refuse('in the loopback range (127.0.0.0/8, ::1/128)');
  }
  if (isIn(address, LINK_LOCAL)) {
    refuse('in the link-local range (169.254.0.0/16, fe80::/10)');
  }
  if (isIn(address, LINK_LOCAL_MULTICAST)) {
    refuse('in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  }
}

const isIn = (address: Address, networks: readonly Prefix[]): boolean =>
  networks.some(network => contains(network, address));

const isMapped = (address: Address): boolean => address.family === 6 && address.value >> 32n === 0xffffn;

const withoutLeadingZeros = (text: string): string => text.replaceAll(/(^|[./])0+(?=\d)/g, '$1');
