import type { ApiResponse } from '../request.ts';

/** One thing that has to be well; throws or returns false when it is not. */
export interface HealthCheck {
  readonly name: string;
  readonly isWell: () => boolean;
}

/** `/healthz`, `/livez`, `/readyz`, each with `/NAME` for one check and `?verbose` for all lines. */
export function healthAnswer(
  path: string,
  query: URLSearchParams,
  checks: readonly HealthCheck[],
): ApiResponse | undefined {
  const [, endpoint = '', name, ...rest] = path.split('/');
  if (!['healthz', 'livez', 'readyz'].includes(endpoint) || rest.length > 0) return undefined;
  const excluded = query.getAll('exclude');
  const asked =
    name === undefined || name === ''
      ? checks.filter(check => !excluded.includes(check.name))
      : checks.filter(check => check.name === name);
  if (asked.length === 0) return undefined;
  const lines = asked.map(check => ({ name: check.name, well: check.isWell() }));
  const failed = lines.some(line => !line.well);
  const verbose = lines.map(line =>
    line.well ? `[+]${line.name} ok` : `[-]${line.name} failed: reason withheld`,
  );
  const showsLines = failed || query.has('verbose');
  const verdict = `${endpoint} check ${failed ? 'failed' : 'passed'}`;
  const body =
    showsLines && name === undefined ? `${[...verbose, verdict].join('\n')}\n` : failed ? verdict : 'ok';
  return { status: failed ? 500 : 200, headers: text(), body };
}

const text = () => ({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
