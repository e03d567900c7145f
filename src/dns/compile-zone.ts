import { addressAt, contains, formatAddress, parseAddress, subnetAt } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import { addressData, reverseName } from './compile-names.ts';
import type { NamedRecord, Provenance } from './compile-names.ts';
import { keyOfName } from './wire/index.ts';
import type { NameKey, ResourceRecord } from './wire/index.ts';

/** Seconds for which answers may be kept, found and not found: what changes is soon seen everywhere. */
export const timeToLive = { found: 5, notFound: 5, schemaVersion: 28_800 } as const;
/** Of the Kubernetes DNS-Based Service Discovery that the names follow. */
const schemaVersion = '1.1.0';

/** A part of the tree that we alone answer for: what is not there does not exist. */
export interface Zone {
  readonly name: string;
  readonly key: NameKey;
}

/** The cluster's domain first, then the reverse zones of the prefixes, cut at octets and nibbles. */
export function compileZones(clusterDomain: string, prefixes: readonly Prefix[]): readonly Zone[] {
  const names = [clusterDomain, ...prefixes.flatMap(reverseZones)];
  return [...new Set(names)].map(name => ({ name, key: keyOfName(name) }));
}

/** What the zones have without any object: SOA and NS at the top, the server's own name, the schema's version. */
export function compileApex(
  zones: readonly Zone[],
  clusterDomain: string,
  dnsAddresses: readonly string[],
): readonly NamedRecord[] {
  const from = (field: string): Provenance => ({ object: 'Zone', field });
  const server = nameServer(clusterDomain);
  const tops = zones.map(({ name }): NamedRecord => ({
    name,
    data: { type: 'NS', target: server },
    from: from('ns'),
  }));
  const glue = dnsAddresses.flatMap((text): readonly NamedRecord[] => {
    const address = parseAddress(text);
    return address === undefined
      ? []
      : [{ name: server, data: addressData(address), from: from('addresses') }];
  });
  const version: NamedRecord = {
    name: `dns-version.${clusterDomain}`,
    data: { type: 'TXT', strings: [schemaVersion] },
    from: from('schemaVersion'),
  };
  return [...tops, ...glue, version];
}

/** `svc` and `pod` exist in a cluster without any Service. */
export const apexNames = (clusterDomain: string): readonly string[] => [
  `svc.${clusterDomain}`,
  `pod.${clusterDomain}`,
];

export function soaRecord(zone: Zone, clusterDomain: string, serial: number): ResourceRecord {
  return {
    name: zone.name,
    ttl: timeToLive.notFound,
    data: {
      type: 'SOA',
      nameServer: nameServer(clusterDomain),
      mailbox: `hostmaster.${clusterDomain}`,
      serial,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: timeToLive.notFound,
    },
  };
}

/** The tenth address of each Service prefix: where clusters have their DNS. */
export const dnsAddressesOf = (servicePrefixes: readonly Prefix[]): readonly string[] =>
  servicePrefixes
    .map(prefix => ({ prefix, address: addressAt(prefix, 10n) }))
    .filter(({ prefix, address }) => contains(prefix, address))
    .map(({ address }) => formatAddress(address));

const nameServer = (clusterDomain: string): string => `ns.dns.${clusterDomain}`;

/** 10.96.0.0/12 is sixteen zones of /16: a zone ends at an octet, in IPv6 at a nibble. */
function reverseZones(prefix: Prefix): readonly string[] {
  const step = prefix.family === 4 ? 8 : 4;
  const length = Math.max(step, Math.ceil(prefix.length / step) * step);
  const labels = (prefix.family === 4 ? 32 : 128) / step - length / step;
  return Array.from({ length: 2 ** (length - prefix.length) }, (_, index) => {
    const { family, value } = subnetAt(prefix, length, BigInt(index));
    return reverseName({ family, value }).split('.').slice(labels).join('.');
  });
}
