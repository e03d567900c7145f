import { isIP } from 'node:net';

/**
 * The client's address by the word of the proxies in front of us: of `X-Forwarded-For` the entry that the outermost of
 * `hops` trusted ones has written, the nearest of which is who connects. Undefined where it is no address.
 */
export function trustedClient(forwardedFor: string | undefined, hops: number): string | undefined {
  if (forwardedFor === undefined || hops === 0) return undefined;
  const entries = forwardedFor.split(',');
  const entry = (entries[Math.max(0, entries.length - hops)] ?? '').trim();
  const bare =
    /^\[([^\]]*)\](?::\d+)?$/.exec(entry)?.[1] ?? entry.replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
  return isIP(bare) === 0 ? undefined : bare;
}
