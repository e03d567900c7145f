import type { AuditReport, Finding } from '../../insight/audit/index.ts';
import { table } from '../table.ts';

/** So many findings of one check are written out; the other forms have all. */
const mostOfOne = 10;

/** For people: the scores, what was found from the worst on, what could not be checked, and the counts. */
export function reportText(report: AuditReport, unread: readonly string[]): string {
  const checked = report.checks.filter(({ looked }) => looked !== undefined);
  const unchecked = report.checks.filter(check => check.unchecked !== undefined);
  const open = (findings: readonly Finding[]) =>
    findings.filter(({ suppressed }) => suppressed === undefined);
  const failing = checked.filter(({ findings }) => open(findings).length > 0);
  const all = failing.flatMap(({ findings }) => open(findings));
  const suppressed = checked.flatMap(({ findings }) => findings).length - all.length;
  const looked = checked.reduce((sum, check) => sum + (check.looked ?? 0), 0);
  return [
    ...table(
      ['ITEM', 'SCORE', 'RIGHT', 'WRONG', 'NOT CHECKED'],
      report.scores.map(({ item, right, score, unchecked: none, wrong }) => [
        item,
        score === null ? 'nothing to score' : `${score}`,
        `${right}`,
        `${wrong}`,
        `${none}`,
      ]),
    ),
    ...failing.flatMap(({ code, findings, next, title, why }) => {
      const own = open(findings);
      const worst = own[0];
      return worst === undefined
        ? []
        : [
            '',
            `${worst.severity.toUpperCase()}  ${code}: ${title}`,
            ...own.slice(0, mostOfOne).map(line),
            ...(own.length > mostOfOne ? [`  and ${own.length - mostOfOne} more (-o json has all)`] : []),
            `  why:  ${why}`,
            `  next: ${next}`,
          ];
    }),
    ...(unchecked.length === 0 ? [] : ['', 'NOT CHECKED']),
    ...unchecked.map(check => `  ${check.code}: ${check.unchecked ?? ''}`),
    ...(unread.length === 0 ? [] : ['', 'NOT READ']),
    ...unread.map(sentence => `  ${sentence}`),
    '',
    `${all.length > 0 ? `${all.length} problems` : unread.length > 0 ? 'Not everything could be read; no problems' : 'No problems'} in ${looked} objects looked at by ${checked.length} of ${report.checks.length} checks${suppressed === 0 ? '' : `; ${suppressed} left as they are by annotation`}.`,
  ]
    .map(text => `${text}\n`)
    .join('');
}

const line = ({ evidence, field, object }: Finding): string =>
  `  ${[object, field].filter(part => part !== undefined).join(' ')}${object === undefined && field === undefined ? '' : ': '}${evidence}`;
