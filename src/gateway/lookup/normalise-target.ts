export interface Target {
  /** Begins with a slash, or is `*`. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
}

/**
 * A request target in origin form (or `*`) as routes see it and as it is sent on, so that a backend can not read another
 * path than the one that was routed (RFC 3986 section 6.2.2): dot segments are resolved, also those that are written as
 * `%2e`; percent-encoded unreserved characters stand for themselves; other escapes get upper-case digits. Slashes that
 * follow each other stay, and an encoded slash (%2F) stays encoded: it is not a separator. Undefined for an escape
 * that is none: the request is refused.
 */
export function normaliseTarget(target: string): Target | undefined {
  const question = target.indexOf('?');
  const path = question === -1 ? target : target.slice(0, question);
  const query = question === -1 ? '' : target.slice(question + 1);
  if (path === '*') return { path, query };
  if (!path.startsWith('/')) return undefined;
  const unescaped = path.includes('%') ? withoutNeedlessEscapes(path) : path;
  if (unescaped === undefined) return undefined;
  return { path: unescaped.includes('/.') ? withoutDotSegments(unescaped) : unescaped, query };
}

const escape = /%([0-9A-Fa-f]{2})?/g;
const unreserved = /[A-Za-z0-9._~-]/;

function withoutNeedlessEscapes(path: string): string | undefined {
  let isBroken = false;
  const result = path.replace(escape, (text, digits: string | undefined) => {
    if (digits === undefined || digits === '00') {
      isBroken = true;
      return text;
    }
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return unreserved.test(character) ? character : text.toUpperCase();
  });
  return isBroken ? undefined : result;
}

/** RFC 3986 section 5.2.4: `..` above the root is the root. */
function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === '..') kept.pop();
    if (segment === '.' || segment === '..') {
      if (isLast) kept.push('');
    } else kept.push(segment);
  }
  return `/${kept.join('/')}`;
}
