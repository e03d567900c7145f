import type { Upstream } from '../config/config.ts';
import { flags, rcodes } from '../wire/index.ts';
import { openDatagrams, openStream } from './channel.ts';
import type { Channel } from './channel.ts';
import { Deadline } from './deadline.ts';
import { isAnswerTo, questionEndOf, upstreamQuery } from './upstream-message.ts';
import type { UpstreamQuestion } from './upstream-message.ts';

export interface UpstreamClientOptions {
  readonly upstream: Upstream;
  readonly timeoutMilliseconds: number;
  readonly forceTcp: boolean;
  readonly randomCase: boolean;
  /** Numbers in [0, 1), unpredictable: ids, ports and letters' case protect against forged answers. */
  readonly random: () => number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
}

/** What was counted of an upstream. */
export interface UpstreamObserver {
  /** Each answer, and each failure as `undefined`; milliseconds. */
  answered(upstream: string, rcode: number | undefined, milliseconds: number): void;
  /** Whether a socket that was open already could be used. */
  connected(upstream: string, transport: 'udp' | 'tcp', isReused: boolean): void;
}

const mostPorts = 16;
/** A port is left after so many questions, so that nobody learns it. */
const questionsOfPort = 256;
const streamIdleMilliseconds = 10_000;
/** How much a new time counts. */
const smoothing = 0.2;

/** One upstream: its sockets, its times, and whether it answers. */
export class UpstreamClient {
  readonly name: string;
  /** Failures since the last answer. */
  failures = 0;
  /** Smoothed, in milliseconds; undefined before the first answer. */
  milliseconds: number | undefined;
  readonly #options: UpstreamClientOptions;
  readonly #observer: UpstreamObserver;
  #ports: Channel[] = [];
  #stream: Channel | undefined;
  /** It answered FORMERR to EDNS. */
  #isPlain = false;

  constructor(options: UpstreamClientOptions, observer: UpstreamObserver) {
    const { host, port } = options.upstream;
    this.name = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    this.#options = options;
    this.#observer = observer;
  }

  /** An answer whose letters are those of the question's key; undefined when none comes in time. */
  async ask(question: UpstreamQuestion, until?: Deadline): Promise<Buffer | undefined> {
    const started = this.#options.now();
    const deadline = new Deadline(this.#options.timeoutMilliseconds);
    const forget = until?.onEnd(() => deadline.end());
    const answer = await this.#exchange(question, deadline);
    deadline.close();
    forget?.();
    const milliseconds = this.#options.now() - started;
    if (answer !== undefined) {
      this.failures = 0;
      this.milliseconds =
        this.milliseconds === undefined
          ? milliseconds
          : this.milliseconds + smoothing * (milliseconds - this.milliseconds);
      this.#observer.answered(this.name, answer.readUInt8(3) & 0xf, milliseconds);
    } else if (until?.hasEnded !== true) {
      this.failures++;
      this.#observer.answered(this.name, undefined, milliseconds);
    }
    return answer;
  }

  close(): void {
    for (const port of this.#ports) port.close();
    this.#stream?.close();
  }

  async #exchange(question: UpstreamQuestion, deadline: Deadline): Promise<Buffer | undefined> {
    const answer = await this.#once(question, !this.#isPlain, deadline);
    if (answer === undefined || this.#isPlain) return this.#whole(question, answer, deadline);
    const rcode = answer.readUInt8(3) & 0xf;
    const refusesEdns =
      (rcode === rcodes.FORMERR || rcode === rcodes.NOTIMP) && answer.readUInt16BE(10) === 0;
    if (!refusesEdns) return this.#whole(question, answer, deadline);
    const plain = await this.#once(question, false, deadline);
    if (plain !== undefined && (plain.readUInt8(3) & 0xf) === rcodes.NOERROR) this.#isPlain = true;
    return this.#whole(question, plain ?? answer, deadline);
  }

  /** A cut answer is asked for again by TCP; where that fails, the cut one has to do. */
  async #whole(
    question: UpstreamQuestion,
    answer: Buffer | undefined,
    deadline: Deadline,
  ): Promise<Buffer | undefined> {
    if (answer === undefined || this.#options.forceTcp) return answer;
    if ((answer.readUInt16BE(2) & flags.TC) === 0) return answer;
    return (await this.#send(question, !this.#isPlain, this.#openStream(), deadline)) ?? answer;
  }

  #once(question: UpstreamQuestion, edns: boolean, deadline: Deadline): Promise<Buffer | undefined> {
    const channel = this.#options.forceTcp ? this.#openStream() : this.#port();
    return this.#send(question, edns, channel, deadline);
  }

  async #send(
    question: UpstreamQuestion,
    edns: boolean,
    channel: Channel,
    deadline: Deadline,
  ): Promise<Buffer | undefined> {
    const { random, randomCase } = this.#options;
    const message = upstreamQuery(question, randomCase ? { edns, random } : { edns });
    message.writeUInt16BE(Math.floor(random() * 0x1_0000), 0);
    const questionEnd = questionEndOf(question);
    const answer = await channel.ask(message, found => isAnswerTo(found, message, questionEnd), deadline);
    if (answer !== undefined && answer.length >= questionEnd) answer.write(question.key, 12, 'latin1');
    return answer;
  }

  /** One of several ports, at random: whoever forges an answer has to guess port and id. */
  #port(): Channel {
    const { random, upstream } = this.#options;
    this.#ports = this.#ports.filter(port => {
      if (port.isOpen && port.sent >= questionsOfPort && port.waiting === 0) port.close();
      return port.isOpen;
    });
    const usable = this.#ports.filter(port => port.sent < questionsOfPort);
    const index = Math.floor(random() * mostPorts);
    const found = usable[index];
    this.#observer.connected(this.name, 'udp', found !== undefined);
    if (found !== undefined) return found;
    const opened = openDatagrams(upstream);
    this.#ports.push(opened);
    return opened;
  }

  #openStream(): Channel {
    const isReused = this.#stream?.isOpen === true;
    this.#observer.connected(this.name, 'tcp', isReused);
    if (this.#stream?.isOpen !== true)
      this.#stream = openStream(this.#options.upstream, streamIdleMilliseconds);
    return this.#stream;
  }
}
