import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { parseAddress, parsePrefix } from '../../src/base/ip.ts';
import type { Address } from '../../src/base/ip.ts';
import { interfaces } from '../../src/kernel/contract.ts';
import { bindUdpIn, connectIn, listenIn } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { setSysctl } from '../../src/kernel/sysctl/index.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import type { EndpointSlice } from '../../src/kube/types/discovery.ts';
import type { Service } from '../../src/kube/types/service.ts';
import { ServiceNetwork } from '../../src/services/index.ts';
import type { ServiceKernel, ServiceSource } from '../../src/services/index.ts';
import { serviceOf } from '../../src/services/compile-model.ts';
import { temporaryNamespace } from './kernel-fixture.ts';

/** Objects that a test changes, read as the agent reads its caches. */
export class Objects implements ServiceSource {
  readonly #services = new Map<string, Service>();
  /** By the Service that they belong to. */
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();

  put(...objects: readonly (Service | EndpointSlice)[]): void {
    for (const object of objects) {
      if (object.kind === 'Service') this.#services.set(nameOf(object), object);
      else this.#slicesOf(serviceOf(object)).set(nameOf(object), object);
    }
  }

  remove(...objects: readonly (Service | EndpointSlice)[]): void {
    for (const object of objects) {
      if (object.kind === 'Service') this.#services.delete(nameOf(object));
      else this.#slicesOf(serviceOf(object)).delete(nameOf(object));
    }
  }

  #slicesOf(service: string): Map<string, EndpointSlice> {
    const known = this.#slices.get(service);
    const slices = known ?? new Map<string, EndpointSlice>();
    if (known === undefined) this.#slices.set(service, slices);
    return slices;
  }

  keys = () => this.#services.keys();
  service = (key: string) => this.#services.get(key);
  slices = (key: string) => [...(this.#slices.get(key)?.values() ?? [])];
}

const nameOf = ({ metadata }: Service | EndpointSlice) => `${metadata.namespace}/${metadata.name}`;

export interface ServiceNode {
  readonly node: string;
  readonly client: string;
  readonly servers: string;
  /** Behind a link that is no pod's; its own addresses are `outsiders`. */
  readonly outside: string;
  /** Of the servers' namespace: one place each. */
  readonly places: { readonly 4: readonly string[]; readonly 6: readonly string[] };
  readonly kernel: ServiceKernel;
  readonly objects: Objects;
  /** The JSON answer to a `list …` command. */
  list(command: string): Promise<unknown>;
  network(): ServiceNetwork;
}

export const outsiders = { 4: '10.244.2.2', 6: 'fd00:10:244:2::2' } as const;

/** At which clients outside meet the node. */
export const nodeAddresses = ['10.244.2.1', 'fd00:10:244:2::1'] as const;

export const servicePrefixes = ['10.96.0.0/16', 'fd00:10:96::/112'].flatMap(text => parsePrefix(text) ?? []);

function mustParse(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`${text} is no address`);
  return address;
}

const placesEach = 7;

/** A node that routes between a client and the namespace of several servers, with a way out that leads nowhere. */
export function startNode(context: TestContext): ServiceNode {
  const [node, client, servers, outside] = ['node', 'client', 'servers', 'outside'].map(part =>
    temporaryNamespace(context, part),
  ) as [string, string, string, string];
  for (const path of [node, client, servers, outside]) setSysctl(path, 'net.ipv6.conf.default.accept_dad', 0);
  connect(node, client, interfaces.podHost('0000000000a'), 0, ['2']);
  const hosts = Array.from({ length: placesEach }, (_, index) => String(index + 2));
  connect(node, servers, interfaces.podHost('0000000000b'), 1, hosts);
  connect(node, outside, 'outside', 2, ['2']);
  using own = RouteSocket.open(node);
  own.apply([
    // As the node's DNS has them: no pod may ever see them as a client.
    { do: 'address-add', dev: 'lo', address: '10.96.0.53/32' },
    { do: 'address-add', dev: 'lo', address: 'fd00:10:96::53/128', nodad: true },
    { do: 'route-replace', dst: '0.0.0.0/0', via: '10.244.2.2', dev: 'outside' },
    { do: 'route-replace', dst: '::/0', via: 'fd00:10:244:2::2', dev: 'outside' },
  ]);
  setSysctl(node, 'net.ipv4.ip_forward', 1);
  setSysctl(node, 'net.ipv6.conf.all.forwarding', 1);
  const worker = new KernelWorker();
  context.after(() => worker.close());
  const kernel: ServiceKernel = {
    nft: commands => worker.nft(commands, node),
    nftChunked: changes => worker.nftChunked(changes, node),
    nftElements: changes => worker.nftElements(changes, node),
    nftTable: (name, types) => worker.nftTable(name, types, node),
    nftCounters: places => worker.nftCounters(places, node),
    forgetConnections: flows => worker.forgetConnections(flows, node),
    connections: filters => worker.connections(filters, node),
    deleteConnections: connections => worker.deleteConnections(connections, node),
  };
  const objects = new Objects();
  const addresses = nodeAddresses.map(mustParse);
  const place = { node: 'node-1', addresses, nodePortAddresses: addresses, servicePrefixes };
  const options = { kernel, place, clock: systemClock };
  return {
    node,
    client,
    servers,
    outside,
    places: { 4: hosts.map(host => `10.244.1.${host}`), 6: hosts.map(host => `fd00:10:244:1::${host}`) },
    kernel,
    objects,
    list: command => worker.nftList(command, node),
    network: () => new ServiceNetwork(options, objects),
  };
}

function connect(node: string, peer: string, name: string, index: number, hosts: readonly string[]): void {
  const prefixes = [`10.244.${index}.`, `fd00:10:244:${index}::`] as const;
  using own = RouteSocket.open(node);
  using other = RouteSocket.open(peer);
  own.apply([
    { do: 'link-add', kind: 'veth', name, peer: { name: 'eth0', namespace: peer } },
    { do: 'address-add', dev: name, address: `${prefixes[0]}1/24`, nodad: true },
    { do: 'address-add', dev: name, address: `${prefixes[1]}1/64`, nodad: true },
    { do: 'link-set', dev: name, up: true },
  ]);
  other.apply([
    ...hosts.flatMap(host => [
      { do: 'address-add', dev: 'eth0', address: `${prefixes[0]}${host}/24`, nodad: true } as const,
      { do: 'address-add', dev: 'eth0', address: `${prefixes[1]}${host}/64`, nodad: true } as const,
    ]),
    { do: 'link-set', dev: 'eth0', up: true },
    { do: 'route-replace', dst: '0.0.0.0/0', via: `${prefixes[0]}1`, dev: 'eth0' },
    // Among several addresses of a link, IPv6 would choose another one than IPv4.
    {
      do: 'route-replace',
      dst: '::/0',
      via: `${prefixes[1]}1`,
      dev: 'eth0',
      src: `${prefixes[1]}${hosts[0]}`,
    },
  ]);
}

/** What a server tells each client: the address and port that were reached, and the address that it was reached from. */
export interface Meeting {
  readonly reached: string;
  readonly port: number;
  readonly from: string;
}

/** A TCP server on every address of a namespace, both families, on one port; greets, then echoes. */
export async function tcpServers(context: TestContext, namespace: string, port: number): Promise<void> {
  for (const host of ['0.0.0.0', '::']) {
    const sockets = new Set<Socket>();
    const server = createServer(socket => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      const { localAddress: reached, localPort: at, remoteAddress: from } = socket;
      socket.write(`${JSON.stringify({ reached, port: at, from })}\n`);
      socket.pipe(socket);
    });
    server.listen({ fd: listenIn(namespace, { host, port }) });
    await once(server, 'listening');
    context.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
  }
}

/** Opens a connection and reads the greeting; the connection stays open. */
export async function open(
  namespace: string,
  host: string,
  port: number,
  timeoutMilliseconds = 3000,
): Promise<{ readonly socket: Socket; readonly meeting: Meeting }> {
  const socket = await connectIn(namespace, { host, port, timeoutMilliseconds });
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return { socket, meeting: JSON.parse(chunk.toString()) as Meeting };
}

/** Connects, hears whom it met, and hangs up with a reset, so that thousands of connections leave nothing behind. */
export async function meet(
  namespace: string,
  host: string,
  port: number,
  timeoutMilliseconds?: number,
): Promise<Meeting> {
  const { socket, meeting } = await open(namespace, host, port, timeoutMilliseconds);
  socket.resetAndDestroy();
  return meeting;
}

/** The word by which the kernel says how connecting ended, or `unanswered`, and after how many milliseconds. */
export async function attempt(
  namespace: string,
  host: string,
  port: number,
  timeoutMilliseconds = 1000,
): Promise<{ readonly outcome: string; readonly milliseconds: number }> {
  const started = performance.now();
  const outcome = await meet(namespace, host, port, timeoutMilliseconds).then(
    () => 'connected',
    (error: Error) => (error.cause as { code?: string } | undefined)?.code ?? 'unanswered',
  );
  return { outcome, milliseconds: performance.now() - started };
}

/** UDP servers on given addresses, each of which answers with its own address. */
export async function udpServers(
  context: TestContext,
  namespace: string,
  hosts: readonly string[],
  port: number,
): Promise<void> {
  for (const host of hosts) {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    context.after(() => socket.close());
    const listening = once(socket, 'listening');
    socket.bind({ fd: bindUdpIn(namespace, { host, port }) });
    await listening;
    socket.on('message', (_, from) => socket.send(host, from.port, from.address));
  }
}

/** One question from a new connected socket: the answer, or the error's code. */
export async function ask(namespace: string, host: string, port: number): Promise<string> {
  const isSix = host.includes(':');
  const socket = createSocket(isSix ? 'udp6' : 'udp4');
  const listening = once(socket, 'listening');
  socket.bind({ fd: bindUdpIn(namespace, { host: isSix ? '::' : '0.0.0.0', port: 0 }) });
  await listening;
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    const answer = once(socket, 'message', { signal: AbortSignal.timeout(3000) });
    socket.send('hello');
    const [message] = (await answer) as [Buffer];
    return message.toString();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    socket.close();
  }
}

export interface Conversation extends AsyncDisposable {
  /** Sends a datagram; the answer, or undefined when none comes in time. */
  ask(host: string, port: number, milliseconds?: number): Promise<string | undefined>;
}

/** One IPv4 socket that asks again and again. */
export async function conversation(namespace: string): Promise<Conversation> {
  const socket = createSocket('udp4');
  const listening = once(socket, 'listening');
  socket.bind({ fd: bindUdpIn(namespace, { host: '0.0.0.0', port: 0 }) });
  await listening;
  return {
    ask: async (host, port, milliseconds = 3000) => {
      const answer = once(socket, 'message', { signal: AbortSignal.timeout(milliseconds) });
      socket.send('hello', port, host);
      return answer.then(
        ([message]) => String(message),
        () => undefined,
      );
    },
    [Symbol.asyncDispose]: async () => {
      socket.close();
      await once(socket, 'close');
    },
  };
}

export const serverPort = 8080;

export function service(
  name: string,
  clusterIPs: readonly string[],
  change: Partial<Service['spec']> = {},
): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: {
      clusterIPs,
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns', port: 53, protocol: 'UDP' },
      ],
      ...change,
    },
  };
}

/** A slice of ready endpoints on this node, in the family of their addresses. */
export function slice(
  name: string,
  addresses: readonly string[],
  conditions: NonNullable<EndpointSlice['endpoints']>[number]['conditions'] = { ready: true },
): EndpointSlice {
  const family = addresses.some(address => address.includes(':')) ? 'IPv6' : 'IPv4';
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${family.toLowerCase()}`,
      namespace: 'shop',
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: family,
    endpoints: addresses.map(address => ({ addresses: [address], conditions, nodeName: 'node-1' })),
    ports: [
      { name: 'http', port: serverPort, protocol: 'TCP' },
      { name: 'dns', port: serverPort, protocol: 'UDP' },
    ],
  };
}
