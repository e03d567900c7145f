import type { TableFilter } from '../table.ts';
import { rewritePath } from './rewrite-path.ts';

interface Redirected {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly query: string;
  readonly prefix: string;
}

const wellKnown = { http: 80, https: 443 } as const;

/** The Location of a redirect (HTTPRequestRedirectFilter); ports that follow from the scheme are left out. */
export function redirectLocation(
  filter: Extract<TableFilter, { type: 'RequestRedirect' }>,
  request: Redirected,
): string {
  const scheme = filter.scheme ?? request.scheme;
  const port = filter.port ?? (filter.scheme === undefined ? request.port : wellKnown[filter.scheme]);
  const host = filter.hostname ?? request.host;
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const path = rewritePath(request.path, filter.path, request.prefix);
  const query = request.query === '' ? '' : `?${request.query}`;
  return `${scheme}://${bracketed}${port === wellKnown[scheme] ? '' : `:${port}`}${path}${query}`;
}
