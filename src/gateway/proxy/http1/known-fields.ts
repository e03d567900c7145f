/** The fields that a proxy itself reads or writes; all others are passed on as they are. */
export const field = {
  other: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  te: 7,
  trailer: 8,
  upgrade: 9,
  expect: 10,
  forwardedFor: 11,
  forwardedProto: 12,
  forwardedHost: 13,
  requestId: 14,
  proxyAuthenticate: 15,
  proxyAuthorization: 16,
  forwarded: 17,
  forwardedPort: 18,
  http2Settings: 19,
  traceParent: 20,
  explain: 21,
} as const;

const names: Readonly<Record<string, number>> = {
  host: field.host,
  'content-length': field.contentLength,
  'transfer-encoding': field.transferEncoding,
  connection: field.connection,
  'keep-alive': field.keepAlive,
  'proxy-connection': field.proxyConnection,
  te: field.te,
  trailer: field.trailer,
  upgrade: field.upgrade,
  expect: field.expect,
  'x-forwarded-for': field.forwardedFor,
  'x-forwarded-proto': field.forwardedProto,
  'x-forwarded-host': field.forwardedHost,
  'x-request-id': field.requestId,
  'proxy-authenticate': field.proxyAuthenticate,
  'proxy-authorization': field.proxyAuthorization,
  forwarded: field.forwarded,
  'x-forwarded-port': field.forwardedPort,
  'http2-settings': field.http2Settings,
  traceparent: field.traceParent,
  'fairlead-explain': field.explain,
};

interface Name {
  readonly id: number;
  readonly octets: Uint8Array;
}

/** By length and first letter: at most two names share a place. */
const places: readonly (readonly Name[] | undefined)[] = (() => {
  const made: Name[][] = [];
  for (const [name, id] of Object.entries(names)) {
    const place = placeOf(name.length, name.charCodeAt(0));
    (made[place] ??= []).push({ id, octets: Buffer.from(name) });
  }
  return Array.from({ length: 1024 }, (_, place) => made[place]);
})();

function placeOf(length: number, first: number): number {
  return (length << 5) | (first & 0x1f);
}

/** The field's number; `end - start` is at least 1, and the octets are those of a token. */
export function knownField(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length > 31) return field.other;
  const candidates = places[placeOf(length, bytes[start] ?? 0)];
  if (candidates === undefined) return field.other;
  for (const { id, octets } of candidates) {
    let at = 0;
    // Upper-case letters differ from lower-case ones in this bit, and no other token has it cleared at a letter's place.
    while (at < length && ((bytes[start + at] ?? 0) | 0x20) === octets[at]) at++;
    if (at === length) return id;
  }
  return field.other;
}
