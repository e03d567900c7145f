import type { AuditReport, CheckResult, Finding, ItemScore } from '../../insight/audit/index.ts';
import { severities } from '../../insight/audit/index.ts';
import { escapeMarkup } from '../escape-markup.ts';

/** One page without anything from outside, to send or to keep: scores as pictures, findings, and what was not checked. */
export function htmlText(report: AuditReport, unread: readonly string[], at: Date): string {
  const open = report.checks.flatMap(({ findings }) => findings.filter(one => one.suppressed === undefined));
  const silenced = report.checks.flatMap(({ findings }) =>
    findings.filter(one => one.suppressed !== undefined),
  );
  const unchecked = report.checks.filter(check => check.unchecked !== undefined);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Network audit</title><style>${style}</style></head><body>
<h1>Network audit</h1>
<p>Of ${report.source === 'cluster' ? 'a cluster' : 'manifests'}, ${escapeMarkup(at.toISOString())}. ${countsText(open)}</p>
<div class="scores">${report.scores.map(scorePicture).join('')}</div>
<h2>Problems</h2>
${open.length === 0 ? '<p>None was found by what could be checked.</p>' : report.checks.map(checkSection).join('')}
${silenced.length === 0 ? '' : `<h2>Left as they are</h2><ul>${silenced.map(one => `<li><code>${escapeMarkup(one.object ?? '')}</code> ${escapeMarkup(one.code)}: ${escapeMarkup(one.suppressed ?? '')}</li>`).join('')}</ul>`}
<h2>Not checked</h2>
<ul>${[...unchecked.map(check => `${check.code}: ${check.unchecked ?? ''}`), ...unread].map(text => `<li>${escapeMarkup(text)}</li>`).join('')}</ul>
</body></html>
`;
}

function countsText(open: readonly Finding[]): string {
  const counts = severities.map(
    severity => `${open.filter(one => one.severity === severity).length} ${severity}`,
  );
  return `${open.length} problems: ${counts.join(', ')}.`;
}

/** A ring that is as full as the score. */
function scorePicture({ item, right, score, unchecked, wrong }: ItemScore): string {
  const around = 2 * Math.PI * 40;
  const filled = ((score ?? 0) / 100) * around;
  const colour = score === null ? '#999' : score >= 90 ? '#2e7d32' : score >= 60 ? '#b26a00' : '#b71c1c';
  return `<figure><svg viewBox="0 0 100 100" role="img" aria-label="${item}: ${score ?? 'nothing to score'}">
<circle cx="50" cy="50" r="40" fill="none" stroke="#e4e4e4" stroke-width="10"/>
<circle cx="50" cy="50" r="40" fill="none" stroke="${colour}" stroke-width="10" stroke-dasharray="${filled.toFixed(1)} ${around.toFixed(1)}" transform="rotate(-90 50 50)"/>
<text x="50" y="57" text-anchor="middle" font-size="24" fill="${colour}">${score ?? '–'}</text></svg>
<figcaption><b>${item}</b><br>${right} right, ${wrong} wrong, ${unchecked} not checked</figcaption></figure>`;
}

function checkSection({ code, findings, next, title, why }: CheckResult): string {
  const open = findings.filter(({ suppressed }) => suppressed === undefined);
  if (open.length === 0) return '';
  const rows = open.map(
    ({ evidence, field, object, severity }) =>
      `<tr class="${severity}"><td>${severity}</td><td><code>${escapeMarkup(object ?? 'cluster')}</code></td><td><code>${escapeMarkup(field ?? '')}</code></td><td>${escapeMarkup(evidence)}</td></tr>`,
  );
  return `<section><h3 id="${code}">${escapeMarkup(title)} <small>${code}, ${open.length}</small></h3>
<p>${escapeMarkup(why)}</p><p><b>Next:</b> ${escapeMarkup(next)}</p>
<details${open.length > 20 ? '' : ' open'}><summary>${open.length} objects</summary><table>${rows.join('')}</table></details></section>`;
}

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
.scores{display:flex;flex-wrap:wrap;gap:1rem}figure{width:9rem;margin:0;text-align:center}svg{width:6rem}
table{border-collapse:collapse;width:100%}td{border-top:1px solid #ddd;padding:.3rem .6rem;vertical-align:top}
small{color:#666;font-weight:normal}.critical td:first-child,.high td:first-child{color:#b71c1c;font-weight:bold}
.medium td:first-child{color:#b26a00}code{overflow-wrap:anywhere}`;
