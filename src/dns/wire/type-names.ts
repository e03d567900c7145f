/** Types of records by their names (IANA "Resource Record (RR) TYPEs"): those that people write, and metrics tell apart. */
const numbers: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  NAPTR: 35,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  NSEC3: 50,
  TLSA: 52,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
  CAA: 257,
};
const names = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));

/** `A`, `aaaa`, `TYPE65`; undefined for what is none. */
export function typeNumber(name: string): number | undefined {
  const upper = name.toUpperCase();
  const [, digits] = /^TYPE(\d{1,5})$/.exec(upper) ?? [];
  if (digits !== undefined) return Number(digits) <= 0xffff ? Number(digits) : undefined;
  return numbers[upper];
}

/** `TYPE65280` for one without a name (RFC 3597 section 5). */
export const typeName = (number: number): string => names.get(number) ?? `TYPE${number}`;

export const hasName = (number: number): boolean => names.has(number);
