import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectIn, spawnIn } from '../../src/kernel/ns/index.ts';
import type { Unpacked } from '../harness/debian.ts';
import { outsideZone } from './questions.ts';

/** A name of the cluster, as every server is to answer it. */
export interface ClusterName {
  readonly name: string;
  readonly addresses: readonly string[];
}

/** A server under test: where it answers, and whose processor time it costs. */
export interface Subject {
  readonly namespace: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
}

const zone = 'cluster.local';
const startMilliseconds = 20_000;

export interface Peer {
  readonly package: string;
  /**
   * Writes what it needs into `directory` and returns its command. It answers at 127.0.0.1 and `port`, with one worker, and
   * asks `upstream`, a port, for the outside zone, if it can.
   */
  prepare(
    directory: string,
    port: number,
    names: readonly ClusterName[],
    upstream?: number,
  ): readonly [string, ...string[]];
  readonly canForward: boolean;
}

/** Each as its own manual says for many local names, with one thread. */
export const peers = {
  dnsmasq: {
    package: 'dnsmasq-base',
    canForward: true,
    prepare: (directory, port, names, upstream = 9) => {
      const hosts = join(directory, 'hosts');
      writeFileSync(
        hosts,
        names.flatMap(({ name, addresses }) => addresses.map(address => `${address} ${name}\n`)).join(''),
      );
      return [
        'usr/sbin/dnsmasq',
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--no-resolv',
        '--no-hosts',
        `--addn-hosts=${hosts}`,
        `--local=/${zone}/`,
        `--server=/${outsideZone}/127.0.0.1#${upstream}`,
        '--dns-forward-max=1000',
        '--listen-address=127.0.0.1',
        '--bind-interfaces',
        `--port=${port}`,
        '--cache-size=10000',
        '--user=root',
        '--pid-file=',
      ];
    },
  },
  unbound: {
    package: 'unbound',
    canForward: true,
    prepare: (directory, port, names, upstream = 9) => {
      const file = join(directory, 'unbound.conf');
      const data = names.flatMap(({ name, addresses }) =>
        addresses.map(address => `  local-data: "${name}. 5 IN ${typeOf(address)} ${address}"`),
      );
      writeFileSync(
        file,
        `server:
  interface: 127.0.0.1
  port: ${port}
  num-threads: 1
  do-daemonize: no
  use-syslog: no
  verbosity: 0
  chroot: ""
  username: ""
  directory: "${directory}"
  pidfile: ""
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  local-zone: "${zone}." static
${data.join('\n')}
  do-not-query-localhost: no
  domain-insecure: "${outsideZone}"
remote-control:
  control-enable: no
forward-zone:
  name: "${outsideZone}"
  forward-addr: 127.0.0.1@${upstream}
`,
      );
      return ['usr/sbin/unbound', '-d', '-c', file];
    },
  },
  knot: {
    package: 'knot',
    canForward: false,
    prepare: (directory, port, names) => {
      const records = names.flatMap(({ name, addresses }) =>
        addresses.map(address => `${name}. 5 IN ${typeOf(address)} ${address}`),
      );
      return prepareKnot(directory, port, zone, records);
    },
  },
} as const satisfies Readonly<Record<string, Peer>>;

export type PeerName = keyof typeof peers;

/** Whom the others ask for names outside: everything below its zone has an address that nobody may keep. */
export const upstream: Peer = {
  package: 'knot',
  canForward: false,
  prepare: (directory, port) =>
    prepareKnot(directory, port, outsideZone, [`*.${outsideZone}. 0 IN A 192.0.2.1`]),
};

function prepareKnot(
  directory: string,
  port: number,
  origin: string,
  records: readonly string[],
): readonly [string, ...string[]] {
  const soa = `${origin}. 5 IN SOA ns.${origin}. hostmaster.${origin}. 1 7200 1800 86400 5\n${origin}. 5 IN NS ns.${origin}.\nns.${origin}. 5 IN A 127.0.0.1\n`;
  writeFileSync(join(directory, 'zone'), `${soa}${records.join('\n')}\n`);
  const file = join(directory, 'knot.conf');
  writeFileSync(
    file,
    `server:
  rundir: "${directory}"
  listen: 127.0.0.1@${port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${directory}"
zone:
  - domain: ${origin}
    file: "${join(directory, 'zone')}"
    zonefile-load: whole
    journal-content: none
`,
  );
  return ['usr/sbin/knotd', '-c', file];
}

const typeOf = (address: string): string => (address.includes(':') ? 'AAAA' : 'A');

export interface RunningPeer extends Subject {
  /** Resolves when it listens. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export function startPeer(
  peer: Peer,
  unpacked: Unpacked,
  place: {
    readonly namespace: string;
    readonly directory: string;
    readonly port: number;
    readonly upstream?: number;
  },
  names: readonly ClusterName[],
): RunningPeer {
  const { namespace, directory, port } = place;
  const [program, ...words] = peer.prepare(directory, port, names, place.upstream);
  const child: ChildProcess = spawnIn(namespace, join(unpacked.root, program), words, {
    env: unpacked.environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  return {
    namespace,
    host: '127.0.0.1',
    port,
    pid: child.pid ?? 0,
    ready: () => untilListening(namespace, port),
    close: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** All of them listen for TCP when they are ready for both. */
async function untilListening(namespace: string, port: number): Promise<void> {
  const deadline = performance.now() + startMilliseconds;
  while (true) {
    try {
      (await connectIn(namespace, { host: '127.0.0.1', port, timeoutMilliseconds: 1000 })).destroy();
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await sleep(50);
  }
}

/** Puts all threads of a process on one processor. */
export function pin(pid: number, processor: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    spawnSync('taskset', ['-p', '-c', String(processor), thread], { stdio: 'ignore' });
  }
}

/** Seconds of processor time that a process has used, user and system. */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
