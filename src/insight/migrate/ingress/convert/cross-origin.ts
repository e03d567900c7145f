import type { HTTPCORSFilter } from '../../../../kube/types/gateway-routes.ts';
import type { Announcement } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import type { Target } from './target.ts';
import { approximated, hostToShow, refused, same } from './verdict.ts';

/** The controller's defaults; the filter has none of them. */
const METHODS = 'GET, PUT, POST, DELETE, PATCH, OPTIONS';
const HEADERS =
  'DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization';
const SECONDS = 1_728_000;

const origin = /^https?:\/\/(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?$/;
const KNOWN_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
]);

export interface CrossOriginPart {
  readonly filter?: HTTPCORSFilter;
  readonly announcements: readonly Announcement[];
}

/** The filter that answers preflights and names origins, where the annotation asks for it. */
export function crossOriginOf(ingress: IngressReading, target: Target): CrossOriginPart | undefined {
  const { annotations } = ingress;
  if (!annotations.has('enable-cors')) return undefined;
  const subject = { ingress, annotation: 'enable-cors' };
  if (annotations.flag('enable-cors') !== true)
    return { announcements: [same(subject, 'off', 'It is off, as it is without the annotation.')] };
  if (!target.features.has('HTTPRouteCORS'))
    return {
      announcements: [
        refused(subject, {
          code: 'cross-origin',
          severity: 'outage',
          effects: ['status', 'response-headers'],
          sentence:
            'The class does not support HTTPRouteCORS: browsers on other origins get no answer that they accept.',
          hint: 'Have the backend answer preflights and send the headers.',
        }),
      ],
    };
  const written = annotations.list('cors-allow-origin') ?? ['*'];
  const allowOrigins = written.includes('*') ? ['*'] : written.filter(one => origin.test(one));
  const left = written.filter(one => one !== '*' && !origin.test(one));
  if (allowOrigins.length === 0)
    return {
      announcements: [
        same(subject, 'no-origin', 'It names no origin that the controller reads: nothing is allowed.'),
      ],
    };
  const methods = listIn(annotations.text('cors-allow-methods') ?? METHODS)
    .map(method => method.toUpperCase())
    .filter(method => method === '*' || KNOWN_METHODS.has(method));
  const expose = listIn(annotations.text('cors-expose-headers') ?? '');
  const filter = {
    allowOrigins,
    // What the controller sends is read as text by browsers; the filter wants a list.
    allowMethods: (methods.includes('*') ? ['*'] : [...new Set(methods)]) as NonNullable<
      HTTPCORSFilter['allowMethods']
    >,
    allowHeaders: [...new Set(listIn(annotations.text('cors-allow-headers') ?? HEADERS))],
    ...(expose.length === 0 ? {} : { exposeHeaders: [...new Set(expose)] }),
    allowCredentials: annotations.flag('cors-allow-credentials') ?? true,
    maxAge: Math.max(1, annotations.number('cors-max-age') ?? SECONDS),
  };
  return {
    filter,
    announcements: [
      approximated(subject, {
        code: 'cross-origin',
        severity: 'subtle',
        effects: ['status', 'response-headers', 'backend', 'location'],
        sentence: [
          'A CORS filter answers preflights.',
          'OPTIONS without Access-Control-Request-Method, which the controller answers with 204 itself, reaches the backend.',
          ...(allowOrigins.some(one => one.includes('*.'))
            ? ['A wildcard stands for any number of labels, not for one.']
            : []),
          ...(left.length === 0 ? [] : [`Not origins, and left out by both: ${left.join(', ')}.`]),
        ].join(' '),
        request: {
          scheme: 'https',
          host: hostToShow(ingress),
          path: '/',
          method: 'OPTIONS',
          headers: { Origin: allowOrigins[0] === '*' ? 'https://other.example' : (allowOrigins[0] ?? '') },
        },
      }),
      ...details(ingress),
    ],
  };
}

const DETAILS: readonly string[] = [
  'cors-allow-origin',
  'cors-allow-methods',
  'cors-allow-headers',
  'cors-expose-headers',
  'cors-allow-credentials',
  'cors-max-age',
];

/** Each header of CORS, written or by default: the controller sends them to everybody it takes for allowed. */
const details = (ingress: IngressReading): readonly Announcement[] =>
  DETAILS.map(name =>
    approximated(
      { ingress, ...(ingress.annotations.has(name) ? { annotation: name } : { unwritten: name }) },
      {
        code: 'cross-origin',
        severity: 'cosmetic',
        effects: ['response-headers', 'status'],
        sentence:
          'The filter has its value. The controller sends its header with every answer, a gateway only where a browser reads it: answers to requests with an allowed Origin, and preflights.',
      },
    ),
  );

const listIn = (text: string): readonly string[] =>
  text
    .split(/[\s,]+/)
    .map(entry => entry.trim())
    .filter(entry => entry !== '');
