import { mkdirSync, readFileSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { AttachmentKey } from '../model.ts';

/** A DEL that the plugin did while no agent ran. */
export interface QueuedRelease {
  readonly file: string;
  readonly key: AttachmentKey;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const bytesLimit = 64 * 1024;

export function createQueue(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/** What is queued, and the files that cannot be read as a release. */
export function readQueue(directory: string): {
  readonly releases: readonly QueuedRelease[];
  readonly unreadable: readonly string[];
} {
  const releases: QueuedRelease[] = [];
  const unreadable: string[] = [];
  for (const name of readdirSync(directory)) {
    if (!name.endsWith('.json') || name.startsWith('.')) continue;
    const file = join(directory, name);
    const { size, mtimeMs } = statSync(file);
    const key = size > bytesLimit ? undefined : parseRelease(readFileSync(file, 'utf8'));
    if (key === undefined) unreadable.push(file);
    else releases.push({ file, key, at: mtimeMs });
  }
  return { releases, unreadable };
}

export function removeFromQueue(file: string): void {
  unlinkSync(file);
}

function parseRelease(text: string): AttachmentKey | undefined {
  try {
    const { containerID, ifname } = JSON.parse(text) as { containerID?: unknown; ifname?: unknown };
    if (typeof containerID !== 'string' || typeof ifname !== 'string') return undefined;
    return { containerId: containerID, interfaceName: ifname };
  } catch {
    // Cut off by a full disk or not ours: the caller reports the file.
    return undefined;
  }
}
