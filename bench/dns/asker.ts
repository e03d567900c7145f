import { createSocket } from 'node:dgram';
import { bindUdpIn } from '../../src/kernel/ns/index.ts';
import { questionMessage } from '../../src/dns/index.ts';
import type { Subject } from './server.ts';

/** What became of a question. */
export interface Outcome {
  readonly rcode: number;
  readonly answers: number;
  readonly milliseconds: number;
}

/** Asks one server over one socket, many questions at a time. */
export class Asker {
  readonly #socket = createSocket('udp4');
  readonly #waiting = new Map<number, (answer: Buffer) => void>();
  readonly #subject: Subject;
  #next = 1;

  constructor(subject: Subject) {
    this.#subject = subject;
    this.#socket.bind({ fd: bindUdpIn(subject.namespace, { host: '0.0.0.0', port: 0 }) });
    this.#socket.on('message', answer => this.#waiting.get(answer.readUInt16BE(0))?.(answer));
  }

  /** Undefined where no answer comes in time. */
  ask(name: string, milliseconds: number): Promise<Outcome | undefined> {
    const id = this.#next++ & 0xffff;
    const message = questionMessage(id, name, 'A');
    if (message === undefined) throw new Error(`${name} is no name`);
    const started = performance.now();
    return new Promise(resolve => {
      const end = (outcome: Outcome | undefined) => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(outcome);
      };
      const timer = setTimeout(() => end(undefined), milliseconds);
      this.#waiting.set(id, answer =>
        end({
          rcode: answer.readUInt8(3) & 0xf,
          answers: answer.readUInt16BE(6),
          milliseconds: performance.now() - started,
        }),
      );
      this.#socket.send(message, this.#subject.port, this.#subject.host);
    });
  }

  close(): void {
    this.#socket.close();
  }
}
