import type { Kind } from '../kind.ts';
import { dnsLabel, dnsLabel1035, dnsSubdomain, pathSegment } from '../kinds/text/names.ts';

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

const SUFFIX_LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

/** `base` and five letters that spell nothing; the base is cut so that the name stays a label. */
export function generateName(base: string, random: () => number): string {
  let suffix = '';
  for (let at = 0; at < 5; at++)
    suffix += SUFFIX_LETTERS[Math.floor(random() * SUFFIX_LETTERS.length)] ?? 'x';
  return base.slice(0, 58) + suffix;
}
