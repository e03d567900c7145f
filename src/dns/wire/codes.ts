/** Numbers of the DNS protocol (IANA "Domain Name System (DNS) Parameters"), those that this server speaks of. */
export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
} as const;

export const classes = { IN: 1 } as const;

export const opcodes = { QUERY: 0 } as const;

/** The low four bits stand in the header, the rest in OPT (RFC 6891 section 6.1.3). */
export const rcodes = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

/** Bits of the header's second word (RFC 1035 section 4.1.1). */
export const flags = {
  QR: 0x8000,
  opcodeShift: 11,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  /** RFC 4035 section 3.2. */
  AD: 0x0020,
  CD: 0x0010,
} as const;

/** Of OPT's flags (RFC 3225). */
export const dnssecOk = 0x8000;

export const limits = {
  header: 12,
  label: 63,
  /** With all length octets (RFC 1035 section 2.3.4). */
  name: 255,
  /** What a client takes that says nothing of it (RFC 1035 section 2.3.4). */
  plainUdp: 512,
  /** What goes over every link unfragmented (the DNS Flag Day 2020). */
  udp: 1232,
  tcp: 65_535,
} as const;
