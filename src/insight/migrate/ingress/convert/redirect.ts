import type { HTTPRequestRedirectFilter } from '../../../../kube/types/gateway-routes.ts';
import type { Announcement } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import { featureOfStatus } from './target.ts';
import type { Target } from './target.ts';
import { approximated, hostToShow, refused, same } from './verdict.ts';

/** What an annotation asks of all paths of its Ingress: a redirect, or one that no filter can answer. */
export interface RedirectPart {
  /** Absent: the redirect cannot be written, and nothing else may answer in its place. */
  readonly filter?: HTTPRequestRedirectFilter;
  readonly announcements: readonly Announcement[];
}

type Status = NonNullable<HTTPRequestRedirectFilter['statusCode']>;

/** `temporal-redirect`, which goes first, or `permanent-redirect`. */
export function redirectOf(ingress: IngressReading, target: Target): RedirectPart | undefined {
  const { annotations } = ingress;
  const temporal = annotations.text('temporal-redirect');
  const permanent = annotations.text('permanent-redirect');
  const url = temporal ?? permanent;
  if (url === undefined) return undefined;
  const annotation = temporal === undefined ? 'permanent-redirect' : 'temporal-redirect';
  const subject = { ingress, annotation };
  const code = statusOf(annotation, annotations.number(`${annotation}-code`));
  const unread =
    temporal !== undefined && permanent !== undefined
      ? [
          same(
            { ingress, annotation: 'permanent-redirect' },
            'not-in-force',
            'It has no effect: temporal-redirect goes first.',
          ),
        ]
      : [];
  const refuse = (why: string): RedirectPart => ({
    announcements: [
      refused(subject, {
        code: 'redirect',
        severity: 'outage',
        effects: ['status', 'location', 'backend'],
        sentence: `The redirect cannot be written: ${why}. Its paths are answered with 500 instead of being led to the backend.`,
        hint: 'Write the redirect by hand, or have the backend answer it.',
      }),
      ...unread,
    ],
  });
  const parsed = parseTarget(url);
  if (typeof parsed === 'string') return refuse(parsed);
  const feature = featureOfStatus(code);
  if (feature === 'absent') return refuse(`no filter answers with ${code}`);
  const usedCode = feature === undefined || target.features.has(feature) ? code : nearestStatus(code);
  for (const needed of parsed.features)
    if (!target.features.has(needed)) return refuse(`the class does not support ${needed}`);
  const filter = { ...parsed.filter, statusCode: usedCode as Status };
  const differences = [
    ...(parsed.keepsQuery
      ? []
      : ['the gateway adds the request’s query, where the controller leaves it out']),
    ...(usedCode === code ? [] : [`the status is ${usedCode}, because the class has no ${code}`]),
  ];
  return {
    filter,
    announcements: [
      differences.length === 0
        ? same(subject, 'redirect', 'A RequestRedirect answers it.')
        : approximated(subject, {
            code: 'redirect',
            severity: 'subtle',
            effects: ['location', 'status'],
            sentence: `A RequestRedirect answers it; ${differences.join(', and ')}.`,
            request: { scheme: 'http', host: hostToShow(ingress), path: '/?a=b' },
          }),
      ...unread,
    ],
  };
}

/** A status that the controller would not take becomes its default. */
function statusOf(annotation: string, written: number | undefined): number {
  const [other, last] = annotation === 'permanent-redirect' ? [301, 308] : [302, 307];
  return written !== undefined && written >= 300 && written <= last ? written : other;
}

const nearestStatus = (code: number): number => (code === 308 ? 301 : 302);

interface ParsedTarget {
  readonly filter: HTTPRequestRedirectFilter;
  readonly features: readonly string[];
  /** The controller passes the query on as well. */
  readonly keepsQuery: boolean;
}

const form =
  /^(?:(https?|\$scheme):\/\/(\$host|\$http_host|\$server_name|[A-Za-z0-9.-]+)(?::(\d{1,5}))?)?(\/[^?#\s]*)?(\$request_uri)?$/;

/** A redirect's URL in the parts of a filter; or why it has none. */
export function parseTarget(url: string): ParsedTarget | string {
  const match = form.exec(url);
  if (match === null)
    return url.includes('$')
      ? 'it has variables of nginx'
      : `${JSON.stringify(url)} has a query, a fragment, or is no URL`;
  const [, scheme, host, port, path, rest] = match;
  if (path?.includes('$') === true) return 'its path has variables of nginx';
  if (rest !== undefined && path !== undefined) return 'it adds the path of the request to one of its own';
  const hostname = host === undefined || host.startsWith('$') ? undefined : host.toLowerCase();
  const setsScheme = scheme !== undefined && !scheme.startsWith('$');
  return {
    filter: {
      ...(setsScheme ? { scheme: scheme as 'http' | 'https' } : {}),
      ...(hostname === undefined ? {} : { hostname }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(rest === undefined
        ? { path: { type: 'ReplaceFullPath' as const, replaceFullPath: path ?? '/' } }
        : {}),
    },
    features: [
      ...(setsScheme ? ['HTTPRouteSchemeRedirect'] : []),
      ...(port === undefined ? [] : ['HTTPRoutePortRedirect']),
      ...(rest === undefined ? ['HTTPRoutePathRedirect'] : []),
    ],
    keepsQuery: rest !== undefined,
  };
}
