import { escapePath, readTarget } from '../model/index.ts';
import type { ModelRequest, Outcome } from '../model/index.ts';
import type { Difference } from './compare.ts';

/**
 * What a difference comes from, the nearest first: the setting itself, what decided the old side's answer, what the smallest
 * request still needs.
 */
export function causesOf(
  difference: Difference,
  request: ModelRequest,
  old: Outcome,
  now: Outcome,
): readonly string[] {
  const causes: string[] = [];
  if (difference.subject !== undefined) causes.push(difference.subject);
  if (old.kind === 'response' || old.kind === 'passthrough') causes.push(...old.decided.subjects);
  const isOdd = readTarget(request.target) === undefined || plainOf(request) !== undefined;
  if (isOdd) causes.push(...spellingsOf(request.target));
  causes.push(...old.decided.subjects);
  if (request.scheme === 'https' && now.kind === 'refused') causes.push('behaviour:default-certificate');
  if (request.serverName !== undefined && now.kind === 'response' && now.status === 421)
    causes.push('behaviour:server-name');
  if (old.kind === 'backend' && now.kind !== 'backend' && old.rule.access !== undefined)
    causes.push(old.rule.access.subject);
  if (old.kind === 'backend' && old.backends.some(({ backend }) => !/:\d+$/.test(backend)))
    causes.push('behaviour:named-port');
  // Whoever answers for a name that nobody had, opens something: that is another thing than to answer otherwise.
  const serves = now.kind === 'backend' || (now.kind === 'response' && now.location !== undefined);
  const named = serves ? causes.map(cause => (cause === UNKNOWN ? `${UNKNOWN}-served` : cause)) : causes;
  return [...new Set(named)];
}

const UNKNOWN = 'behaviour:unknown-host';

/** What a path has that nginx takes away before it looks for a location. */
function spellingsOf(target: string): readonly string[] {
  const [path = ''] = target.split('?', 1);
  const spellings: string[] = [];
  if (path.includes('//')) spellings.push('behaviour:merge-slashes');
  if (path.includes('%')) spellings.push('behaviour:percent-decoding');
  if (/\/\.{1,2}(?:\/|$)/.test(path)) spellings.push('behaviour:dot-segments');
  return spellings;
}

/** The request with its path as nginx reads it; undefined where it is written so already. */
export function plainOf(request: ModelRequest): ModelRequest | undefined {
  if (spellingsOf(request.target).length === 0) return undefined;
  const read = readTarget(request.target);
  if (read === undefined) return undefined;
  const target = `${escapePath(read.uri)}${read.args === '' ? '' : `?${read.args}`}`;
  return target === request.target ? undefined : { ...request, target };
}
