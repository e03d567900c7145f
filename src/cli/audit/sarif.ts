import { allChecks } from '../../insight/audit/index.ts';
import type { AuditReport, Finding, Severity } from '../../insight/audit/index.ts';
import { versionText } from '../version.ts';

/** Where an object of a file stands. */
export type Locate = (finding: Finding) => { readonly file: string; readonly line: number } | undefined;

const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
};

/** SARIF 2.1.0 (OASIS), as code hosts read it. What an annotation leaves as it is is marked as suppressed. */
export function sarifText(report: AuditReport, unread: readonly string[], locate: Locate): string {
  const asked = new Set(report.checks.map(({ code }) => code));
  const rules = allChecks
    .filter(({ code }) => asked.has(code))
    .map(({ code, next, severity, title, why }) => ({
      id: code,
      shortDescription: { text: title },
      fullDescription: { text: why },
      help: { text: next },
      helpUri: `docs/reference/findings/${code}.md`,
      defaultConfiguration: { level: levels[severity] },
    }));
  const results = report.checks.flatMap(({ findings, title }) =>
    findings.map(finding => {
      const at = locate(finding);
      const name = [finding.object ?? 'cluster', finding.field].filter(Boolean).join(' ');
      return {
        ruleId: finding.code,
        level: levels[finding.severity],
        message: { text: `${title}: ${name}: ${finding.evidence}` },
        locations: [
          {
            ...(at === undefined
              ? {}
              : {
                  physicalLocation: {
                    artifactLocation: { uri: at.file },
                    region: { startLine: at.line },
                  },
                }),
            logicalLocations: [{ fullyQualifiedName: name, kind: 'resource' }],
          },
        ],
        ...(finding.suppressed === undefined
          ? {}
          : { suppressions: [{ kind: 'inSource', justification: finding.suppressed }] }),
      };
    }),
  );
  const notifications = report.checks.flatMap(({ code, unchecked }) =>
    unchecked === undefined
      ? []
      : [{ level: 'note', message: { text: `not checked: ${unchecked}` }, associatedRule: { id: code } }],
  );
  // What could not be read is no reason to say that all is well.
  const lost = unread.map(sentence => ({ level: 'error', message: { text: `not read: ${sentence}` } }));
  return `${JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: {
            driver: { name: 'fairlead audit', semanticVersion: versionText().split(' ')[1], rules },
          },
          invocations: [
            {
              executionSuccessful: unread.length === 0,
              toolExecutionNotifications: [...lost, ...notifications],
            },
          ],
          results,
        },
      ],
    },
    null,
    2,
  )}\n`;
}
