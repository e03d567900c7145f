import { builtinPaths } from '../../images/index.ts';
import type { Credentials } from './credentials.ts';
import type { RootOperation } from './plan.ts';

/** A mount that the pod asks for. */
export interface VolumeMountPlan {
  readonly source: string;
  readonly inside?: string;
  readonly target: string;
  readonly readOnly: boolean;
}

export interface RootInput {
  readonly credentials: Pick<Credentials, 'privileged'>;
  /** Mount points of the host's other real file systems. */
  readonly hostFileSystems: readonly string[];
  readonly launcher: string;
  readonly node: string;
  readonly programs: string;
  /** Files that the runtime writes, by their place in the container; volumes may cover them. */
  readonly files: ReadonlyMap<string, { readonly source: string; readonly readOnly: boolean }>;
  readonly volumes: readonly VolumeMountPlan[];
}

/**
 * The steps that make a container's file system: the host's programs, without what is private on the host, and with
 * what the pod asks for. Everything is made in the container's own writable layer, never on the host.
 */
export function rootOperations(input: RootInput): readonly RootOperation[] {
  const { privileged } = input.credentials;
  const taken = new Set(input.volumes.map(volume => volume.target));
  return [
    ...hidden,
    ...input.hostFileSystems.map(path => bind(path, path, true)),
    { do: 'proc', target: '/proc' },
    { do: 'sysfs', target: '/sys', readOnly: !privileged },
    { do: 'dev', target: '/dev' },
    ...(privileged ? [] : readOnlyKernel),
    bind(input.launcher, builtinPaths.launcher, true),
    bind(input.node, builtinPaths.node, true),
    bind(input.programs, builtinPaths.programs, true),
    ...[...input.files]
      .filter(([target]) => !taken.has(target))
      .map(([target, file]) => bind(file.source, target, file.readOnly)),
    // Outer mount points first, whatever the order in the pod's specification.
    ...input.volumes
      .toSorted((a, b) => a.target.split('/').length - b.target.split('/').length)
      .map(volume => ({
        ...bind(volume.source, volume.target, volume.readOnly),
        inside: volume.inside ?? '',
      })),
  ];
}

/** Of the mounted file systems, those with programs of the host: on a disk, and not where private or changing data is. */
export function hostFileSystems(
  mounts: readonly { readonly path: string; readonly type: string }[],
): readonly string[] {
  const found = mounts
    .filter(mount => REAL.test(mount.type) && mount.path !== '/' && !PRIVATE.test(`${mount.path}/`))
    .map(mount => mount.path);
  return [...new Set(found)].toSorted();
}

const REAL = /^(ext[234]|xfs|btrfs|zfs|f2fs|erofs|overlay|9p|virtiofs|nfs4?)$/;
const PRIVATE = /^\/(boot|dev|etc|home|lost\+found|media|mnt|proc|root|run|snap|sys|tmp|var)\//;

/** Empty in every container: people's and our own data, secrets, and what runs now. */
const hidden: readonly RootOperation[] = [
  { do: 'hide', path: '/root', mode: '0700' },
  { do: 'hide', path: '/home', mode: '0755' },
  { do: 'hide', path: '/tmp', mode: '1777' },
  { do: 'hide', path: '/var/tmp', mode: '1777' },
  { do: 'hide', path: '/run', mode: '0755' },
  { do: 'hide', path: '/var/lib/fairlead', mode: '0700' },
  { do: 'hide', path: '/etc/shadow', mode: '0600' },
  { do: 'hide', path: '/etc/gshadow', mode: '0600' },
  { do: 'hide', path: '/etc/ssh', mode: '0700' },
  { do: 'hide', path: '/etc/ssl/private', mode: '0700' },
  { do: 'hide', path: '/etc/kubernetes', mode: '0700' },
  { do: 'hide', path: '/boot', mode: '0700' },
  { do: 'hide', path: '/media', mode: '0755' },
  { do: 'hide', path: '/mnt', mode: '0755' },
  { do: 'hide', path: '/var/backups', mode: '0755' },
  { do: 'hide', path: '/var/log', mode: '0755' },
  { do: 'hide', path: '/var/spool', mode: '0755' },
];

/** Root in a container is the host's root to these files. */
const readOnlyKernel: readonly RootOperation[] = [
  { do: 'read-only', path: '/proc/sys' },
  { do: 'read-only', path: '/proc/sysrq-trigger' },
  { do: 'read-only', path: '/proc/irq' },
  { do: 'read-only', path: '/proc/bus' },
  { do: 'read-only', path: '/proc/fs' },
];

function bind(source: string, target: string, readOnly: boolean): RootOperation & { readonly do: 'bind' } {
  return { do: 'bind', source, target, readOnly };
}
