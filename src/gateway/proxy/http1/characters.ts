/** Classes of octets as tables: a look-up for each octet of a message's head. */
const table = (holds: (octet: number) => boolean): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, octet) => (holds(octet) ? 1 : 0));

const isAlphanumeric = (octet: number): boolean =>
  (octet >= 0x30 && octet <= 0x39) || (octet >= 0x41 && octet <= 0x5a) || (octet >= 0x61 && octet <= 0x7a);

/** RFC 9110 section 5.6.2. */
export const isToken = table(
  octet => isAlphanumeric(octet) || "!#$%&'*+-.^_`|~".includes(String.fromCharCode(octet)),
);

/** RFC 9110 section 5.5, with obs-text: everything but controls, and tab. */
export const isFieldValue = table(octet => octet === 0x09 || (octet >= 0x20 && octet !== 0x7f));

/**
 * What a request target may have. RFC 3986 allows less; clients send `|`, `{` or `"` and backends take them. Not allowed
 * are controls, space, what is not ASCII, `#` (a fragment is never sent), and the backslash, which some backends read as a slash.
 */
export const isTarget = table(octet => octet > 0x20 && octet < 0x7f && octet !== 0x23 && octet !== 0x5c);

/** The value of a hexadecimal digit, 255 for others. */
export const hexadecimal = Uint8Array.from({ length: 256 }, (_, octet) => {
  const value = Number.parseInt(String.fromCharCode(octet), 16);
  return Number.isNaN(value) ? 255 : value;
});

export const octets = { tab: 0x09, lf: 0x0a, cr: 0x0d, space: 0x20, colon: 0x3a, semicolon: 0x3b } as const;
