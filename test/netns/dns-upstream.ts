import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Upstream } from '../../src/dns/config/config.ts';
import { FrameReader, frame, limits, readQuery } from '../../src/dns/wire/index.ts';
import type { RawRecord } from '../../src/dns/wire/message.ts';
import { writeRecords } from '../../src/dns/wire/message.ts';

/** What it says; undefined for nothing. */
export type Behaviour = (asked: Buffer, transport: 'udp' | 'tcp') => readonly Buffer[];

export interface FakeUpstream extends Upstream {
  readonly asked: Buffer[];
}

/** A resolver for tests, on loopback, by UDP and TCP of one port. */
export async function startUpstream(context: TestContext, behaviour: Behaviour): Promise<FakeUpstream> {
  const asked: Buffer[] = [];
  const answers = (message: Buffer, transport: 'udp' | 'tcp') => {
    asked.push(Buffer.from(message));
    return behaviour(message, transport);
  };
  const server = createServer(socket => {
    const reader = new FrameReader();
    socket.on('error', () => socket.destroy());
    socket.on('data', chunk => {
      for (const message of reader.push(chunk))
        for (const answer of answers(message, 'tcp')) socket.write(frame(answer));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has no other
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    for (const answer of answers(message, 'udp')) socket.send(answer, from.port, from.address);
  });
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  context.after(() => {
    socket.close();
    server.close();
  });
  return { host: '127.0.0.1', port, asked };
}

export interface Said {
  readonly rcode?: number;
  /** Further bits of the header's second word. */
  readonly bits?: number;
  readonly answers?: readonly RawRecord[];
  readonly authorities?: readonly RawRecord[];
}

/** An answer to a question as it came. */
export function answerTo(
  asked: Buffer,
  { rcode = 0, bits = 0, answers = [], authorities = [] }: Said = {},
): Buffer {
  const query = readQuery(asked, asked.length);
  if (query.kind !== 'query') throw new Error('this is no question');
  const head = Buffer.from(asked.subarray(0, query.questionEnd));
  head.writeUInt16BE(0x8180 | bits | rcode, 2);
  head.fill(0, 6, limits.header);
  head.writeUInt16BE(answers.length, 6);
  head.writeUInt16BE(authorities.length, 8);
  return Buffer.concat([head, writeRecords(query.key, [...answers, ...authorities]).bytes]);
}

const wireOf = (name: string): string =>
  `${name
    .split('.')
    .filter(label => label !== '')
    .map(label => String.fromCharCode(label.length) + label)
    .join('')}\0`;

const record = (name: string, type: number, ttl: number, data: Buffer): RawRecord => ({
  name: wireOf(name),
  type,
  class: 1,
  ttl,
  data,
});

export const addressRecord = (name: string, address: string, ttl = 60): RawRecord =>
  record(name, 1, ttl, Buffer.from(address.split('.').map(Number)));

export const aliasRecord = (name: string, target: string, ttl = 60): RawRecord =>
  record(name, 5, ttl, Buffer.from(wireOf(target), 'latin1'));

export function soaOf(zone: string, ttl: number, minimum: number): RawRecord {
  const numbers = Buffer.alloc(20);
  numbers.writeUInt32BE(minimum, 16);
  return record(zone, 6, ttl, Buffer.concat([Buffer.from(wireOf('ns') + wireOf('host'), 'latin1'), numbers]));
}
