import { formatAddress, parseAddress } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import { DatagramServer } from '../../kernel/udp/index.ts';
import type { DatagramHandler, DatagramPeer } from '../../kernel/udp/index.ts';
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

  const onDatagram: DatagramHandler = (request, length, answer, peer, socket) => {
    const lane = datagramLanes[socket];
    if (lane === undefined) return 0;
    peerNow = peer;
    return answerer.datagram(request, length, answer, lane, way);
  };
  // One for all datagrams: a closure each would cost as much as an answer.
  let peerNow: (() => DatagramPeer) | undefined;
  const way = {
    client: () => (peerNow === undefined ? undefined : addressOfSockaddr(peerNow().name)),
    later: () => {
      const to = peerNow?.();
      return (answer: Uint8Array) => {
        if (to !== undefined) datagrams.send(answer, to);
      };
    },
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
  const settling = setInterval(() => answerer.settle(), settleMilliseconds).unref();
  log.info({ addresses, port, names: options.pipeline.names.tree.size }, 'DNS answers');
  return {
    counts: () => ({
      answers: answerer.answersByCode(),
      forwarded: answerer.forwarded(),
      underWay: answerer.underWay,
      dropped: datagrams.dropped,
    }),
    use: pipeline => answerer.use(pipeline),
    close: () => {
      clearInterval(settling);
      datagrams.close();
      for (const stream of streams) stream.close();
      answerer.pipeline.close();
    },
  };
}

/** How long questions may be missing from the names that are asked for most. */
const settleMilliseconds = 5000;
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
