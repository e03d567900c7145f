import type { Log } from '../base/log.ts';
import { readQueue, removeFromQueue } from '../pods/index.ts';
import type { CniPlugin, Ipam } from '../pods/index.ts';

/**
 * Does the releases that the plugin left while no agent ran. One that is older than the attachment of its key is of an
 * earlier life of it, and void.
 */
export async function drainReleases(
  directory: string,
  ipam: Ipam,
  plugin: CniPlugin,
  log: Log,
): Promise<void> {
  const { releases, unreadable } = readQueue(directory);
  for (const { file, key, at } of releases) {
    const allocation = ipam.get(key);
    if (allocation === undefined || at >= allocation.created) await plugin.delete(key);
    removeFromQueue(file);
  }
  for (const file of unreadable) {
    log.warn(
      { file },
      'a queued release cannot be read and is dropped; the address comes back when its pod is gone',
    );
    removeFromQueue(file);
  }
}
