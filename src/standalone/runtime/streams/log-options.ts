import { badRequest, type Refusal } from './answer.ts';

/** core/v1 PodLogOptions, as the query of a request says them. */
export interface LogOptions {
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  /** RFC 3339; lines before it are left out. */
  readonly since: string | undefined;
}

export function parseLogOptions(query: URLSearchParams, now: number): LogOptions | Refusal {
  const flag = (name: string) => ['1', 'true', 'True', 't', 'T', 'TRUE'].includes(query.get(name) ?? '');
  const count = (name: string) => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    return /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  };
  const tailLines = count('tailLines');
  const limitBytes = count('limitBytes');
  const sinceSeconds = count('sinceSeconds');
  const sinceTime = query.get('sinceTime') ?? '';
  const wrong = Object.entries({ tailLines, limitBytes, sinceSeconds }).find(([, value]) =>
    Number.isNaN(value),
  );
  if (wrong !== undefined) return badRequest(`${wrong[0]} must be a whole number that is not negative`);
  if (sinceTime !== '' && Number.isNaN(Date.parse(sinceTime)))
    return badRequest('sinceTime must be an RFC 3339 time');
  if (sinceTime !== '' && sinceSeconds !== undefined)
    return badRequest('at most one of sinceTime and sinceSeconds may be given');
  const since =
    sinceSeconds !== undefined
      ? new Date(now - sinceSeconds * 1000).toISOString()
      : sinceTime === ''
        ? undefined
        : new Date(Date.parse(sinceTime)).toISOString();
  return {
    follow: flag('follow'),
    previous: flag('previous'),
    timestamps: flag('timestamps'),
    tailLines,
    limitBytes,
    since,
  };
}
