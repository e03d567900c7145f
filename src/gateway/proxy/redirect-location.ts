import type { TableFilter } from '../table.ts';
import type { Routed } from './route-request.ts';
import type { ExchangeClient } from './sides.ts';
import { rewritePath } from './rewrite-path.ts';

const wellKnown = { http: 80, https: 443 } as const;

/** The Location of a redirect (HTTPRequestRedirectFilter); ports that follow from the scheme are left out. */
export function redirectLocation(
  filter: Extract<TableFilter, { type: 'RequestRedirect' }>,
  { scheme: ownScheme, port: ownPort }: Pick<ExchangeClient, 'scheme' | 'port'>,
  { host: ownHost, path: ownPath, query: ownQuery }: Pick<Routed, 'host' | 'path' | 'query'>,
  prefix: string,
): string {
  const scheme = filter.scheme ?? ownScheme;
  const port = filter.port ?? (filter.scheme === undefined ? ownPort : wellKnown[filter.scheme]);
  const host = filter.hostname ?? ownHost;
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const path = rewritePath(ownPath, filter.path, prefix);
  const query = ownQuery === '' ? '' : `?${ownQuery}`;
  return `${scheme}://${bracketed}${port === wellKnown[scheme] ? '' : `:${port}`}${path}${query}`;
}
