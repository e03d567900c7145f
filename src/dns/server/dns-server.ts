import type { Log } from '../../base/log.ts';
import { DatagramServer } from '../../kernel/udp/index.ts';
import type { DatagramPeer } from '../../kernel/udp/index.ts';
import type { ClusterNames } from '../compile-cluster.ts';
import { limits, rcodes, textOfName } from '../wire/index.ts';
import type { Query } from '../wire/index.ts';
import { answerQuery, answerWith, roomFor, shorten } from './answer-query.ts';
import { Forwarder } from './forwarder.ts';
import type { Upstream } from './forwarder.ts';
import { startStreamServer } from './stream-server.ts';

export interface DnsServerOptions {
  readonly names: ClusterNames;
  /** Of this node already; in the process's own network namespace. */
  readonly addresses: readonly string[];
  /** 53; tests have others. */
  readonly port: number;
  /** Sockets that somebody holds open while this process is started again; in the order of the addresses. */
  readonly held?: HeldSockets;
  /** Asked for names that are not the cluster's; where there are none, these are refused. */
  readonly upstreams: readonly Upstream[];
  readonly random: () => number;
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
  close(): void;
}

/** Answers on UDP and TCP of every address, from the cluster's names or from an upstream. */
export async function startDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { names, addresses, port, held, random, log } = options;
  const answers = new Map<number | 'silence', number>();
  const count = (what: number | 'silence') => answers.set(what, (answers.get(what) ?? 0) + 1);
  const forwarding = createForwarding(options);
  const scratch = Buffer.alloc(limits.tcp);

  const onDatagram = (request: Buffer, length: number, out: Buffer, peer: () => DatagramPeer): number => {
    const outcome = answerQuery(names, request, length, out, 'udp', random);
    if (outcome.kind === 'silence') count('silence');
    if (outcome.kind === 'answered') count(outcome.rcode);
    if (outcome.kind === 'answered') return outcome.length;
    if (outcome.kind === 'forward') {
      const to = peer();
      const message = Buffer.from(request.subarray(0, length));
      const room = roomFor(outcome.query.edns, 'udp', out);
      void forwarding.ask(message, outcome.query).then(answer => {
        count(answer.readUInt8(3) & 0xf);
        datagrams.send(shorten(answer, outcome.query, room), to);
      });
    }
    return 0;
  };
  const onMessage = (message: Buffer): Buffer | undefined | Promise<Buffer> => {
    const outcome = answerQuery(names, message, message.length, scratch, 'tcp', random);
    if (outcome.kind === 'silence') count('silence');
    if (outcome.kind === 'forward')
      return forwarding.ask(Buffer.from(message), outcome.query).then(answer => {
        count(answer.readUInt8(3) & 0xf);
        return answer;
      });
    if (outcome.kind !== 'answered') return undefined;
    count(outcome.rcode);
    return Buffer.from(scratch.subarray(0, outcome.length));
  };

  const streams = await Promise.all(
    addresses.map((host, index) =>
      startStreamServer({ ...place(held?.streams[index], host, port), handler: onMessage }),
    ),
  );
  const datagrams = new DatagramServer({
    sockets: addresses.map((host, index) => place(held?.datagrams[index], host, port)),
    handler: onDatagram,
    longest: limits.udp,
  });
  log.info({ addresses, port, names: names.tree.size }, 'DNS answers');
  return {
    counts: () => ({
      answers: Object.fromEntries([...answers].map(([what, number]) => [codeName(what), number])),
      forwarded: forwarding.total(),
      underWay: forwarding.underWay(),
      dropped: datagrams.dropped,
    }),
    close: () => {
      datagrams.close();
      for (const stream of streams) stream.close();
    },
  };
}

const place = (fd: number | undefined, host: string, port: number) =>
  fd === undefined ? { host, port } : { fd };

/** Always an answer: what no upstream says is SERVFAIL, and without upstreams others' names are REFUSED. */
function createForwarding({ upstreams, random, log }: DnsServerOptions) {
  const forwarder = new Forwarder({ upstreams, random });
  let total = 0;
  let isTold = false;
  const refused = (message: Buffer, query: Query, rcode: number): Buffer => {
    const out = Buffer.alloc(limits.plainUdp);
    const outcome = answerWith(message, query, out, rcode);
    return out.subarray(0, outcome.kind === 'answered' ? outcome.length : 0);
  };
  return {
    total: () => total,
    underWay: () => forwarder.underWay,
    async ask(message: Buffer, query: Query): Promise<Buffer> {
      if (upstreams.length === 0) {
        if (!isTold) {
          const sentence =
            'names outside the cluster are refused: no upstream resolver is given (--upstreams)';
          log.warn({ name: textOfName(query.key) }, sentence);
        }
        isTold = true;
        return refused(message, query, rcodes.REFUSED);
      }
      total++;
      const forwarded = await forwarder.ask(message, query);
      if (forwarded.kind === 'answered') return forwarded.message;
      return refused(message, query, forwarded.kind === 'busy' ? rcodes.REFUSED : rcodes.SERVFAIL);
    },
  };
}

function codeName(what: number | 'silence'): string {
  const found = Object.entries(rcodes).find(([, number]) => number === what);
  return found === undefined ? String(what) : found[0];
}
