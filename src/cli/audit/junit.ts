import type { AuditReport, CheckResult } from '../../insight/audit/index.ts';
import { escapeMarkup } from '../escape-markup.ts';

/** JUnit's XML, as CI systems read it: one suite an item, one case a check. */
export function junitText(report: AuditReport): string {
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
    '</testsuites>\n',
  ].join('\n');
}

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
