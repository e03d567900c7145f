import { readFileSync, readlinkSync } from 'node:fs';
import type { OriginHop } from '../../insight/trace/index.ts';
import { cgroupProcesses } from '../../kernel/cgroup/index.ts';
import { cgroups, namespaces } from '../../kernel/contract.ts';
import { namespacePath } from '../../kernel/ns/index.ts';
import type { Pod } from '../../kube/types/pod.ts';

export interface Standpoint {
  readonly namespacePath: string;
  /** Of the pod's file system; absent outside of pods. */
  readonly files?: { readonly resolvConf: string; readonly hosts: string };
}

/** The network namespace of the origin, and a pod's own files. */
export function standpointOf(
  cluster: string,
  pods: readonly Pod[],
  origin: Pick<OriginHop, 'kind' | 'node' | 'object'>,
): Standpoint {
  if (origin.kind === 'world') return { namespacePath: namespacePath(namespaces.world(cluster)) };
  const node = origin.node ?? '';
  if (origin.kind === 'node') return { namespacePath: namespacePath(namespaces.node(cluster, node)) };
  const pod = pods.find(
    ({ metadata }) => origin.object === `Pod/${metadata.namespace ?? ''}/${metadata.name}`,
  );
  const uid = pod?.metadata.uid ?? '';
  const isOfNode = pod?.spec.hostNetwork === true;
  const name = isOfNode ? namespaces.node(cluster, node) : namespaces.pod(cluster, uid);
  const files = filesOf(cgroups.pod(cluster, node, uid));
  return { namespacePath: namespacePath(name), ...(files === undefined ? {} : { files }) };
}

/** As a process of the pod sees them; undefined while none runs. The launcher beside it sees the host's. */
function filesOf(cgroup: string): Standpoint['files'] {
  const own = readIfPresent(() => readlinkSync('/proc/self/ns/mnt'));
  for (const pid of cgroupProcesses(cgroup)) {
    const mounts = readIfPresent(() => readlinkSync(`/proc/${pid}/ns/mnt`));
    if (mounts === undefined || mounts === own) continue;
    const read = (file: string) => readIfPresent(() => readFileSync(`/proc/${pid}/root/etc/${file}`, 'utf8'));
    const resolvConf = read('resolv.conf');
    if (resolvConf !== undefined) return { resolvConf, hosts: read('hosts') ?? '' };
  }
  return undefined;
}

/** A process may end between two looks at it. */
function readIfPresent(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
