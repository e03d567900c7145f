import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupMount } from '../../src/kernel/cgroup/index.ts';
import { identify } from '../../src/kernel/process/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { commandLineOf } from './cluster.ts';

/** Everything on this machine that carries a cluster's name. */
export interface Traces {
  readonly namespaces: readonly string[];
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly processes: readonly string[];
  readonly files: readonly string[];
}

export const noTraces: Traces = { namespaces: [], mounts: [], cgroups: [], processes: [], files: [] };

export function tracesOf(cluster: string): Traces {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const cgroup = join(cgroupMount(), 'fairlead', cluster);
  return {
    namespaces: namesIn('/run/netns').filter(name => name.startsWith(`fairlead.${cluster}.`)),
    mounts: mounts.filter(
      line => line.includes(`fairlead.${cluster}.`) || line.includes(`fairlead/${cluster}/`),
    ),
    cgroups: existsSync(cgroup) ? [cgroup] : [],
    processes: processesOf(cluster),
    files: globSync([
      `/run/fairlead/${cluster}{,.*}`,
      `/var/lib/fairlead/${cluster}{,.*}`,
      `/sys/fs/bpf/fairlead/${cluster}`,
    ]),
  };
}

function processesOf(cluster: string): readonly string[] {
  return (
    namesIn('/proc')
      // What has ended and waits for its parent to notice is no process any more.
      .filter(name => /^\d+$/.test(name) && identify(Number(name)) !== undefined)
      .map(pid => ({ pid, cgroup: textOf(`/proc/${pid}/cgroup`), words: commandLineOf(Number(pid)) }))
      .filter(
        ({ cgroup, words }) =>
          cgroup.includes(`/fairlead/${cluster}/`) ||
          (words.split(/[ =]/).includes(cluster) && words.includes('/entry/')),
      )
      .map(({ pid, words }) => `${pid} ${words}`)
  );
}

/** The host's own network: what a cluster must never touch. */
export function hostNetwork(): unknown {
  using socket = RouteSocket.open();
  return {
    links: socket.links().map(({ name, index }) => [name, index]),
    addresses: socket.addresses(),
    routes: socket.routes(),
    rules: socket.rules(),
    forwarding: ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding', 'net/ipv4/conf/all/rp_filter'].map(
      key => [key, textOf(`/proc/sys/${key}`)],
    ),
  };
}

const namesIn = (path: string): readonly string[] => (existsSync(path) ? readdirSync(path) : []);

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it ended, or this kernel has no such setting
  }
}
