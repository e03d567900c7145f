import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import type { Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { systemClock } from '../../src/base/clock.ts';
import { FairleadError, sentenceOf } from '../../src/base/errors.ts';
import {
  bindUdpIn,
  connectIn,
  createNamespace,
  deleteNamespace,
  spawnIn,
} from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { setSysctl } from '../../src/kernel/sysctl/index.ts';
import { testName } from './kernel-fixture.ts';
import type { TestEnd } from './kernel-fixture.ts';

export interface RigPod {
  readonly namespace: string;
  /** IPv4, IPv6 */
  readonly addresses: readonly [string, string];
}

/** A node's namespace that forwards between pods, each behind a veth of its own; no agent. */
export interface Rig {
  readonly router: string;
  readonly routerAddresses: readonly [string, string];
  readonly pods: readonly RigPod[];
}

export const rigAddresses = (index: number): readonly [string, string] => [
  `10.244.0.${index + 10}`,
  `fd00:10:244::${(index + 16).toString(16)}`,
];

export function buildRig(context: TestEnd, part: string, count: number): Rig {
  const router = rigNamespace(context, `${part}-router`);
  setSysctl(router, 'net.ipv4.ip_forward', 1);
  setSysctl(router, 'net.ipv6.conf.all.forwarding', 1);
  const pods = Array.from({ length: count }, (_, index): RigPod => {
    const namespace = rigNamespace(context, `${part}-p${index}`);
    wirePod(router, namespace, index);
    return { namespace, addresses: rigAddresses(index) };
  });
  return { router, routerAddresses: ['172.30.0.1', 'fd00:172:30::1'], pods };
}

/** A network namespace until the test ends, in which addresses are usable at once. */
export function rigNamespace(context: TestEnd, part: string): string {
  context.after(() => deleteNamespace(testName(part)));
  const path = createNamespace(testName(part));
  setSysctl(path, 'net.ipv6.conf.default.accept_dad', 0);
  return path;
}

export function wirePod(router: string, namespace: string, index: number): void {
  using socket = RouteSocket.open(router);
  const addresses = rigAddresses(index);
  const dev = `veth${index}`;
  socket.apply([
    { do: 'link-add', kind: 'veth', name: dev, peer: { name: 'eth0', namespace } },
    { do: 'link-set', dev, up: true },
    { do: 'address-add', dev, address: '172.30.0.1/32', nodad: true },
    { do: 'address-add', dev, address: 'fd00:172:30::1/128', nodad: true },
  ]);
  using inside = RouteSocket.open(namespace);
  inside.apply([
    { do: 'link-set', dev: 'eth0', up: true },
    { do: 'address-add', dev: 'eth0', address: `${addresses[0]}/32`, nodad: true },
    { do: 'address-add', dev: 'eth0', address: `${addresses[1]}/128`, nodad: true },
    { do: 'route-replace', dst: '172.30.0.1/32', dev: 'eth0', scope: 'link' },
    { do: 'route-replace', dst: 'fd00:172:30::1/128', dev: 'eth0' },
    { do: 'route-replace', dst: '0.0.0.0/0', via: '172.30.0.1', dev: 'eth0' },
    { do: 'route-replace', dst: '::/0', via: 'fd00:172:30::1', dev: 'eth0' },
  ]);
  socket.apply([
    { do: 'route-replace', dst: `${addresses[0]}/32`, dev, scope: 'link' },
    { do: 'route-replace', dst: `${addresses[1]}/128`, dev },
  ]);
}

/** Whether a TCP connection gets through to the other end's kernel: accepted or refused there, it was not dropped. */
export async function reachesTcp(
  from: string,
  host: string,
  port: number,
  timeoutMilliseconds: number,
): Promise<boolean> {
  try {
    (await connectIn(from, { host, port, timeoutMilliseconds })).destroy();
    return true;
  } catch (error) {
    if (error instanceof FairleadError && sentenceOf(error).includes('ECONNREFUSED')) return true;
    if (sentenceOf(error).includes('timed out')) return false;
    throw error;
  }
}

/** What passes has all the time of a busy machine; what is dropped is waited for no longer than it takes to be sure. */
export async function expectReach(
  [from, host, port = 7]: readonly [from: string, host: string, port?: number],
  isExpected: boolean,
  what = host,
): Promise<void> {
  assert.equal(await reachesTcp(from, host, port, isExpected ? 10_000 : 700), isExpected, what);
}

export async function boundUdp(
  context: TestEnd,
  namespace: string,
  host: string,
  port: number,
): Promise<DatagramSocket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  context.after(() => socket.close());
  const listening = once(socket, 'listening');
  socket.bind({ fd: bindUdpIn(namespace, { host, port }) });
  await listening;
  return socket;
}

/** Looks again until it is so, and fails with what it saw last. */
export async function eventually(
  what: string,
  check: () => Promise<boolean> | boolean,
  milliseconds = 20_000,
): Promise<void> {
  const deadline = systemClock.now() + milliseconds;
  while (!(await check())) {
    if (systemClock.now() > deadline) throw new Error(`${what}: not within ${milliseconds} ms`);
    await systemClock.sleep(20);
  }
}

/** Waits until nothing comes for a time: what was on its way may arrive late on a busy machine. */
export async function quiet(what: string, count: () => number, milliseconds: number): Promise<void> {
  await eventually(what, async () => {
    const before = count();
    await systemClock.sleep(milliseconds);
    return count() === before;
  });
}

/** A process that sends datagrams of one text for as long as the test runs, also before there is a way. */
export function startSender(
  context: TestEnd,
  namespace: string,
  host: string,
  port: number,
  text: string,
): void {
  const type = host.includes(':') ? 'udp6' : 'udp4';
  const program = `const socket = require('node:dgram').createSocket('${type}');
    socket.on('error', () => {});
    const go = () => socket.send('${text}', ${port}, '${host}', () => setImmediate(go));
    go();`;
  const child = spawnIn(namespace, process.execPath, ['--eval', program], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  context.after(() => {
    child.kill('SIGKILL');
  });
}
