import { createSocket } from 'node:dgram';
import { questionMessage } from '../dns/index.ts';
import { bindUdpIn } from '../kernel/ns/index.ts';
import type { Exchange } from './send-request.ts';

export interface SentDatagram {
  /** The network namespace from which is sent. */
  readonly namespacePath: string;
  readonly address: string;
  readonly port: number;
  readonly timeoutMilliseconds: number;
  /** After the answer, or when none came. */
  readonly whenSent?: (local: { readonly address: string; readonly port: number }) => Promise<void>;
}

const dnsPort = 53;
const empty = Buffer.from('\n');

/** What a server of that port is likely to answer: for DNS a question, for others an empty line. */
const payloadFor = (port: number): Buffer =>
  port === dnsPort ? (questionMessage(1, '.', 'A') ?? empty) : empty;

/** One datagram. `connected` is that something came back; nothing at all is `timed-out`, which with UDP says little. */
export async function sendDatagram(sent: SentDatagram): Promise<Exchange> {
  const { address, namespacePath, port, timeoutMilliseconds, whenSent } = sent;
  const isV6 = address.includes(':');
  const fd = bindUdpIn(namespacePath, { host: isV6 ? '::' : '0.0.0.0', port: 0 });
  const socket = createSocket(isV6 ? 'udp6' : 'udp4');
  const started = performance.now();
  try {
    const outcome = await new Promise<Exchange['outcome']>(resolve => {
      const timer = setTimeout(() => resolve('timed-out'), timeoutMilliseconds);
      const end = (found: Exchange['outcome']) => {
        clearTimeout(timer);
        resolve(found);
      };
      socket.on('error', (error: NodeJS.ErrnoException) =>
        end(error.code === 'ECONNREFUSED' ? 'refused' : 'unreachable'),
      );
      socket.once('message', () => end('connected'));
      // Not as a callback of `connect`, which is called also where there is no way there.
      socket.once('connect', () => socket.send(payloadFor(port)));
      socket.bind({ fd }, () => {
        // Connected: the kernel takes datagrams from nobody else, and tells of ICMP errors.
        socket.connect(port, address);
      });
    });
    const milliseconds = performance.now() - started;
    const { address: own, port: ownPort } = socket.address();
    const local = { address: own, port: ownPort };
    await whenSent?.(local);
    return { outcome, milliseconds, local };
  } finally {
    socket.close();
  }
}
