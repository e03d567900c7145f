import { createSocket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import type { Query } from '../wire/index.ts';
import { FrameReader, flags, frame, limits } from '../wire/index.ts';

/** A resolver that answers for the names that are not the cluster's. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
}

export type Forwarded =
  | { readonly kind: 'answered'; readonly message: Buffer }
  /** As many are asked as may be: the client is better off elsewhere. */
  | { readonly kind: 'busy' }
  /** No upstream answered in time. */
  | { readonly kind: 'failed' };

export interface ForwarderOptions {
  readonly upstreams: readonly Upstream[];
  /** Numbers in [0, 1), unpredictable: ids protect against forged answers. */
  readonly random: () => number;
  /** Questions under way at once. Default 512, some 2 KB each. */
  readonly limit?: number;
  /** For one try. Default 1,500. */
  readonly timeoutMilliseconds?: number;
}

/** Tries of a question: each upstream in turn, the first one again. */
const mostTries = 3;

/**
 * Asks upstreams, each question from a socket and with an id of its own, so that an answer is only taken from where the
 * question went. What is cut is asked again by TCP.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  #underWay = 0;

  constructor(options: ForwarderOptions) {
    this.#options = options;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** The message is copied; the answer carries its id. */
  async ask(message: Buffer, query: Query): Promise<Forwarded> {
    const { upstreams, limit = 512 } = this.#options;
    if (this.#underWay >= limit) return { kind: 'busy' };
    this.#underWay++;
    try {
      const tries = Math.min(mostTries, upstreams.length * 2);
      for (let attempt = 0; attempt < tries; attempt++) {
        const upstream = upstreams[attempt % upstreams.length];
        const answer = upstream === undefined ? undefined : await this.#try(upstream, message, query);
        if (answer !== undefined) return { kind: 'answered', message: answer };
      }
      return { kind: 'failed' };
    } finally {
      this.#underWay--;
    }
  }

  async #try(upstream: Upstream, message: Buffer, query: Query): Promise<Buffer | undefined> {
    const asked = Buffer.from(message);
    asked.writeUInt16BE(Math.floor(this.#options.random() * 0x1_0000), 0);
    const milliseconds = this.#options.timeoutMilliseconds ?? 1500;
    const accepts = (answer: Buffer) => isAnswerTo(answer, asked, query.questionEnd);
    let answer = await askByUdp(upstream, asked, milliseconds, accepts);
    if (answer !== undefined && (answer.readUInt16BE(2) & flags.TC) !== 0)
      answer = (await askByTcp(upstream, asked, milliseconds, accepts)) ?? answer;
    if (answer !== undefined) message.copy(answer, 0, 0, 2);
    return answer;
  }
}

/** The same id and, octet for octet, the same question (RFC 5452 section 3). */
function isAnswerTo(answer: Buffer, asked: Buffer, questionEnd: number): boolean {
  return (
    answer.length >= questionEnd &&
    answer.readUInt16BE(0) === asked.readUInt16BE(0) &&
    (answer.readUInt16BE(2) & flags.QR) !== 0 &&
    answer.readUInt16BE(4) === 1 &&
    answer.subarray(limits.header, questionEnd).equals(asked.subarray(limits.header, questionEnd))
  );
}

function askByUdp(
  upstream: Upstream,
  message: Buffer,
  milliseconds: number,
  accepts: (answer: Buffer) => boolean,
): Promise<Buffer | undefined> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(upstream.host) ? 'udp6' : 'udp4');
    const end = (answer: Buffer | undefined) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined); // what comes after the answer is of no use to anybody
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), milliseconds);
    socket.once('error', () => end(undefined)); // refused: the next upstream is asked
    socket.on('message', answer => {
      if (accepts(answer)) end(answer);
    });
    // Connected: the kernel takes datagrams from nobody else.
    socket.once('connect', () => socket.send(message));
    socket.connect(upstream.port, upstream.host);
  });
}

function askByTcp(
  upstream: Upstream,
  message: Buffer,
  milliseconds: number,
  accepts: (answer: Buffer) => boolean,
): Promise<Buffer | undefined> {
  return new Promise(resolve => {
    const socket = connect(upstream.port, upstream.host);
    const reader = new FrameReader();
    const end = (answer: Buffer | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => end(undefined), milliseconds);
    socket.once('connect', () => socket.write(frame(message)));
    socket.once('error', () => end(undefined));
    socket.once('close', () => end(undefined));
    socket.on('data', chunk => {
      const answer = reader.push(chunk).find(accepts);
      if (answer !== undefined) end(Buffer.from(answer));
    });
  });
}
