import type { Kind } from '../kind.ts';
import { dnsLabel, dnsSubdomain, pathSegment } from '../kinds/text/names.ts';

const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';

/** What is wrong with a name, in upstream's words; empty when it is fine. */
export function nameProblems(name: string, format: NonNullable<Kind['nameFormat']>): readonly string[] {
  return RULES[format](name);
}

const RULES: Readonly<Record<NonNullable<Kind['nameFormat']>, (name: string) => readonly string[]>> = {
  label: dnsLabel,
  'label-1035': dnsLabel1035,
  subdomain: dnsSubdomain,
  'path-segment': pathSegment,
};

/** RFC 1035: a label that begins with a letter. */
function dnsLabel1035(name: string): readonly string[] {
  const problems: string[] = [];
  if (name.length > 63) problems.push('must be no more than 63 characters');
  if (!new RegExp(`^${LABEL_1035}$`).test(name)) {
    problems.push(
      `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${LABEL_1035}')`,
    );
  }
  return problems;
}

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** `base` and five letters that spell nothing; the base is cut so that the name stays a label. */
export function generateName(base: string, random: () => number): string {
  let suffix = '';
  for (let at = 0; at < 5; at++)
    suffix += SUFFIX_LETTERS[Math.floor(random() * SUFFIX_LETTERS.length)] ?? 'x';
  return base.slice(0, 58) + suffix;
}
