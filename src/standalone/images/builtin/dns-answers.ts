/** A few answers of DNS (RFC 1035), for a server that knows no records. */
import { isIPv4 } from 'node:net';

const HEADER = 12;
const REFUSED = 5;
const [A, SRV, AAAA] = [1, 33, 28];

/** The name of the one question, in lower case and without the final dot; undefined for what is no question. */
export function nameOf(query: Buffer): string | undefined {
  if (query.length < HEADER || query.readUInt16BE(4) !== 1 || (query[2] ?? 0) >= 0x80) return undefined;
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63 || at + length + 5 > query.length) return undefined;
    if (length === 0) return labels.join('.');
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += length + 1;
  }
}

/** Who asks, in the additional section: an address, and a port in an SRV record (CoreDNS, plugin whoami). */
export function answerWhoami(
  query: Buffer,
  { address, port }: { readonly address: string; readonly port: number },
): Buffer {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  const end = endOfQuestion(query);
  const pointer = Buffer.from([0xc0, HEADER]);
  const isV4 = isIPv4(plain);
  const data = isV4 ? Buffer.from(plain.split('.').map(Number)) : octetsOf(plain);
  const service = Buffer.alloc(7);
  service.writeUInt16BE(port, 4);
  const records = [
    record(pointer, isV4 ? A : AAAA, data),
    // The root as the target: there is no name.
    record(Buffer.concat([Buffer.from('\u0004_udp'), pointer]), SRV, service),
  ];
  return Buffer.concat([header(query, 0, records.length), query.subarray(HEADER, end), ...records]);
}

export function refusal(query: Buffer, code = REFUSED): Buffer {
  return Buffer.concat([header(query, code, 0), query.subarray(HEADER, endOfQuestion(query))]);
}

function header(query: Buffer, code: number, additional: number): Buffer {
  const head = Buffer.alloc(HEADER);
  query.copy(head, 0, 0, 2);
  // An answer with authority, with the question's own wish for recursion.
  head[2] = 0x84 | ((query[2] ?? 0) & 0x79);
  head[3] = code;
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(additional, 10);
  return head;
}

function endOfQuestion(query: Buffer): number {
  let at = HEADER;
  for (let length = query[at]; length !== undefined && length !== 0; length = query[at]) at += length + 1;
  return at + 5;
}

function record(name: Buffer, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([name, fixed, data]);
}

function octetsOf(address: string): Buffer {
  const [head = '', tail = ''] = (address.split('%')[0] ?? '').split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').map(group => parseInt(group, 16)));
  const [front, back] = [groups(head), groups(tail)];
  const missing = Array.from({ length: 8 - front.length - back.length }, () => 0);
  const octets = Buffer.alloc(16);
  for (const [index, group] of [...front, ...missing, ...back].entries())
    octets.writeUInt16BE(group, index * 2);
  return octets;
}
