import type { Captures } from './pattern/index.ts';
import { escapePath } from './read-target.ts';
import type { ReadTarget } from './read-target.ts';
import type { NginxLocation } from './servers.ts';

export type Rewritten =
  | { readonly is: 'target'; readonly target: string }
  /** The target is a URL: the client is sent there. */
  | { readonly is: 'redirect'; readonly location: string }
  | { readonly is: 'error'; readonly sentence: string }
  | { readonly is: 'undetermined'; readonly reason: string };

/** nginx's `rewrite PATTERN TARGET break`: groups are put in as they were decoded, the query is kept unless the target ends with `?`. */
export function rewriteTarget(
  { rewrite }: NginxLocation,
  { args, uri }: ReadTarget,
  raw: string,
  variables: Readonly<Record<string, string>>,
): Rewritten {
  if (rewrite === undefined) return { is: 'target', target: raw };
  const { pattern, target } = rewrite;
  if (!pattern.isJudged)
    return { is: 'undetermined', reason: `the pattern ${pattern.source}: ${pattern.reason}` };
  const captures = pattern.search(uri);
  if (captures === undefined) return { is: 'target', target: raw };
  const [path = '', ...rest] = target.split('?');
  const query = rest.join('?');
  const keepsArgs = !target.endsWith('?');
  const filled = fill(path, uri, captures, variables);
  const filledQuery = fill(query.replace(/\?$/, ''), uri, captures, variables);
  if (filled === undefined || filledQuery === undefined)
    return { is: 'undetermined', reason: `rewrite-target ${target} has a variable that is not known here` };
  const all = [filledQuery, keepsArgs ? args : ''].filter(part => part !== '').join('&');
  const withQuery = (start: string) => (all === '' ? start : `${start}?${all}`);
  if (/^https?:\/\//.test(target) || target.startsWith('$scheme'))
    return { is: 'redirect', location: withQuery(filled) };
  if (filled === '') return { is: 'error', sentence: 'the rewritten path is empty' };
  return { is: 'target', target: withQuery(escapePath(filled)) };
}

/** `$1` to `$9`, and variables by their names; undefined where one is not known. */
export function fill(
  text: string,
  uri: string,
  captures: Captures,
  variables: Readonly<Record<string, string>>,
): string | undefined {
  let isKnown = true;
  const filled = text.replaceAll(/\$(?:\{(\w+)\}|(\d)|(\w+))/g, (_, braced, digit, bare) => {
    const name = String(braced ?? digit ?? bare);
    if (/^\d$/.test(name)) {
      const [start = -1, end = -1] = captures.slice(2 * Number(name), 2 * Number(name) + 2);
      return start === -1 ? '' : uri.slice(start, end);
    }
    const value = variables[name];
    if (value === undefined) isKnown = false;
    return value ?? '';
  });
  return isKnown ? filled : undefined;
}
