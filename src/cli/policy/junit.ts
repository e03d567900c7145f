import type { CheckedAssertion } from '../../insight/policy/index.ts';
import { escapeMarkup } from '../escape-markup.ts';

/** JUnit's XML, as CI systems read it: one case an assertion. */
export function junitText(
  checked: readonly CheckedAssertion[],
  explain: (one: CheckedAssertion) => string,
): string {
  const failures = checked.filter(({ holds }) => !holds).length;
  const cases = checked.map(one => {
    const name = escapeMarkup(`${one.from} → ${one.to} is ${one.allowed ? 'allowed' : 'denied'}`);
    return one.holds
      ? `  <testcase classname="policy" name="${name}"/>`
      : `  <testcase classname="policy" name="${name}"><failure>${escapeMarkup(explain(one))}</failure></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="policy" tests="${checked.length}" failures="${failures}">`,
    ...cases,
    '</testsuite>\n',
  ].join('\n');
}
