import type { TableFilter } from '../table.ts';
import type { RequestHead } from './http1/request-head.ts';
import { fieldOf } from './route-request.ts';
import type { HeaderChange } from './rule-plan.ts';

type CrossOrigin = Extract<TableFilter, { type: 'CORS' }>;

/** What a browser says of a request that a page of another origin makes (Fetch Standard, CORS protocol). */
export interface OriginRequest {
  readonly method: string;
  readonly origin: string;
  readonly requestedMethod: string | undefined;
  readonly requestedHeaders: string | undefined;
}

/** Undefined for a request that says nothing of an origin. */
export function originRequest(head: RequestHead): OriginRequest | undefined {
  const origin = fieldOf(head, 'origin');
  if (origin === undefined) return undefined;
  return {
    method: head.method,
    origin,
    requestedMethod: fieldOf(head, 'access-control-request-method'),
    requestedHeaders: fieldOf(head, 'access-control-request-headers'),
  };
}

/** Before the request itself: its answer is the gateway's own. */
export const isPreflight = ({ method, requestedMethod }: OriginRequest): boolean =>
  method === 'OPTIONS' && requestedMethod !== undefined;

/** Compiled once for each rule. */
export class CrossOriginPolicy {
  readonly #filter: CrossOrigin;
  readonly #isAllowed: (origin: string) => boolean;
  readonly #allowsAll: boolean;

  constructor(filter: CrossOrigin) {
    this.#filter = filter;
    this.#allowsAll = filter.allowOrigins.includes('*');
    const patterns = filter.allowOrigins.map(patternOf);
    this.#isAllowed = origin =>
      this.#allowsAll || patterns.some(pattern => pattern.test(withPort(origin.toLowerCase())));
  }

  /** Field lines of the answer to a preflight; for an origin that is not allowed there are none that allow anything. */
  preflight(request: OriginRequest): string {
    const { allowMethods, allowHeaders, maxAge } = this.#filter;
    const allowed = this.#origin(request.origin);
    if (allowed === '') return 'vary: origin\r\n';
    const methods = this.#list(allowMethods, request.requestedMethod);
    const headers = this.#list(allowHeaders, request.requestedHeaders);
    return (
      allowed +
      this.#exposed() +
      (methods === '' ? '' : `access-control-allow-methods: ${methods}\r\n`) +
      (headers === '' ? '' : `access-control-allow-headers: ${headers}\r\n`) +
      `access-control-max-age: ${maxAge}\r\n`
    );
  }

  /**
   * What an answer gets on top of `change`: what a backend says of origins itself does not stand beside it. Where the
   * request says no origin, a cache is told not to keep the answer for those that do (Fetch Standard, "CORS protocol and
   * HTTP caches").
   */
  change(origin: string | undefined, change: HeaderChange | undefined): HeaderChange {
    if (origin === undefined) {
      const { touched = new Set<string>(), lines = '', added = new Map<string, string>() } = change ?? {};
      return { touched, lines: `${lines}vary: origin\r\n`, added };
    }
    const allowed = this.#origin(origin);
    return {
      touched: new Set([...(change?.touched ?? []), ...fieldNames]),
      lines: (change?.lines ?? '') + (allowed === '' ? 'vary: origin\r\n' : allowed + this.#exposed()),
      added: change?.added ?? new Map(),
    };
  }

  #origin(origin: string): string {
    if (!this.#isAllowed(origin)) return '';
    const { allowCredentials } = this.#filter;
    // What is said to one origin must not be kept for another.
    return this.#allowsAll && !allowCredentials
      ? 'access-control-allow-origin: *\r\n'
      : `access-control-allow-origin: ${origin}\r\n${allowCredentials ? 'access-control-allow-credentials: true\r\n' : ''}vary: origin\r\n`;
  }

  /** Said in both answers, though a browser looks for it in the second one alone. */
  #exposed(): string {
    const { exposeHeaders, allowCredentials } = this.#filter;
    const names = allowCredentials ? exposeHeaders.filter(name => name !== '*') : exposeHeaders;
    return names.length === 0 ? '' : `access-control-expose-headers: ${names.join(', ')}\r\n`;
  }

  /** With credentials a browser takes no `*`: what it asks for is said back. */
  #list(allowed: readonly string[], requested: string | undefined): string {
    if (!allowed.includes('*')) return allowed.join(', ');
    return this.#filter.allowCredentials ? (requested ?? '') : '*';
  }
}

const fieldNames = [
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-expose-headers',
] as const;

const defaultPorts: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** The port is said, so that `https://a.example` and `https://a.example:443` are one origin. */
function withPort(origin: string): string {
  const [, scheme] = /^(https?):\/\/(?:\[[^\]]*\]|[^:]*)$/.exec(origin) ?? [];
  return scheme === undefined ? origin : `${origin}:${defaultPorts[scheme] ?? ''}`;
}

/** `*` in a host stands for any text of a host; as a port it stands for any port. */
function patternOf(origin: string): RegExp {
  const literal = withPort(origin.toLowerCase()).replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${literal.replace(/:\*$/, String.raw`:\d+`).replaceAll('*', '[^/:]*')}$`);
}
