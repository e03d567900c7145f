import { readFileSync, writeFileSync } from 'node:fs';
import { FairleadError } from '../../base/errors.ts';
import { inNamespace } from '../ns/enter.ts';

/**
 * Kernel settings below /proc/sys. Keys are written with dots (`net.ipv4.ip_forward`), or with slashes where a part has
 * a dot itself (`net/ipv4/conf/eth0.1/forwarding`). `net.*` belongs to a network namespace: of the calling thread, or of
 * the one at `namespacePath`.
 */
export function setSysctl(namespacePath: string | undefined, key: string, value: string | number): void {
  const file = fileOf(key);
  const set = () => writeFileSync(file, `${value}\n`, { flag: 'r+' });
  attempt(key, `cannot be set to ${value}`, () => within(namespacePath, set));
}

/** The value without its newline; several values are separated by tabs, as the kernel writes them. */
export function getSysctl(namespacePath: string | undefined, key: string): string {
  const file = fileOf(key);
  const get = () => readFileSync(file, 'utf8').trimEnd();
  return attempt(key, 'cannot be read', () => within(namespacePath, get));
}

function within<T>(namespacePath: string | undefined, run: () => T): T {
  return namespacePath === undefined ? run() : inNamespace(namespacePath, run);
}

function fileOf(key: string): string {
  const parts = key.includes('/') ? key.split('/') : key.split('.');
  const isName = (part: string) => /^[\w.@+:-]+$/.test(part) && part !== '.' && part !== '..';
  if (parts.length < 2 || !parts.every(isName)) {
    throw new FairleadError('kernel/sysctl-key', `"${key}" is not a kernel setting`);
  }
  return `/proc/sys/${parts.join('/')}`;
}

function attempt<T>(key: string, what: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    if (cause instanceof FairleadError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const sentence = missing ? `This kernel has no setting ${key}` : `The kernel setting ${key} ${what}`;
    throw new FairleadError(missing ? 'kernel/sysctl-missing' : 'kernel/sysctl', sentence, { cause });
  }
}
