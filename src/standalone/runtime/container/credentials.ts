import { FairleadError } from '../../../base/errors.ts';
import type { Container, Pod } from '../../../kube/types/core.ts';

/** Who a container's processes are, and what they may do. Capabilities are the kernel's numbers, in order. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly capabilities: readonly number[];
  readonly noNewPrivileges: boolean;
  readonly privileged: boolean;
  readonly readOnlyRoot: boolean;
}

/**
 * The effective security context (core/v1 SecurityContext over PodSecurityContext over the image's user). Throws the
 * kubelet's sentence when `runAsNonRoot` meets root, or for a capability that the kernel does not have.
 */
export function credentialsOf(
  pod: Pod,
  container: Container,
  image: { readonly uid: number; readonly gid: number },
): Credentials {
  const own = container.securityContext;
  const shared = pod.spec.securityContext;
  const asked = own?.runAsUser ?? shared?.runAsUser;
  const uid = asked ?? image.uid;
  const gid = own?.runAsGroup ?? shared?.runAsGroup ?? (asked === undefined ? image.gid : 0);
  if ((own?.runAsNonRoot ?? shared?.runAsNonRoot) === true && uid === 0) {
    throw new FairleadError(
      'runtime/run-as-root',
      asked === undefined
        ? 'container has runAsNonRoot and image will run as root'
        : "container's runAsUser breaks non-root policy",
    );
  }
  const groups = new Set(shared?.supplementalGroups);
  if (shared?.fsGroup !== undefined) groups.add(shared.fsGroup);
  groups.delete(gid);
  const privileged = own?.privileged === true;
  return {
    uid,
    gid,
    groups: [...groups],
    capabilities: privileged ? [...Array(names.length).keys()] : capabilitiesOf(container),
    noNewPrivileges: own?.allowPrivilegeEscalation === false,
    privileged,
    readOnlyRoot: own?.readOnlyRootFilesystem === true,
  };
}

function capabilitiesOf(container: Container): readonly number[] {
  const { add = [], drop = [] } = container.securityContext?.capabilities ?? {};
  const kept = new Set(drop.some(isAll) ? [] : byDefault.map(numberOf));
  for (const name of drop) if (!isAll(name)) kept.delete(numberOf(name));
  for (const name of add) {
    if (isAll(name)) for (const number of names.keys()) kept.add(number);
    else kept.add(numberOf(name));
  }
  return [...kept].toSorted((a, b) => a - b);
}

function isAll(name: string): boolean {
  return name.toUpperCase() === 'ALL';
}

function numberOf(name: string): number {
  const number = names.indexOf(name.toUpperCase().replace(/^CAP_/, ''));
  if (number < 0) throw new FairleadError('runtime/capability', `unknown capability "${name}"`);
  return number;
}

/** What Docker and containerd give, without MKNOD: there is no device control here that would make it harmless. */
const byDefault = (
  'CHOWN DAC_OVERRIDE FSETID FOWNER NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL ' +
  'AUDIT_WRITE'
).split(' ');

/** linux/capability.h, in order. */
const names = (
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE ' +
  'NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN ' +
  'SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE ' +
  'MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
).split(' ');
