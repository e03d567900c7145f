import { kindWords, suppressionPrefix } from '../../insight/audit/index.ts';
import type { Check } from '../../insight/audit/index.ts';

/** The page of a check: `audit --explain` prints it, docs/reference/findings/ keeps it. */
export function pageOf({ code, item, needs, next, severity, title, why }: Check): string {
  return `# ${code}

${title[0]?.toUpperCase() ?? ''}${title.slice(1)}.

| | |
| --- | --- |
| Item | ${item} |
| Severity | ${severity}; a finding may say another, with its evidence |
| Reads | ${needs.map(kind => kindWords[kind]).join(', ')} |

## Why it matters

${why}

## Next step

${next}

## Leaving it as it is

Say why on the object: \`${suppressionPrefix}${code}: "the reason"\`. Without a reason it counts. A finding about the
cluster as a whole has no object: \`--skip ${code}\` leaves the check out.
`;
}
