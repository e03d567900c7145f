import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmdirSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { BpfError } from '../bpf/error.ts';
import { cgroupMount, createCgroup, removeCgroup } from '../cgroup/index.ts';
import { lastErrno } from '../ffi/errno.ts';
import { libbpf } from '../ffi/libbpf.ts';
import { libc } from '../ffi/libc.ts';
import { mounts } from '../mount/index.ts';
import { RouteSocket, SocketDiagnosis } from '../netlink/index.ts';
import type { RouteOperation } from '../netlink/index.ts';
import { Nft } from '../nft/nft.ts';
import { inScratchNamespace, namespaceCookie } from '../ns/index.ts';
import { supported, unknown, unsupported } from './outcome.ts';
import type { Outcome } from './outcome.ts';

export interface Probe {
  /** Stable; `fairlead status` shows it. */
  readonly name: string;
  /** The Linux version that brought it. */
  readonly since: string;
  /** What Fairlead needs it for. */
  readonly purpose: string;
  /** Tries it; throws what the kernel refuses. Leaves nothing behind. */
  readonly run: () => Outcome;
}

/** Each is really tried, in a network namespace or directory of its own: a kernel's configuration says less. */
export const probes: readonly Probe[] = [
  { name: 'netns', since: '3.0', purpose: 'nodes and pods', run: () => inScratchNamespace(() => supported) },
  {
    name: 'veth',
    since: '2.6.24',
    purpose: 'pods and the links between nodes',
    run: () => withLink({ do: 'link-add', kind: 'veth', name: 'probe0', peer: { name: 'probe1' } }),
  },
  {
    name: 'bridge',
    since: '2.2',
    purpose: 'the links between nodes',
    run: () => withLink({ do: 'link-add', kind: 'bridge', name: 'probe0' }),
  },
  {
    name: 'vxlan',
    since: '3.7',
    purpose: 'pods on nodes of different links',
    run: () =>
      withLink({ do: 'link-add', kind: 'vxlan', name: 'probe0', id: 1, port: 8472, local: '127.0.0.1' }),
  },
  { name: 'nftables-nat', since: '5.2', purpose: 'masquerade and Services in both families', run: probeNat },
  { name: 'cgroup2', since: '4.5', purpose: 'ending all processes of a cluster', run: probeCgroup },
  { name: 'cgroup-kill', since: '5.14', purpose: 'ending all processes of a cluster', run: probeCgroupKill },
  {
    name: 'bpf-tc',
    since: '4.1',
    purpose: 'answers from the kernel on the way of packets',
    run: () => probeProgram(programTypes.classifier),
  },
  {
    name: 'bpf-cgroup-socket',
    since: '5.14',
    purpose: 'Services translated once a connection',
    run: probeSocketHooks,
  },
  {
    name: 'socket-destroy',
    since: '4.9',
    purpose: 'ending UDP sockets whose endpoint is gone',
    run: probeSocketDestroy,
  },
  { name: 'overlayfs', since: '3.18', purpose: 'root directories of containers', run: probeOverlay },
  { name: 'tun', since: '2.4', purpose: 'the way outside of `up --outside`', run: probeTun },
];

/** <linux/bpf.h>: enum bpf_prog_type */
const programTypes = { classifier: 3, cgroupSocket: 9, socketAddress: 18 } as const;
/** enum bpf_attach_type: BPF_CGROUP_INET4_CONNECT, …_UDP4_RECVMSG, …_INET4_GETPEERNAME; BPF_CGROUP_INET_SOCK_RELEASE */
const socketAddressHooks = [10, 19, 29] as const;
const socketRelease = 34;
/** AF_INET */
const ipv4 = 2;

function withLink(operation: RouteOperation): Outcome {
  return inScratchNamespace(() => {
    using socket = RouteSocket.open();
    socket.apply([operation]);
    return supported;
  });
}

function probeNat(): Outcome {
  return inScratchNamespace(() => {
    using nft = Nft.open();
    nft.run(`add table inet probe
      add chain inet probe postrouting { type nat hook postrouting priority 100; }
      add rule inet probe postrouting masquerade fully-random`);
    return supported;
  });
}

function probeCgroup(): Outcome {
  if (mounts().some(mount => mount.type === 'cgroup2')) return supported;
  const known = /\tcgroup2$/m.test(readFileSync('/proc/filesystems', 'utf8'));
  return known ? unknown('it is not mounted') : unsupported('the kernel has no file system cgroup2');
}

function probeCgroupKill(): Outcome {
  const group = `fairlead-probe-${process.pid}`;
  createCgroup(group);
  try {
    const has = existsSync(join(cgroupMount(), group, 'cgroup.kill'));
    return has ? supported : unsupported('groups have no file cgroup.kill');
  } finally {
    removeCgroup(group);
  }
}

/** A group's programs are asked at every connection, answer, question for the peer, and end of a socket. */
function probeSocketHooks(): Outcome {
  const outcomes = [
    ...socketAddressHooks.map(hook => probeProgram(programTypes.socketAddress, hook)),
    probeProgram(programTypes.cgroupSocket, socketRelease),
    probeNamespaceCookie(),
  ];
  return outcomes.find(outcome => outcome.is !== 'supported') ?? supported;
}

/** By it, the hooks and their user tell network namespaces apart. */
function probeNamespaceCookie(): Outcome {
  try {
    namespaceCookie();
    return supported;
  } catch (error) {
    const { errno } = error as { errno?: string };
    if (errno !== 'ENOPROTOOPT') throw error;
    return unsupported('sockets do not tell their network namespace (SO_NETNS_COOKIE)');
  }
}

/** A kernel that cannot end sockets says EOPNOTSUPP, whatever the socket. */
function probeSocketDestroy(): Outcome {
  return inScratchNamespace(() => {
    using diagnosis = SocketDiagnosis.open();
    try {
      diagnosis.destroy([{ cookie: 0n, family: ipv4, id: new Uint8Array(48) }]);
      return supported; // it looked for the socket
    } catch (error) {
      if ((error as { errno?: string }).errno !== 'EOPNOTSUPP') throw error;
      return unsupported('the kernel is built without CONFIG_INET_DIAG_DESTROY');
    }
  });
}

/** Loads `return 1`. A kernel that does not know the type says EINVAL. */
function probeProgram(type: number, attachType = 0): Outcome {
  const instructions = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
  // struct bpf_prog_load_opts { size_t sz; int attempts; enum expected_attach_type; … }
  const options = new Uint8Array(16);
  new DataView(options.buffer).setUint32(0, options.length, true);
  new DataView(options.buffer).setUint32(12, attachType, true);
  const fd = libbpf().bpf_prog_load(type, null, 'GPL', instructions, 2, options);
  if (fd === -constants.errno.EINVAL) return unsupported('the kernel does not know programs of this type');
  if (fd < 0) throw new BpfError('load an eBPF program', -fd);
  closeSync(fd);
  return supported;
}

/** Without its options overlayfs refuses (EINVAL), so that nothing is ever mounted; a kernel without it says ENODEV. */
function probeOverlay(): Outcome {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-probe-'));
  try {
    libc().mount('overlay', directory, 'overlay', 0, null);
    const errno = lastErrno();
    if (errno === 'EINVAL') return supported;
    return errno === 'ENODEV'
      ? unsupported('the kernel has no file system overlay')
      : unknown(`mount says ${errno}`);
  } finally {
    rmdirSync(directory);
  }
}

function probeTun(): Outcome {
  if (!existsSync('/dev/net/tun')) return unsupported('there is no /dev/net/tun');
  closeSync(openSync('/dev/net/tun', 'r+'));
  return supported;
}
