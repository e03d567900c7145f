import { formatAddress, parseAddress } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import { DatagramServer } from '../../kernel/udp/index.ts';
import type { DatagramPeer } from '../../kernel/udp/index.ts';
import type { DnsMetrics, Lane } from '../metrics.ts';
import { limits, readQuery } from '../wire/index.ts';
import { addressOfSockaddr } from './access-list.ts';
import { Answerer } from './answerer.ts';
import type { Pipeline } from './pipeline.ts';
import { startStreamServer } from './stream-server.ts';
import type { TopNames } from './top-names.ts';

export interface DnsServerOptions {
  readonly pipeline: Pipeline;
  /** Of this node already; in the process's own network namespace. */
  readonly addresses: readonly string[];
  /** 53; tests have others. */
  readonly port: number;
  /** Sockets that somebody holds open while this process is started again; in the order of the addresses. */
  readonly held?: HeldSockets;
  readonly random: () => number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly metrics: DnsMetrics;
  readonly top: TopNames;
  readonly log: Log;
}

/** Descriptors, bound to one address each; streams listen already. */
export interface HeldSockets {
  readonly datagrams: readonly number[];
  readonly streams: readonly number[];
}

export interface DnsCounts {
  /** By code; `silence` for what was no query. */
  readonly answers: Readonly<Record<string, number>>;
  readonly forwarded: number;
  readonly underWay: number;
  /** Answers that the kernel did not take. */
  readonly dropped: number;
}

export interface DnsServer {
  counts(): DnsCounts;
  /** From now on questions are answered by this one; those under way stay with the one before, which is closed. */
  use(pipeline: Pipeline): void;
  close(): void;
}

/** Answers on UDP and TCP of every address. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { addresses, port, held, metrics, log } = options;
  const answerer = new Answerer(options);
  const scratch = Buffer.alloc(limits.tcp);
  const lanes = (proto: 'udp' | 'tcp'): readonly Lane[] =>
    addresses.map(host => metrics.lane(serverLabel(host, port), proto, host.includes(':') ? 6 : 4));
  const [datagramLanes, streamLanes] = [lanes('udp'), lanes('tcp')];

  const onDatagram = (
    request: Buffer,
    length: number,
    out: Buffer,
    peer: () => DatagramPeer,
    socket: number,
  ): number => {
    const lane = datagramLanes[socket];
    if (lane === undefined) return 0;
    const query = readQuery(request, length);
    return answerer.datagram(query, request, length, out, lane, {
      client: () => addressOfSockaddr(peer().name),
      later: () => {
        const to = peer();
        return answer => datagrams.send(answer, to);
      },
    });
  };

  const streams = await Promise.all(
    addresses.map((host, index) => {
      const lane = streamLanes[index];
      return startStreamServer({
        ...place(held?.streams[index], host, port),
        limits: () => answerer.pipeline.config.limits,
        handler: (message, client) =>
          lane === undefined
            ? []
            : answerer.message(readQuery(message, message.length), message, scratch, lane, () =>
                parseAddress(client.replace(/^::ffff:/, '')),
              ),
      });
    }),
  );
  const datagrams = new DatagramServer({
    sockets: addresses.map((host, index) => place(held?.datagrams[index], host, port)),
    handler: onDatagram,
    longest: longestDatagram,
  });
  log.info({ addresses, port, names: options.pipeline.names.tree.size }, 'DNS answers');
  return {
    counts: () => ({
      answers: metrics.answersByCode(),
      forwarded: answerer.forwarded(),
      underWay: answerer.underWay,
      dropped: datagrams.dropped,
    }),
    use: pipeline => answerer.use(pipeline),
    close: () => {
      datagrams.close();
      for (const stream of streams) stream.close();
      answerer.pipeline.close();
    },
  };
}

/** What a configuration may raise answers by UDP to. */
const longestDatagram = 4096;

const place = (fd: number | undefined, host: string, port: number) =>
  fd === undefined ? { host, port } : { fd };

/** As CoreDNS names its servers. */
export function serverLabel(host: string, port: number): string {
  const address = parseAddress(host);
  const text = address === undefined ? host : formatAddress(address);
  return text.includes(':') ? `dns://[${text}]:${port}` : `dns://${text}:${port}`;
}
