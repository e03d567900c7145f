import type { HTTPHeader, HTTPRouteFilter } from '../../../../kube/types/gateway-routes.ts';
import type { Announcement } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import type { Target } from './target.ts';
import { approximated, hostToShow, refused } from './verdict.ts';

export interface SnippetPart {
  readonly filters: readonly HTTPRouteFilter[];
  /** Its paths are closed: it may keep somebody out. */
  readonly guards: boolean;
  readonly announcements: readonly Announcement[];
}

/** `configuration-snippet` as filters where all of it is understood; else none of it is used. */
export function snippetOf(ingress: IngressReading, target: Target): SnippetPart | undefined {
  const text = ingress.annotations.text('configuration-snippet');
  if (text === undefined) return undefined;
  const subject = { ingress, annotation: 'configuration-snippet' };
  const { guards, request, response, unknown } = readSnippet(text);
  const changes = response.set.length + response.remove.length > 0;
  const lacks = changes && !target.features.has('HTTPRouteResponseHeaderModification');
  const served =
    'Where annotations-risk-level is below Critical (the default since 1.12) the controller leaves the whole Ingress out.';
  if (unknown.length > 0 || guards || lacks)
    return {
      filters: [],
      guards,
      announcements: [
        refused(subject, {
          code: 'snippet',
          severity: 'security',
          effects: ['status', 'location', 'backend', 'path', 'request-headers', 'response-headers', 'access'],
          sentence: lacks
            ? `The class does not support HTTPRouteResponseHeaderModification, which its headers need. ${served}`
            : `Raw configuration of nginx has no counterpart; not understood: ${unknown.join('; ').slice(0, 200)}. ${guards ? 'It says who may come in: its paths are held back, and answer 500.' : 'What it does is lost.'} ${served}`,
          request: { scheme: 'https', host: hostToShow(ingress), path: '/' },
          hint: 'Headers are RequestHeaderModifier and ResponseHeaderModifier, return is RequestRedirect, rewrite is URLRewrite; who may come in is a policy of the class, or the application.',
        }),
      ],
    };
  return {
    filters: [
      ...(changes ? [{ type: 'ResponseHeaderModifier' as const, responseHeaderModifier: response }] : []),
      ...(request.set.length > 0
        ? [{ type: 'RequestHeaderModifier' as const, requestHeaderModifier: request }]
        : []),
    ],
    guards: false,
    announcements: [
      approximated(subject, {
        code: 'snippet',
        severity: 'cosmetic',
        effects: ['request-headers', 'response-headers'],
        sentence: `It sets and removes headers by fixed values, or lets WebSocket through: header modifiers do it, for all statuses. ${served}`,
        request: { scheme: 'https', host: hostToShow(ingress), path: '/' },
      }),
    ],
  };
}

/** What a piece of nginx’ configuration asks for, as far as it is of the usual kind. */
export interface Snippet {
  readonly response: { readonly set: readonly HTTPHeader[]; readonly remove: readonly string[] };
  readonly request: { readonly set: readonly HTTPHeader[] };
  /** Statements that are not understood, as they are written. */
  readonly unknown: readonly string[];
  /** It says who may come in. */
  readonly guards: boolean;
}

const guarding =
  /(?:^|[;{}\s])(?:deny|allow|satisfy|auth_basic|auth_request|auth_jwt|access_by_lua\w*|limit_except|secure_link\w*|valid_referers|return\s+4\d\d)\b/;
const token = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}$/;
/** A value that nginx would not compute, and that a header may have. */
const fixed = /^[ -~]{1,1024}$/;
/** Headers of a connection, which a gateway sets by itself: WebSocket needs no configuration. */
const hop = /^(?:upgrade|connection)$/i;

/**
 * Reads statements that set or remove headers by fixed values. It is a reading for people's convenience, not nginx’ parser:
 * whatever has blocks, variables or another name is `unknown`.
 */
export function readSnippet(text: string): Snippet {
  const set: HTTPHeader[] = [];
  const remove: string[] = [];
  const request: HTTPHeader[] = [];
  const unknown: string[] = [];
  for (const statement of statementsOf(text)) {
    const [name = '', ...words] = wordsOf(statement);
    const first = words[0] ?? '';
    const header = (value: string | undefined): HTTPHeader | undefined =>
      token.test(first) && value !== undefined && fixed.test(value) && !value.includes('$')
        ? { name: first, value }
        : undefined;
    if (name === 'proxy_http_version' || (name === 'proxy_set_header' && hop.test(first))) continue;
    const pairs = name === 'more_set_headers' ? words.map(pairOf) : [];
    const own = header(words[1]);
    if (pairs.length > 0 && pairs.every(pair => pair !== undefined)) set.push(...pairs);
    else if (name === 'add_header' && own !== undefined && (words[2] ?? 'always') === 'always') set.push(own);
    else if (name === 'proxy_set_header' && own !== undefined && first.toLowerCase() !== 'host')
      request.push(own);
    else if (
      (name === 'more_clear_headers' || name === 'proxy_hide_header') &&
      words.length > 0 &&
      words.every(word => token.test(word) && !word.includes('*'))
    )
      remove.push(...words);
    else unknown.push(statement);
  }
  return { response: { set, remove }, request: { set: request }, unknown, guards: guarding.test(text) };
}

/** Statements without comments; a block is one with all that is in it. */
function statementsOf(text: string): readonly string[] {
  const plain = text
    .split('\n')
    .map(line => line.replace(/^\s*#.*$/, ''))
    .join('\n');
  if (plain.includes('{')) return [plain.trim()];
  return (plain.match(/(?:"[^"]*"|'[^']*'|[^;"'])+/g) ?? []).map(one => one.trim()).filter(one => one !== '');
}

const wordsOf = (statement: string): readonly string[] =>
  (statement.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map(word => word.replaceAll(/^(["'])(.*)\1$/gs, '$2'));

/** `Name: value` with a fixed value. */
function pairOf(text: string): HTTPHeader | undefined {
  const [, name = '', value = ''] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  return token.test(name) && fixed.test(value) && !value.includes('$') ? { name, value } : undefined;
}
