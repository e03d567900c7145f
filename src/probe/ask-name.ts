import { createSocket } from 'node:dgram';
import { bindUdpIn } from '../kernel/ns/index.ts';
import { decodeAnswer, encodeQuestion } from './dns-message.ts';
import type { DnsAnswer, QuestionType } from './dns-message.ts';

export interface NameQuestion {
  /** The network namespace from which is asked. */
  readonly namespacePath: string;
  readonly server: string;
  readonly port?: number;
  readonly name: string;
  readonly type: QuestionType;
  readonly timeoutMilliseconds: number;
  /** In [0, 1): of the message's id. */
  readonly random: () => number;
}

export type NameReply =
  | ({ readonly kind: 'answer'; readonly milliseconds: number } & DnsAnswer)
  /** Nothing came back in time. */
  | { readonly kind: 'timed-out'; readonly milliseconds: number }
  /** An ICMP error came back, or the datagram could not leave. */
  | { readonly kind: 'failed'; readonly reason: string; readonly milliseconds: number };

/** One question in one datagram, and its answer; it never throws for what the network does. */
export function askName(question: NameQuestion): Promise<NameReply> {
  const { name, namespacePath, port = 53, random, server, timeoutMilliseconds, type } = question;
  const isV6 = server.includes(':');
  const message = encodeQuestion(Math.floor(random() * 0x1_0000), name, type);
  const fd = bindUdpIn(namespacePath, { host: isV6 ? '::' : '0.0.0.0', port: 0 });
  const socket = createSocket(isV6 ? 'udp6' : 'udp4');
  const started = performance.now();
  return new Promise(resolve => {
    const end = (reply: (milliseconds: number) => NameReply) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined); // what comes after the answer is of no use to anybody
      socket.close();
      resolve(reply(performance.now() - started));
    };
    const fail = (error: Error) =>
      end(milliseconds => ({ kind: 'failed', reason: error.message, milliseconds }));
    const timer = setTimeout(
      () => end(milliseconds => ({ kind: 'timed-out', milliseconds })),
      timeoutMilliseconds,
    );
    socket.once('error', fail);
    socket.on('message', bytes => {
      const answer = decodeAnswer(bytes, message);
      if (answer !== undefined) end(milliseconds => ({ kind: 'answer', milliseconds, ...answer }));
    });
    socket.bind({ fd }, () => {
      // Connected: the kernel takes datagrams from nobody else, and tells of ICMP errors.
      socket.connect(port, server, () => socket.send(message));
    });
  });
}
