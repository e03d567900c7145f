import { witnesses } from '../model/index.ts';
import type { NginxLocation } from '../model/index.ts';

/** Targets at the boundaries of one location, the most telling first. */
export function targetsOf({ path, pattern, written }: NginxLocation, bound: number): readonly string[] {
  const literal = pattern === undefined || isPlain(written);
  const starts = literal ? [written] : ownWitnesses(pattern, Math.ceil(bound / 3));
  const targets = literal ? [] : starts.flatMap(start => [start, caseFlipped(start), `${start}x`]);
  for (const start of starts.slice(0, 3)) targets.push(...around(start));
  if (literal && path !== written) targets.push(path);
  return [...new Set(targets.filter(isSendable))].slice(0, bound);
}

/** What a person would write as it is, without a sign of patterns. */
const isPlain = (path: string): boolean => /^[\w\-./~%]*$/.test(path);

const ownWitnesses = (pattern: NonNullable<NginxLocation['pattern']>, most: number): readonly string[] =>
  pattern.isJudged
    ? witnesses(pattern.node, most).map(escaped)
    : // A pattern that is not judged: its text is a hint, at least.
      [escaped(pattern.source.replaceAll(/[\^$()*+?|[\]{}\\]/g, ''))];

/** As a client would write what is no path's character. */
const escaped = (text: string): string =>
  `${text.startsWith('/') ? '' : '/'}${text.replaceAll(
    /[^\w\-./~!$&'()*+,;=:@]/g,
    octet => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )}`;

/** A request line ends at a space. */
const isSendable = (target: string): boolean => target.startsWith('/') && !/[\0-\x20\x7f]/.test(target);

function around(path: string): readonly string[] {
  const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  const below = bare === '/' ? '' : bare;
  return [
    bare,
    `${below}/`,
    `${bare}x`,
    `${below}/x`,
    `${below}/x/y?a=b&c=%20d`,
    caseFlipped(bare),
    `${bare}?a=b`,
    `${below}/?x=/../`,
    `/${bare}`,
    `${below}//x`,
    `${below}/./x`,
    `${below}/x/../y`,
    `${below}/../zz`,
    `${below}/%2e%2e/zz`,
    `${below}%2Fx`,
    `${below}/a%2Fb`,
    `${below}/a%20b`,
    `${below}/a+b`,
    `${below}/%C3%A4`,
    `${below}/%3Fx`,
    firstEncoded(bare),
    bare.slice(0, -1),
    `${below}.html`,
    `${below}/x/`,
    `/zz${bare}`,
    `${below}/${'long/'.repeat(100)}`,
    caseFlipped(`${below}/x`),
    `${below}/%7Ex`,
    `${below};a=b/x`,
    `${below}/..`,
  ];
}

/** The first letter in the other case; all of them would hide which one counts. */
function caseFlipped(text: string): string {
  return text.replace(/[A-Za-z]/, letter => {
    const lower = letter.toLowerCase();
    return letter === lower ? letter.toUpperCase() : lower;
  });
}

const firstEncoded = (path: string): string =>
  path.replace(/[A-Za-z]/, letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`);
