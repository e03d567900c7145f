import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { formatAddress } from '../../src/base/ip.ts';
import { bindUdpIn } from '../../src/kernel/ns/index.ts';
import { setSysctl } from '../../src/kernel/sysctl/index.ts';
import type { ServiceCase } from '../cases/services/case.ts';
import type { Ask, Seen } from '../cases/services/check.ts';
import {
  addressOf,
  addresses,
  families,
  placeAddress,
  placeNames,
  placeOf,
} from '../cases/services/objects.ts';
import { meet, startNode, tcpServers } from './services-node.ts';
import type { Meeting, ServiceNode } from './services-node.ts';

const answeredMilliseconds = 20_000;
const unansweredMilliseconds = 500;

/** What is answered may take its time on a busy machine; what is not is not waited for long. */
export function patienceFor({ packets }: ServiceCase, ask: Ask): number {
  const isDropped = packets.some(
    ({ family: only, from, gets, port = 80, protocol = 'TCP', to }) =>
      (gets === 'DROP' || gets === 'ROUTED') &&
      from === ask.from &&
      port === ask.port &&
      protocol === ask.protocol &&
      families.some(family => (only ?? family) === family && addresses[family][to] === ask.address),
  );
  return isDropped ? unansweredMilliseconds : answeredMilliseconds;
}

export interface CasesRig {
  readonly node: ServiceNode;
  readonly reach: (one: ServiceCase, ask: Ask) => Promise<Seen>;
}

/** The rig of `startNode`, with servers at all places, and packets as the cases name them. */
export async function startCasesRig(context: TestContext): Promise<CasesRig> {
  const node = startNode(context);
  // Kernels limit ICMP errors to one peer; cases ask for many at once.
  setSysctl(node.node, 'net.ipv4.icmp_ratelimit', 0);
  setSysctl(node.node, 'net.ipv6.icmp.ratelimit', 0);
  for (const port of [8080, 8081]) await tcpServers(context, node.servers, port);
  for (const place of placeNames)
    for (const family of families) await udpServer(context, node.servers, placeAddress(family, place));
  const namespaces = { pod: node.client, world: node.outside, node: node.node, a: node.servers } as const;
  return {
    node,
    reach: (one, ask) => {
      const send = ask.protocol === 'TCP' ? byTcp : byUdp;
      return send(namespaces[ask.from], ask.address, ask.port, patienceFor(one, ask));
    },
  };
}

async function byTcp(namespace: string, address: string, port: number, milliseconds: number): Promise<Seen> {
  try {
    return seenOf(await meet(namespace, address, port, milliseconds));
  } catch (error) {
    const code = ((error as Error).cause as { code?: string } | undefined)?.code;
    return code === 'ECONNREFUSED' ? 'REJECT' : 'DROP';
  }
}

async function byUdp(namespace: string, address: string, port: number, milliseconds: number): Promise<Seen> {
  const isSix = address.includes(':');
  const socket = createSocket(isSix ? 'udp6' : 'udp4');
  try {
    const listening = once(socket, 'listening');
    socket.bind({ fd: bindUdpIn(namespace, { host: isSix ? '::' : '0.0.0.0', port: 0 }) });
    await listening;
    socket.connect(port, address);
    await once(socket, 'connect');
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(milliseconds) });
    socket.send('hello');
    const [message] = (await answer) as [Buffer];
    return seenOf(JSON.parse(message.toString()) as Meeting);
  } catch (error) {
    return (error as { code?: string }).code === 'ECONNREFUSED' ? 'REJECT' : 'DROP';
  } finally {
    socket.close();
  }
}

function seenOf({ from, port, reached }: Meeting): Seen {
  const place = placeOf(plain(reached));
  if (place === undefined) throw new Error(`${reached} is no place of the cases`);
  return { place, port, from: plain(from) };
}

const plain = (address: string): string => formatAddress(addressOf(address));

async function udpServer(context: TestContext, namespace: string, host: string): Promise<void> {
  const socket: UdpSocket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  context.after(() => socket.close());
  const listening = once(socket, 'listening');
  socket.bind({ fd: bindUdpIn(namespace, { host, port: 8080 }) });
  await listening;
  socket.on('message', (_, { address, port }) =>
    socket.send(JSON.stringify({ reached: host, port: 8080, from: address }), port, address),
  );
}
