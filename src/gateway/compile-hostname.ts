/**
 * Names of listeners, routes and requests: exact, or `*.` and a suffix, which stands for one or more labels before it
 * (Gateway API, Hostname). All in lower case.
 */

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const HOSTNAME = new RegExp(`^(\\*\\.)?${LABEL}(\\.${LABEL})*$`);

export const isWildcard = (hostname: string): boolean => hostname.startsWith('*.');

export const isHostname = (text: string): boolean => text.length <= 253 && HOSTNAME.test(text);

/** `*.example.com` covers `a.example.com`, `a.b.example.com` and `*.b.example.com`, not `example.com`. */
export function covers(hostname: string, other: string): boolean {
  if (hostname === other) return true;
  return isWildcard(hostname) && other.endsWith(hostname.slice(1)) && other.length > hostname.length - 1;
}

/** What both stand for: the narrower of the two; undefined where nothing is. Undefined arguments are every name. */
export function intersect(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  if (covers(a, b)) return b;
  return covers(b, a) ? a : undefined;
}

/** Do the two have a name in common? */
export const doIntersect = (a: string | undefined, b: string | undefined): boolean =>
  a === undefined || b === undefined || intersect(a, b) !== undefined;
