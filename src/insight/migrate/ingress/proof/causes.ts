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
  const [path = ''] = request.target.split('?', 1);
  if (path.includes('//')) causes.push('behaviour:merge-slashes');
  if (path.includes('%')) causes.push('behaviour:percent-decoding');
  if (/\/\.{1,2}(?:\/|$)/.test(path)) causes.push('behaviour:dot-segments');
  causes.push(...old.decided.subjects);
  if (old.decided.subjects.some(subject => REGULAR.has(subject)))
    causes.push('behaviour:case-folding', 'behaviour:path-order');
  if (request.scheme === 'https' && now.kind === 'refused') causes.push('behaviour:default-certificate');
  if (request.serverName !== undefined && now.kind === 'response' && now.status === 421)
    causes.push('behaviour:server-name');
  return [...new Set(causes)];
}

const REGULAR: ReadonlySet<string> = new Set(['use-regex', 'rewrite-target', 'behaviour:regex-spread']);
