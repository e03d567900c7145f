import { cgroupProcesses } from '../cgroup/index.ts';

/** A network namespace of a control group's processes, and what of its addresses others can reach. */
export interface PodNamespace {
  readonly cookie: bigint;
  /** As `formatAddress` writes them. */
  readonly addresses: readonly string[];
}

/** Sockets of one network namespace, all of them by the kernel's cookies. */
export interface SocketsOfNamespace {
  readonly namespace: bigint;
  readonly sockets: readonly bigint[];
}

/** What the worker does in the network namespaces of pods, which it finds by their processes, whoever started them. */
export const podCalls = {
  async namespaceCookie(): Promise<bigint> {
    return (await import('../ns/index.ts')).namespaceCookie();
  },
  async podNamespaces(cgroup: string): Promise<readonly PodNamespace[]> {
    const { RouteSocket } = await import('../netlink/index.ts');
    return inEachNamespace(cgroup, (path, cookie) => {
      using socket = RouteSocket.open(path);
      const reachable = socket.addresses().filter(({ scope }) => scope === 'global');
      return { cookie, addresses: reachable.map(({ address }) => address.replace(/\/.*$/, '')) };
    });
  },
  async endUdpSockets(cgroup: string, sockets: readonly SocketsOfNamespace[]): Promise<number> {
    const { SocketDiagnosis } = await import('../netlink/index.ts');
    const wanted = new Map(sockets.map(({ namespace, sockets: cookies }) => [namespace, new Set(cookies)]));
    const ended = await inEachNamespace(cgroup, (path, namespace) => {
      const cookies = wanted.get(namespace);
      if (cookies === undefined) return 0;
      using diagnosis = SocketDiagnosis.open(path);
      return diagnosis.destroy(diagnosis.udpSockets(cookies));
    });
    return ended.reduce((sum, one) => sum + one, 0);
  },
};

/** A process may end while its namespace is looked at: then there is nobody left in it to look for. */
async function inEachNamespace<T>(
  cgroup: string,
  look: (path: string, cookie: bigint) => T,
): Promise<readonly T[]> {
  const { namespaceCookie, namespacesOf } = await import('../ns/index.ts');
  return namespacesOf(cgroupProcesses(cgroup)).flatMap(path => {
    try {
      return [look(path, namespaceCookie(path))];
    } catch (error) {
      if ((error as { code?: string }).code === 'kernel/namespace-missing') return [];
      throw error;
    }
  });
}
