import type { TablePathRewrite } from '../table.ts';

/** A path by a rewrite (HTTPPathModifier); `prefix` is what the rule matched. Never two slashes at the seam. */
export function rewritePath(path: string, rewrite: TablePathRewrite | undefined, prefix: string): string {
  if (rewrite === undefined) return path;
  if (rewrite.type === 'ReplaceFullPath') return rewrite.value === '' ? '/' : rewrite.value;
  const matched = prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
  const rest = path.slice(matched.length);
  const start = rewrite.value.endsWith('/') ? rewrite.value.slice(0, -1) : rewrite.value;
  const joined = start + (rest === '' || rest.startsWith('/') ? rest : `/${rest}`);
  return joined === '' ? '/' : joined;
}
