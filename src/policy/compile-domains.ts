/**
 * Domain names of egress peers (ClusterNetworkPolicyEgressPeer.domainNames): `example.com` is that name, `*.example.com`
 * every name with one or more labels before it, and not the name itself.
 */

const label = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const longestName = 253;

/** In lower case and without the dot at its end; undefined for what is no name (RFC 1035 2.3.4, RFC 2181 11). */
export function readDomainName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length > longestName) return undefined;
  return name.split('.').every(part => label.test(part)) ? name : undefined;
}

/** A name, or `*.` and one; as `readDomainName` writes it. */
export function readDomainPattern(text: string): string | undefined {
  if (typeof text !== 'string') return undefined;
  if (!text.startsWith('*.')) return readDomainName(text);
  const name = readDomainName(text.slice(2));
  return name === undefined ? undefined : `*.${name}`;
}

/** Both as they were read. */
export function matchesDomain(pattern: string, name: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === name;
  return name.length > pattern.length - 1 && name.endsWith(pattern.slice(1));
}
