import type { AuditReport, CheckResult } from '../../insight/audit/index.ts';
import { escapeMarkup } from '../escape-markup.ts';

/** JUnit's XML, as CI systems read it: one suite an item, one case a check; what could not be read is an error. */
export function junitText(report: AuditReport, unread: readonly string[]): string {
  const suites = [...Map.groupBy(report.checks, ({ item }) => item)].map(([item, checks]) => {
    const failures = checks.filter(check => openOf(check).length > 0).length;
    const skipped = checks.filter(({ unchecked }) => unchecked !== undefined).length;
    return [
      `  <testsuite name="${item}" tests="${checks.length}" failures="${failures}" skipped="${skipped}">`,
      ...checks.map(caseOf),
      '  </testsuite>',
    ].join('\n');
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="audit">',
    ...suites,
    ...(unread.length === 0 ? [] : [unreadSuite(unread)]),
    '</testsuites>\n',
  ].join('\n');
}

/** What could not be read is no reason to say that all is well. */
const unreadSuite = (unread: readonly string[]): string =>
  [
    `  <testsuite name="not read" tests="${unread.length}" errors="${unread.length}">`,
    ...unread.map(
      (sentence, at) =>
        `    <testcase classname="not read" name="${at + 1}"><error message="${escapeMarkup(sentence)}"/></testcase>`,
    ),
    '  </testsuite>',
  ].join('\n');

const openOf = ({ findings }: CheckResult) => findings.filter(({ suppressed }) => suppressed === undefined);

function caseOf(check: CheckResult): string {
  const head = `    <testcase classname="${check.item}" name="${escapeMarkup(check.code)}"`;
  if (check.unchecked !== undefined)
    return `${head}><skipped message="${escapeMarkup(check.unchecked)}"/></testcase>`;
  const open = openOf(check);
  if (open.length === 0) return `${head}/>`;
  const lines = open.map(({ evidence, field, object, severity }) =>
    [severity, object ?? 'cluster', field, evidence].filter(Boolean).join(' '),
  );
  return `${head}><failure message="${escapeMarkup(check.title)}">${escapeMarkup(lines.join('\n'))}</failure></testcase>`;
}
