import type { CheckedAssertion } from '../../insight/policy/index.ts';

/** JUnit's XML, as CI systems read it: one case an assertion. */
export function junitText(
  checked: readonly CheckedAssertion[],
  explain: (one: CheckedAssertion) => string,
): string {
  const failures = checked.filter(({ holds }) => !holds).length;
  const cases = checked.map(one => {
    const name = escaped(`${one.from} → ${one.to} is ${one.allowed ? 'allowed' : 'denied'}`);
    return one.holds
      ? `  <testcase classname="policy" name="${name}"/>`
      : `  <testcase classname="policy" name="${name}"><failure>${escaped(explain(one))}</failure></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="policy" tests="${checked.length}" failures="${failures}">`,
    ...cases,
    '</testsuite>\n',
  ].join('\n');
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string): string => text.replaceAll(/[&<>"]/g, letter => entities[letter] ?? '');
