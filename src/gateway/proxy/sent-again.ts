import type { ExchangeUpstream, UpstreamFailure } from './sides.ts';

/** Endpoints that are tried for one request or connection, where the first one cannot be reached. */
export const mostTries = 3;

/** RFC 9110 section 9.2.2. */
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export const isIdempotent = (method: string): boolean => idempotent.has(method);

/**
 * Whether a request that got no answer may go to another connection: it was never sent; or all of it is here, and the
 * endpoint has not looked at it, or closed a connection that had been idle, as it may at any time (RFC 9112 section 9.3.1).
 */
export function mayBeSentAgain(
  { why, isUnprocessed = false }: UpstreamFailure,
  upstream: ExchangeUpstream,
  isWhole: boolean,
  method: string,
): boolean {
  if (why === 'upstream-refused') return true;
  if (!isWhole) return false;
  return isUnprocessed || (why === 'upstream-closed' && upstream.isUsed && isIdempotent(method));
}
