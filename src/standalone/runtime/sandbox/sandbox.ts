import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../../../base/errors.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { cgroups, namespaces } from '../../../kernel/contract.ts';
import { createCgroup, killCgroup, removeCgroup } from '../../../kernel/cgroup/index.ts';
import { createNamespace, deleteNamespace, listNamespaces, namespacePath } from '../../../kernel/ns/index.ts';
import { setSysctl } from '../../../kernel/sysctl/index.ts';
import { sandboxId } from '../container/identity.ts';
import type { NodeContext } from '../context.ts';
import type { Sandbox } from '../pod/observed.ts';
import { isSidecar } from '../pod/restart.ts';
import { hostNetworkHostsFile, hostsFile, kernelHostname } from './hosts-file.ts';
import type { PortMapping } from './network.ts';
import { resolvConf } from './resolv-conf.ts';

/** Makes what a pod's containers share: control group, network, and the files that say who and where they are. */
export async function createSandbox(context: NodeContext, pod: Pod): Promise<Sandbox> {
  const uid = uidOf(pod);
  const cgroup = cgroups.pod(context.cluster.name, context.node.name, uid);
  await killCgroup(cgroup); // of an attempt that was cut off
  createCgroup(cgroup);
  const sandbox = pod.spec.hostNetwork === true ? hostSandbox(context) : await ownSandbox(context, pod, uid);
  writeFiles(context, pod, sandbox.addresses);
  return sandbox;
}

/** A sandbox that an earlier process made, if it is still whole. */
export function adoptSandbox(context: NodeContext, pod: Pod): Sandbox | undefined {
  if (pod.spec.hostNetwork === true) return hostSandbox(context);
  const name = namespaces.pod(context.cluster.name, uidOf(pod));
  const addresses = context.network.addresses(sandboxId(uidOf(pod)));
  if (addresses === undefined || !listNamespaces(name).includes(name)) return undefined;
  return { addresses, networkNamespace: namespacePath(name) };
}

/** Undoes it, as far as there is something to undo. Also for pods that are known by their uid alone. */
export async function removeSandbox(context: NodeContext, uid: string): Promise<void> {
  const cgroup = cgroups.pod(context.cluster.name, context.node.name, uid);
  await killCgroup(cgroup);
  await context.network.remove(sandboxId(uid));
  deleteNamespace(namespaces.pod(context.cluster.name, uid));
  removeCgroup(cgroup);
}

/** Where the pod's own files are, for the containers' mounts. */
export function sandboxFile(
  context: NodeContext,
  uid: string,
  name: 'hosts' | 'resolv.conf' | 'hostname',
): string {
  return join(context.files.pod(context.node.name, uid), 'etc', name);
}

async function ownSandbox(context: NodeContext, pod: Pod, uid: string): Promise<Sandbox> {
  const name = namespaces.pod(context.cluster.name, uid);
  await context.network.remove(sandboxId(uid));
  deleteNamespace(name);
  const networkNamespace = createNamespace(name);
  try {
    // As container runtimes set it up: any user may listen on any port and ping.
    setSysctl(networkNamespace, 'net.ipv4.ip_unprivileged_port_start', 0);
    setSysctl(networkNamespace, 'net.ipv4.ping_group_range', '0 2147483647');
    for (const sysctl of pod.spec.securityContext?.sysctls ?? []) setPodSysctl(networkNamespace, sysctl);
    const addresses = await context.network.add({
      containerId: sandboxId(uid),
      networkNamespace,
      pod: { namespace: pod.metadata.namespace ?? '', name: pod.metadata.name, uid },
      portMappings: portMappings(pod),
    });
    return { addresses, networkNamespace };
  } catch (error) {
    deleteNamespace(name);
    throw error;
  }
}

/** Only what belongs to the pod's own network namespace may be set: all else would be the machine's. */
function setPodSysctl(
  networkNamespace: string,
  sysctl: { readonly name: string; readonly value: string },
): void {
  if (!/^net[./]/.test(sysctl.name)) {
    throw new FairleadError(
      'runtime/sysctl',
      `forbidden sysctl: "${sysctl.name}" is not of the pod's own network`,
      {
        field: 'spec.securityContext.sysctls',
      },
    );
  }
  setSysctl(networkNamespace, sysctl.name, sysctl.value);
}

function hostSandbox(context: NodeContext): Sandbox {
  return { addresses: context.node.addresses, networkNamespace: context.namespacePath };
}

function writeFiles(context: NodeContext, pod: Pod, addresses: readonly string[]): void {
  const { clusterDomain } = context.cluster;
  const uid = uidOf(pod);
  const isHost = pod.spec.hostNetwork === true;
  mkdirSync(join(context.files.pod(context.node.name, uid), 'etc'), { recursive: true, mode: 0o755 });
  const hosts = isHost
    ? hostNetworkHostsFile(
        pod,
        `127.0.0.1\tlocalhost\n::1\tlocalhost\n${addresses.map(each => `${each}\t${context.node.name}\n`).join('')}`,
      )
    : hostsFile(pod, addresses, clusterDomain);
  writeFileSync(sandboxFile(context, uid, 'hosts'), hosts, { mode: 0o644 });
  writeFileSync(sandboxFile(context, uid, 'hostname'), `${hostnameIn(context, pod)}\n`, { mode: 0o644 });
  const resolver = resolvConf({
    pod,
    dnsAddresses: context.dnsAddresses,
    clusterDomain,
    nodeConfiguration: nodeResolvConf(),
  });
  writeFileSync(sandboxFile(context, uid, 'resolv.conf'), resolver, { mode: 0o644 });
}

/** Pods on the node's network carry the node's name. */
export function hostnameIn(context: NodeContext, pod: Pod): string {
  return pod.spec.hostNetwork === true
    ? context.node.name
    : kernelHostname(pod, context.cluster.clusterDomain);
}

function portMappings(pod: Pod): readonly PortMapping[] {
  return [...(pod.spec.initContainers ?? []).filter(isSidecar), ...pod.spec.containers]
    .flatMap(container => container.ports ?? [])
    .flatMap(port => {
      const { hostPort, containerPort, protocol = 'TCP', hostIP } = port;
      if (hostPort === undefined || hostPort === 0) return [];
      return [
        {
          hostPort,
          containerPort,
          protocol: protocol.toLowerCase(),
          ...(hostIP === undefined ? {} : { hostIP }),
        },
      ];
    });
}

function nodeResolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function uidOf(pod: Pod): string {
  const { uid } = pod.metadata;
  if (uid === undefined || !/^[0-9a-z-]{1,64}$/.test(uid))
    throw new Error(`the pod has no usable uid: ${uid}`);
  return uid;
}
