import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { bindUdpIn, connectIn } from '../../src/kernel/ns/index.ts';
import { decodeMessage, typeNumbers } from './dns-decoder.ts';
import type { DecodedMessage } from './dns-decoder.ts';

export interface QuestionOptions {
  readonly id?: number;
  readonly class?: number;
  /** OPT with this size; none without. */
  readonly size?: number;
  readonly version?: number;
  readonly dnssecOk?: boolean;
}

/** A query for a name with its letters as they are. */
export function questionFor(name: string, type: string, options: QuestionOptions = {}): Buffer {
  const labels = name === '' ? [] : name.split('.');
  const header = Buffer.alloc(12);
  header.writeUInt16BE(options.id ?? 4711, 0);
  header.writeUInt16BE(0x0100, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(options.size === undefined ? 0 : 1, 10);
  const tail = Buffer.alloc(4);
  tail.writeUInt16BE(typeNumbers[type] ?? Number(type), 0);
  tail.writeUInt16BE(options.class ?? 1, 2);
  const parts = [
    header,
    ...labels.flatMap(label => [Buffer.from([label.length]), Buffer.from(label, 'latin1')]),
    Buffer.from([0]),
    tail,
  ];
  if (options.size !== undefined) {
    const opt = Buffer.alloc(11);
    opt.writeUInt16BE(41, 1);
    opt.writeUInt16BE(options.size, 3);
    opt[6] = options.version ?? 0;
    opt.writeUInt16BE(options.dnssecOk === true ? 0x8000 : 0, 7);
    parts.push(opt);
  }
  return Buffer.concat(parts);
}

export interface Target {
  /** The network namespace from which is asked. */
  readonly namespace: string;
  readonly server: string;
  readonly port?: number;
}

const milliseconds = 2000;

/** One datagram, one answer; undefined when there is none in time. */
export async function exchangeByUdp(
  target: Target,
  message: Buffer,
  waitMilliseconds = milliseconds,
): Promise<Buffer | undefined> {
  const isV6 = target.server.includes(':');
  const fd = bindUdpIn(target.namespace, { host: isV6 ? '::' : '0.0.0.0', port: 0 });
  const socket = createSocket(isV6 ? 'udp6' : 'udp4');
  await new Promise<void>(resolve => socket.bind({ fd }, resolve));
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), waitMilliseconds);
  try {
    const answered = once(socket, 'message', { signal: timeout.signal });
    socket.send(message, target.port ?? 53, target.server);
    const [answer] = (await answered) as [Buffer];
    return answer;
  } catch {
    return undefined; // not within the time
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

/** Writes all at once and waits for as many answers, in the order in which they come. */
export async function exchangeByTcp(target: Target, messages: readonly Buffer[]): Promise<readonly Buffer[]> {
  const socket = await connectIn(target.namespace, {
    host: target.server,
    port: target.port ?? 53,
    timeoutMilliseconds: milliseconds,
  });
  try {
    for (const message of messages) {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.length);
      socket.write(Buffer.concat([length, message]));
    }
    const answers: Buffer[] = [];
    let bytes = Buffer.alloc(0);
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const end = 2 + bytes.readUInt16BE(0);
        answers.push(Buffer.from(bytes.subarray(2, end)));
        bytes = bytes.subarray(end);
      }
      if (answers.length >= messages.length) break;
    }
    return answers;
  } finally {
    socket.destroy();
  }
}

/** Asks and decodes; fails where there is no answer. */
export async function ask(
  target: Target,
  name: string,
  type: string,
  options: QuestionOptions = {},
  waitMilliseconds = milliseconds,
): Promise<DecodedMessage> {
  const answer = await exchangeByUdp(target, questionFor(name, type, options), waitMilliseconds);
  if (answer === undefined) throw new Error(`${target.server} does not answer ${name} ${type}`);
  return decodeMessage(answer);
}
