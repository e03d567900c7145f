import type { Values } from '../values.ts';
import { readPattern } from './pattern/index.ts';
import type { Pattern } from './pattern/index.ts';
import type { ModelRequest } from './request.ts';

export interface CrossOriginSettings {
  /** `*`: every request, also without an Origin. */
  readonly origins: '*' | readonly { readonly text: string; readonly pattern: Pattern }[];
  /** Names in lower case; without the origin. */
  readonly headers: Readonly<Record<string, string>>;
}

const METHODS = 'GET, PUT, POST, DELETE, PATCH, OPTIONS';
const HEADERS =
  'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization';
const ORIGIN = /^(?:[a-z]+:\/\/(?:\*\.)?[A-Za-z0-9.-]*(?::\d+)?|\*|null)$/;

export function readCrossOrigin(values: Values): CrossOriginSettings | undefined {
  if (values.flag('enable-cors') !== true) return undefined;
  const exposed = values.text('cors-expose-headers');
  return {
    origins: originsOf(values.text('cors-allow-origin')),
    headers: {
      ...((values.flag('cors-allow-credentials') ?? true)
        ? { 'access-control-allow-credentials': 'true' }
        : {}),
      'access-control-allow-methods': values.text('cors-allow-methods') ?? METHODS,
      'access-control-allow-headers': values.text('cors-allow-headers') ?? HEADERS,
      ...(exposed === undefined ? {} : { 'access-control-expose-headers': exposed }),
      'access-control-max-age': String(values.number('cors-max-age') ?? 1_728_000),
    },
  };
}

function originsOf(text: string | undefined): CrossOriginSettings['origins'] {
  if (text === undefined) return '*';
  const origins = text.split(',').map(origin => origin.trim());
  if (origins.includes('*')) return '*';
  return origins
    .filter(origin => origin !== '' && ORIGIN.test(origin))
    .map(origin => ({ text: origin, pattern: readPattern(`(?:${literal(origin)})$`, true) }));
}

/** The first star of an origin stands for one label. */
const literal = (origin: string): string =>
  origin
    .replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replace(String.raw`\*`, String.raw`[A-Za-z0-9\-]+`);

export interface CrossOriginAnswer {
  /** It is answered with 204 here. */
  readonly isPreflight: boolean;
  readonly headers: Readonly<Record<string, string>>;
}

/** Undefined: nothing is done. Every OPTIONS of an origin that is allowed is taken for a preflight. */
export function answerCrossOrigin(
  { headers: fixed, origins }: CrossOriginSettings,
  { headers, method }: ModelRequest,
): CrossOriginAnswer | undefined {
  const origin = headers['origin'] ?? '';
  const isAllowed =
    origins === '*' ||
    origins.some(({ pattern }) => pattern.isJudged && pattern.search(origin) !== undefined);
  if (!isAllowed) return undefined;
  return {
    isPreflight: method === 'OPTIONS',
    headers: { 'access-control-allow-origin': origins === '*' ? '*' : origin, ...fixed },
  };
}
