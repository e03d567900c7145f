import { addressAt, contains, formatAddress, parseAddress, subnetAt } from '../base/ip.ts';
import type { Prefix } from '../base/ip.ts';
import { addressData, reverseName } from './compile-names.ts';
import type { NamedRecord, Provenance } from './compile-names.ts';
import { keyOfName } from './wire/index.ts';
import type { NameKey, ResourceRecord } from './wire/index.ts';

/** Seconds; a version does not change while a server runs. */
export const schemaVersionTtl = 28_800;
/** A SOA record itself is kept no longer, as CoreDNS has it. */
const longestSoaTtl = 300;
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

/** What the zones have without any object: NS at the top, the server's own name, the schema's version. */
export function compileApex(
  zones: readonly Zone[],
  clusterDomain: string,
  dnsAddresses: readonly string[],
): readonly NamedRecord[] {
  const from = (field: string): Provenance => ({ object: 'Zone', field });
  const tops = zones.map(({ name }): NamedRecord => ({
    name,
    data: { type: 'NS', target: nameServer(name) },
    from: from('ns'),
  }));
  const glue = zones.flatMap(zone =>
    dnsAddresses.flatMap((text): readonly NamedRecord[] => {
      const address = parseAddress(text);
      return address === undefined
        ? []
        : [{ name: nameServer(zone.name), data: addressData(address), from: from('addresses') }];
    }),
  );
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

/** `negativeTtl`: seconds for which "there is none" may be kept (RFC 2308 section 3). */
export function soaRecord(zone: Zone, negativeTtl: number, serial: number): ResourceRecord {
  return {
    name: zone.name,
    ttl: Math.min(negativeTtl, longestSoaTtl),
    data: {
      type: 'SOA',
      nameServer: nameServer(zone.name),
      mailbox: `hostmaster.${zone.name}`,
      serial,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: negativeTtl,
    },
  };
}

/** The tenth address of each Service prefix: where clusters have their DNS. */
export const dnsAddressesOf = (servicePrefixes: readonly Prefix[]): readonly string[] =>
  servicePrefixes
    .map(prefix => ({ prefix, address: addressAt(prefix, 10n) }))
    .filter(({ prefix, address }) => contains(prefix, address))
    .map(({ address }) => formatAddress(address));

const nameServer = (zone: string): string => `ns.dns.${zone}`;

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
