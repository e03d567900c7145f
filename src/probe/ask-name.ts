import { createSocket } from 'node:dgram';
import { FrameReader, describeAnswer, questionMessage } from '../dns/index.ts';
import type { DescribedAnswer } from '../dns/index.ts';
import { bindUdpIn, connectIn } from '../kernel/ns/index.ts';

export interface NameQuestion {
  /** The network namespace from which is asked. */
  readonly namespacePath: string;
  readonly server: string;
  readonly name: string;
  /** `AAAA`, `TYPE65` */
  readonly type: string;
  readonly timeoutMilliseconds: number;
}

export interface NameReply {
  readonly milliseconds: number;
  readonly transport: 'udp' | 'tcp';
  /** Absent: why there is none. */
  readonly answer?: DescribedAnswer;
  readonly failure?: string;
}

const port = 53;
const noAnswer = 'no answer';

/**
 * Asks as a resolver does: by UDP, and by TCP what is cut. It never throws for what the network does: that is part of the
 * reply. `random` is in [0, 1), for the message's id.
 */
export async function askName(question: NameQuestion, random: () => number): Promise<NameReply> {
  const id = Math.floor(random() * 0x1_0000);
  const message = questionMessage(id, question.name, question.type);
  if (message === undefined) return { milliseconds: 0, transport: 'udp', failure: 'this is no domain name' };
  const started = performance.now();
  const reply = await byUdp(question, message);
  const timed = (rest: Omit<NameReply, 'milliseconds'>): NameReply => ({
    milliseconds: performance.now() - started,
    ...rest,
  });
  if (typeof reply === 'string') return timed({ transport: 'udp', failure: reply });
  if (!reply.isCut) return timed({ transport: 'udp', answer: reply });
  const whole = await byTcp(question, message);
  return timed(
    typeof whole === 'string'
      ? { transport: 'udp', answer: reply, failure: `cut, and by TCP: ${whole}` }
      : { transport: 'tcp', answer: whole },
  );
}

function byUdp(
  { namespacePath, server, timeoutMilliseconds }: NameQuestion,
  message: Buffer,
): Promise<DescribedAnswer | string> {
  const isV6 = server.includes(':');
  const fd = bindUdpIn(namespacePath, { host: isV6 ? '::' : '0.0.0.0', port: 0 });
  const socket = createSocket(isV6 ? 'udp6' : 'udp4');
  return new Promise(resolve => {
    const end = (outcome: DescribedAnswer | string) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.on('error', () => undefined); // what comes after the answer is of no use to anybody
      socket.close();
      resolve(outcome);
    };
    const timer = setTimeout(() => end(noAnswer), timeoutMilliseconds);
    socket.once('error', error => end(error.message));
    socket.on('message', bytes => {
      const answer = describeAnswer(bytes, message);
      if (answer !== undefined) end(answer);
    });
    // Connected: the kernel takes datagrams from nobody else, and tells of ICMP errors.
    // Not as a callback of `connect`, which is called also where there is no way there.
    socket.once('connect', () => socket.send(message));
    socket.bind({ fd }, () => socket.connect(port, server));
  });
}

async function byTcp(
  { namespacePath, server, timeoutMilliseconds }: NameQuestion,
  message: Buffer,
): Promise<DescribedAnswer | string> {
  try {
    const socket = await connectIn(namespacePath, { host: server, port, timeoutMilliseconds });
    // Not by the time of silence: a server that sends an octet now and then would have us wait for ever.
    const timer = setTimeout(() => socket.destroy(), timeoutMilliseconds);
    socket.once('close', () => clearTimeout(timer));
    const length = Buffer.alloc(2);
    length.writeUInt16BE(message.length);
    socket.write(Buffer.concat([length, message]));
    const reader = new FrameReader();
    for await (const chunk of socket) {
      for (const bytes of reader.push(chunk as Buffer)) {
        const answer = describeAnswer(bytes, message);
        if (answer === undefined) continue;
        socket.destroy();
        return answer;
      }
    }
    return 'the connection ended without an answer';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
