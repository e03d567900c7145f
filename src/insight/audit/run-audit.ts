import { FairleadError, sentenceOf } from '../../base/errors.ts';
import { closestOf } from '../../base/closest.ts';
import { allChecks } from './catalogue.ts';
import { ask, deriveFrom, items, nameOf, severities } from './check.ts';
import type { Check, Derived, Found, Item, Outcome, Severity } from './check.ts';
import type { AuditFacts } from './facts.ts';

export interface Finding {
  readonly code: string;
  readonly item: Item;
  readonly severity: Severity;
  /** `Kind/namespace/name`; absent: the cluster as a whole. */
  readonly object?: string;
  readonly field?: string;
  readonly evidence: string;
  /** The reason that the object's annotation gives for leaving it so. */
  readonly suppressed?: string;
}

export interface CheckResult {
  readonly code: string;
  readonly item: Item;
  readonly title: string;
  readonly severity: Severity;
  readonly why: string;
  readonly next: string;
  /** How many objects were looked at; absent: it could not be checked. */
  readonly looked?: number;
  readonly unchecked?: string;
  readonly findings: readonly Finding[];
}

/** Of an item: 100 less what each check that found something takes, by its worst finding; null where there was nothing. */
export interface ItemScore {
  readonly item: Item;
  readonly score: number | null;
  readonly right: number;
  readonly wrong: number;
  readonly unchecked: number;
}

export interface AuditReport {
  readonly source: AuditFacts['source'];
  readonly checks: readonly CheckResult[];
  readonly scores: readonly ItemScore[];
}

/** An object says by it why it is left as it is: `audit.fairlead.dev/CODE: reason`. */
export const suppressionPrefix = 'audit.fairlead.dev/';

const takes: Readonly<Record<Severity, number>> = { critical: 60, high: 30, medium: 12, low: 4 };

/** `only` and `skip` name items or codes. Throws `audit/no-such-check`. */
export function runAudit(
  facts: AuditFacts,
  choice: { readonly only: readonly string[]; readonly skip: readonly string[] },
): AuditReport {
  for (const word of [...choice.only, ...choice.skip]) checkWord(word);
  const named = (words: readonly string[]) => (check: Check) =>
    words.includes(check.item) || words.includes(check.code);
  const derived = deriveFrom(facts);
  const checks = allChecks
    .filter(check => choice.only.length === 0 || named(choice.only)(check))
    .filter(check => !named(choice.skip)(check))
    .map(check => resultOf(check, facts, derived));
  return { source: facts.source, checks, scores: scoresOf(checks) };
}

function checkWord(word: string): void {
  const known = [...items, ...allChecks.map(({ code }) => code)];
  if (known.includes(word)) return;
  const similar = closestOf(word, known);
  throw new FairleadError('audit/no-such-check', `There is no item and no check "${word}".`, {
    field: '--only, --skip',
    hint: similar === undefined ? `The items are ${items.join(', ')}` : `Did you mean ${similar}?`,
  });
}

function resultOf(check: Check, facts: AuditFacts, derived: Derived): CheckResult {
  const { code, item, next, severity, title, why } = check;
  const about = { code, item, title, severity, why, next };
  const outcome = outcomeOf(check, facts, derived);
  if ('unchecked' in outcome) return { ...about, unchecked: outcome.unchecked, findings: [] };
  const findings = outcome.found
    .map(found => findingOf(check, found))
    .toSorted((one, other) => severities.indexOf(one.severity) - severities.indexOf(other.severity));
  return { ...about, looked: outcome.looked, findings };
}

/** What has not the form of its kind (templating left in, another version) costs the answer of a check, not the audit. */
function outcomeOf(check: Check, facts: AuditFacts, derived: Derived): Outcome {
  try {
    return ask(check, facts, derived);
  } catch (error) {
    return { unchecked: `an object has not the form of its kind (${sentenceOf(error)})` };
  }
}

function findingOf({ code, item, severity }: Check, found: Found): Finding {
  const reason = found.object?.metadata.annotations?.[`${suppressionPrefix}${code}`]?.trim();
  return {
    code,
    item,
    severity: found.severity ?? severity,
    ...(found.object === undefined ? {} : { object: nameOf(found.object) }),
    ...(found.field === undefined ? {} : { field: found.field }),
    evidence: found.evidence,
    // A reason is asked for: an empty one silences nothing.
    ...(reason === undefined || reason === '' ? {} : { suppressed: reason }),
  };
}

function scoresOf(checks: readonly CheckResult[]): readonly ItemScore[] {
  return items.flatMap(item => {
    const own = checks.filter(check => check.item === item);
    if (own.length === 0) return [];
    const open = (check: CheckResult) => check.findings.filter(({ suppressed }) => suppressed === undefined);
    // What looked at nothing says nothing: having nothing does not raise a score.
    const told = own.filter(({ looked = 0, findings }) => looked > 0 || findings.length > 0);
    const wrong = told.filter(check => open(check).length > 0);
    const lost = wrong.reduce((sum, check) => sum + takes[open(check)[0]?.severity ?? check.severity], 0);
    return [
      {
        item,
        score: told.length === 0 ? null : Math.max(0, 100 - lost),
        right: told.length - wrong.length,
        wrong: wrong.length,
        unchecked: own.filter(({ unchecked }) => unchecked !== undefined).length,
      },
    ];
  });
}

/** Findings that count: those that no object gives a reason for. */
export const openFindings = (report: AuditReport): readonly Finding[] =>
  report.checks.flatMap(({ findings }) => findings.filter(({ suppressed }) => suppressed === undefined));
