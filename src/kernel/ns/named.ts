import {
  closeSync,
  constants as fsConstants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
} from 'node:fs';
import { FairleadError } from '../../base/errors.ts';
import { namespaces } from '../contract.ts';
import { checked, lastErrno } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { mounts } from '../mount/index.ts';
import { RouteSocket } from '../netlink/index.ts';
import { inScratchNamespace } from './scratch.ts';

/** /run/netns/NAME. Throws for a name that is no file name. */
export function namespacePath(name: string): string {
  if (!/^[^/\0]{1,255}$/.test(name) || name === '.' || name === '..') {
    throw new FairleadError('kernel/namespace-name', `"${name}" cannot name a network namespace`);
  }
  return `${namespaces.directory}/${name}`;
}

/**
 * Makes a named network namespace as `ip netns add` does, with its loopback up. Returns its path; refuses a name that
 * is taken, and leaves nothing behind when it fails.
 */
export function createNamespace(name: string): string {
  const path = namespacePath(name);
  shareDirectory();
  claimName(path, name);
  try {
    bindNewNamespace(path, name);
    using socket = RouteSocket.open(path);
    socket.apply([{ do: 'link-set', dev: 'lo', up: true }]);
  } catch (error) {
    deleteNamespace(name);
    throw error;
  }
  return path;
}

/**
 * Removes the name; the namespace itself ends with its last process and socket. Also for one that is half made; nothing
 * happens for one that is absent.
 */
export function deleteNamespace(name: string): void {
  const path = namespacePath(name);
  // A name may be mounted more than once when its directory was bound onto itself twice.
  while (libc().umount2(path, constants.MNT_DETACH) === 0);
  const errno = lastErrno();
  if (errno === 'ENOENT') return;
  if (errno !== 'EINVAL')
    checked(libc().umount2(path, constants.MNT_DETACH), 'umount2', `${path} cannot be unmounted`);
  try {
    unlinkSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw new FairleadError('kernel/namespace-delete', `The network namespace ${name} cannot be deleted`, {
      cause,
    });
  }
}

/** Names that begin with `prefix`, sorted. */
export function listNamespaces(prefix: string): readonly string[] {
  if (!existsSync(namespaces.directory)) return [];
  return readdirSync(namespaces.directory)
    .filter(name => name.startsWith(prefix))
    .sort();
}

/** iproute2's rule: the directory is a shared mount, so that a name made in one mount namespace is seen in all. */
function shareDirectory(): void {
  const directory = namespaces.directory;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const shared = () => libc().mount('', directory, 'none', constants.MS_SHARED | constants.MS_REC, null);
  if (mounts().some(mount => mount.path === directory && mount.shared)) return;
  if (shared() === 0) return;
  if (lastErrno() !== 'EINVAL') checked(shared(), 'mount', `${directory} cannot be made a shared mount`);
  const bind = constants.MS_BIND | constants.MS_REC;
  checked(
    libc().mount(directory, directory, 'none', bind, null),
    'mount',
    `${directory} cannot be bound onto itself`,
  );
  checked(shared(), 'mount', `${directory} cannot be made a shared mount`);
}

function claimName(path: string, name: string): void {
  const exclusive = fsConstants.O_RDONLY | fsConstants.O_CREAT | fsConstants.O_EXCL;
  try {
    closeSync(openSync(path, exclusive, 0));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new FairleadError('kernel/namespace-create', `The network namespace ${name} cannot be made`, {
        cause,
      });
    }
    throw new FairleadError('kernel/namespace-exists', `The network namespace ${name} exists already`, {
      hint: `Delete it if nobody uses it: ip netns delete ${name}`,
      cause,
    });
  }
}

function bindNewNamespace(path: string, name: string): void {
  inScratchNamespace(() => {
    const mounted = libc().mount('/proc/thread-self/ns/net', path, 'none', constants.MS_BIND, null);
    checked(mounted, 'mount', `The network namespace ${name} cannot be given its name`);
  });
}
