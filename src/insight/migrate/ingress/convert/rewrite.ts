import type { Branch, Piece } from '../pattern/expand-pattern.ts';
import { isRewritten } from '../servers.ts';
import type { Location } from '../servers.ts';

/** What the backend gets instead of the path: always the same, or another prefix before what follows. */
export interface Rewrite {
  readonly type: 'full' | 'prefix';
  readonly value: string;
  /** The controller writes two slashes where the prefix ends; a gateway writes one. */
  readonly doubled?: true;
}

/** What `rewrite-target` makes of the paths of a branch; undefined: nothing. */
export function rewriteOf(
  location: Location,
  branch: Branch,
): Rewrite | { readonly why: string } | undefined {
  if (!isRewritten(location)) return undefined;
  const target = location.ingress?.annotations.text('rewrite-target') ?? '';
  if (/^https?:\/\//.test(target)) return { why: `rewrite-target ${target} is a redirect to another host` };
  const pieces = piecesOf(target, branch);
  if (typeof pieces === 'string') return { why: pieces };
  const [head, ...rest] = pieces;
  const tails = pieces.filter(piece => piece === undefined).length;
  if (tails === 0) return absolute({ type: 'full', value: pieces.join('') }, target);
  if (tails > 1 || pieces.at(-1) !== undefined)
    return { why: `rewrite-target ${target} writes something after the rest of the path` };
  const before = head === undefined ? '' : [head, ...rest.slice(0, -1)].join('');
  // The rest follows `branch.text`: with the same text before it, the path stays as it is.
  if (before === branch.text) return undefined;
  const [reads, writes] = [branch.text.endsWith('/'), before.endsWith('/')];
  if (reads && !writes)
    return { why: `rewrite-target ${target} joins the rest of the path without a slash between them` };
  const value = before === '/' || before === '' ? '/' : before.replace(/\/$/, '');
  return absolute({ type: 'prefix', value, ...(writes && !reads ? { doubled: true as const } : {}) }, target);
}

const absolute = (rewrite: Rewrite, target: string): Rewrite | { readonly why: string } =>
  rewrite.value.startsWith('/')
    ? rewrite
    : { why: `rewrite-target ${target} makes a path that does not begin with a slash` };

/** The target with the groups filled in, texts joined; or why that cannot be told. */
function piecesOf(target: string, { captures }: Branch): readonly Piece[] | string {
  if (target.includes('?')) return `rewrite-target ${target} writes a query`;
  const pieces: Piece[] = [];
  for (const part of target.split(/(\$\d|\$\{?[A-Za-z_]\w*\}?)/)) {
    if (!part.startsWith('$')) pieces.push(part);
    else if (/^\$\d$/.test(part)) pieces.push(...(captures.get(Number(part.slice(1))) ?? []));
    else return `rewrite-target ${target} has the variable ${part} of nginx`;
  }
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (piece === '') continue;
    if (piece !== undefined && last !== undefined && joined.length > 0)
      joined[joined.length - 1] = last + piece;
    else joined.push(piece);
  }
  return joined;
}
