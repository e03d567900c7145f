import { closestOf } from '../base/closest.ts';
import { FairleadError } from '../base/errors.ts';
import { allChecks, openFindings, runAudit, severities } from '../insight/audit/index.ts';
import type { Severity } from '../insight/audit/index.ts';
import { htmlText } from './audit/html.ts';
import { junitText } from './audit/junit.ts';
import { pageOf } from './audit/page.ts';
import { readFacts } from './audit/read-facts.ts';
import type { ReadFacts } from './audit/read-facts.ts';
import { calledAs, withCommandsAs } from './called-as.ts';
import type { ObjectSource } from './object-source.ts';
import { reportText } from './audit/report-text.ts';
import { sarifText } from './audit/sarif.ts';
import type { Locate } from './audit/sarif.ts';

export const auditForms = ['text', 'json', 'sarif', 'junit', 'html'] as const;
export type AuditForm = (typeof auditForms)[number];

export interface AuditOptions {
  readonly only: readonly string[];
  readonly skip: readonly string[];
  /** Files in Prometheus’ text format. */
  readonly metrics: readonly string[];
  readonly form: AuditForm;
  /** Findings from here on make the exit code 1. */
  readonly failOn: Severity | 'never';
}

/** Prints how ready a cluster or manifests are. The exit code is 1 where something of the wanted severity is open. */
export async function audit(source: ObjectSource, options: AuditOptions): Promise<number> {
  const at = new Date();
  const read = await readFacts(source, options.metrics, at.getTime());
  const report = runAudit(read.facts, options);
  switch (options.form) {
    case 'json':
      process.stdout.write(`${JSON.stringify({ ...report, unread: read.unread }, null, 2)}\n`);
      break;
    case 'sarif':
      process.stdout.write(sarifText(report, read.unread, locateIn(read)));
      break;
    case 'junit':
      process.stdout.write(junitText(report, read.unread));
      break;
    case 'html':
      process.stdout.write(htmlText(report, read.unread, at));
      break;
    case 'text':
      process.stdout.write(withCommandsAs(calledAs(process.env), reportText(report, read.unread)));
      break;
    default:
      options.form satisfies never;
  }
  if (options.failOn === 'never') return 0;
  const bound = severities.indexOf(options.failOn);
  const failed = openFindings(report).some(({ severity }) => severities.indexOf(severity) <= bound);
  // What could not be read is no reason to say that all is well.
  return failed || read.unread.length > 0 ? 1 : 0;
}

/** Prints the page of a check. */
export function explainFinding(code: string): void {
  const check = allChecks.find(one => one.code === code);
  if (check === undefined) {
    const similar = closestOf(
      code,
      allChecks.map(one => one.code),
    );
    throw new FairleadError('audit/no-such-check', `There is no check "${code}".`, {
      field: '--explain',
      hint: similar === undefined ? 'The report names the codes' : `Did you mean ${similar}?`,
    });
  }
  process.stdout.write(pageOf(check));
}

function locateIn({ manifests }: ReadFacts): Locate {
  const byName = new Map(
    manifests.map(manifest => {
      const { kind, metadata } = manifest.object;
      return [`${kind}/${metadata.namespace ?? 'default'}/${metadata.name}`, manifest];
    }),
  );
  const clusterWide = new Map(manifests.map(one => [`${one.object.kind}/${one.object.metadata.name}`, one]));
  return ({ field, object = '' }) => {
    const manifest = byName.get(object) ?? clusterWide.get(object);
    return manifest === undefined
      ? undefined
      : { file: manifest.source, line: field === undefined ? manifest.line : manifest.lineOf(field) };
  };
}
