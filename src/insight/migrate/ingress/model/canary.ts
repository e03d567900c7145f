import type { Values } from '../values.ts';
import { readPattern } from './pattern/index.ts';
import type { Pattern } from './pattern/index.ts';
import type { ModelRequest } from './request.ts';

/** Which requests another Ingress takes from a Service. */
export interface CanarySettings {
  readonly weight: number;
  readonly total: number;
  readonly header: string | undefined;
  readonly headerValue: string | undefined;
  readonly headerPattern: Pattern | undefined;
  readonly cookie: string | undefined;
}

/** Undefined without `canary: "true"`. A total below 100 counts as 100. */
export function readCanary(values: Values): CanarySettings | undefined {
  if (values.flag('canary') !== true) return undefined;
  const pattern = values.text('canary-by-header-pattern');
  return {
    weight: values.number('canary-weight') ?? 0,
    total: Math.max(values.number('canary-weight-total') ?? 100, 100),
    header: values.text('canary-by-header')?.toLowerCase(),
    headerValue: values.text('canary-by-header-value'),
    headerPattern: pattern === undefined ? undefined : readPattern(pattern, false),
    cookie: values.text('canary-by-cookie'),
  };
}

/** What share of requests like this one the canary gets, from 0 to 1, and what decided; undefined: it cannot be told. */
export function canaryShare(
  canary: CanarySettings,
  { headers }: ModelRequest,
  keepsUnderscores = false,
): { readonly share: number; readonly subject: string } | undefined {
  const header = canary.header === undefined ? undefined : headerOf(headers, canary.header, keepsUnderscores);
  if (header !== undefined) {
    if (canary.headerValue !== undefined) {
      if (header === canary.headerValue) return { share: 1, subject: 'canary-by-header-value' };
    } else if (canary.headerPattern !== undefined) {
      if (!canary.headerPattern.isJudged)
        return canary.headerPattern.isBroken ? { share: 0, subject: 'canary-by-header-pattern' } : undefined;
      if (canary.headerPattern.search(header) !== undefined)
        return { share: 1, subject: 'canary-by-header-pattern' };
    } else if (header === 'always') return { share: 1, subject: 'canary-by-header' };
    else if (header === 'never') return { share: 0, subject: 'canary-by-header' };
  }
  const cookie = canary.cookie === undefined ? undefined : cookieOf(headers['cookie'] ?? '', canary.cookie);
  if (cookie === 'always') return { share: 1, subject: 'canary-by-cookie' };
  if (cookie === 'never') return { share: 0, subject: 'canary-by-cookie' };
  return {
    share: Math.min(Math.max(canary.weight, 0) / canary.total, 1),
    subject: canary.weight > 0 ? 'canary-weight' : 'canary',
  };
}

/** nginx's `$http_NAME`: a hyphen is an underscore there, and headers with underscores are dropped unless they are kept. */
function headerOf(
  headers: ModelRequest['headers'],
  wanted: string,
  keepsUnderscores: boolean,
): string | undefined {
  const direct = headers[wanted];
  if (direct !== undefined && !wanted.includes('_')) return direct;
  const variable = wanted.replaceAll('-', '_');
  for (const [name, value] of Object.entries(headers))
    if ((keepsUnderscores || !name.includes('_')) && name.replaceAll('-', '_') === variable) return value;
  return undefined;
}

/** nginx's `$cookie_NAME`: names of either case. */
function cookieOf(field: string, wanted: string): string | undefined {
  for (const part of field.split(/[;,]/)) {
    const [name = '', ...value] = part.trim().split('=');
    if (name.toLowerCase() === wanted.toLowerCase()) return value.join('=');
  }
  return undefined;
}
