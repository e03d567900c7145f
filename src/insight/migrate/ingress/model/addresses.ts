import { contains, parseAddress, parseInterface, prefixOf } from '../../../../base/ip.ts';
import type { Address, Prefix } from '../../../../base/ip.ts';

/**
 * Networks and addresses between commas. Undefined where the controller takes none of them: one that is none spoils the
 * list. Host bits of a network do not count.
 */
export function readRanges(text: string): readonly Prefix[] | undefined {
  const prefixes: Prefix[] = [];
  for (const entry of text.split(',')) {
    const trimmed = entry.trim();
    const network = parseInterface(trimmed);
    const address = parseAddress(trimmed);
    if (network !== undefined) prefixes.push(prefixOf(network.address, network.length));
    else if (address !== undefined) prefixes.push(prefixOf(address, address.family === 4 ? 32 : 128));
    else return undefined;
  }
  return prefixes;
}

export const isWithin = (prefixes: readonly Prefix[], address: Address | undefined): boolean =>
  address !== undefined && prefixes.some(prefix => contains(prefix, address));
