import type { Kind } from '../kind.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const LABEL_SENTENCE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_1035_SENTENCE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_SENTENCE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** What is wrong with a name, in upstream's words; empty when it is fine. */
export function nameProblems(name: string, format: NonNullable<Kind['nameFormat']>): readonly string[] {
  if (format !== 'path-segment') return limited(name, FORMATS[format]);
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter(part => name.includes(part)).map(part => `may not contain '${part}'`);
}

const FORMATS = {
  label: { longest: 63, pattern: LABEL, sentence: LABEL_SENTENCE },
  'label-1035': { longest: 63, pattern: LABEL_1035, sentence: LABEL_1035_SENTENCE },
  subdomain: { longest: 253, pattern: SUBDOMAIN, sentence: SUBDOMAIN_SENTENCE },
};

interface Format {
  /** In bytes, which are letters here: the pattern admits ASCII only. */
  readonly longest: number;
  readonly pattern: RegExp;
  readonly sentence: string;
}

function limited(name: string, { longest, pattern, sentence }: Format): readonly string[] {
  const problems: string[] = [];
  if (name.length > longest) problems.push(`must be no more than ${longest} bytes`);
  if (!pattern.test(name)) problems.push(sentence);
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
