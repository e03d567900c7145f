import type { Proposal } from '../../insight/migrate/index.ts';

/** One document a policy, each with what it stands on as comments. `toYaml` writes one object. */
export function policiesText({ open, policies }: Proposal, toYaml: (object: unknown) => string): string {
  const head = [
    '# Default deny, with what is declared opened: for review. On a cluster of Fairlead try it first: with the annotation',
    '# fairlead.dev/audit: "true" on each policy nothing is dropped, and fairlead flows tells what would be.',
    ...open.map(sentence => `# OPEN: ${oneLine(sentence)}`),
  ];
  const documents = policies.map(({ because, policy }) =>
    [...because.map(sentence => `# ${oneLine(sentence)}`), toYaml(policy).trimEnd()].join('\n'),
  );
  return `${[head.join('\n'), ...documents].join('\n---\n')}\n`;
}

/** What comes from objects must not end a comment. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ');
