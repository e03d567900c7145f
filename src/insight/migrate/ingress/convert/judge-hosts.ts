import type { Announcement } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import { isRewritten } from '../servers.ts';
import type { Location, Server } from '../servers.ts';
import type { HostEntries } from './entries.ts';
import { isOpenBelow } from './host-routes.ts';
import type { HostContext } from './host-routes.ts';
import { redirectsToTls } from './settings.ts';
import { judgeNames } from './judge-names.ts';
import { judgeRest } from './judge-rest.ts';
import { OF_ANOTHER_RULE, approximated, hostWord, refused, requestTo, same } from './verdict.ts';

/** What is said of one host: its paths, its redirects to HTTPS, its names. */
export function judgeHost(
  server: Server,
  entries: HostEntries,
  context: HostContext,
): readonly Announcement[] {
  const differences = Map.groupBy(entries.differences, ({ location }) => location.ingress);
  const lost = Map.groupBy(entries.lost, ({ location }) => location.ingress);
  const byIngress = Map.groupBy(server.locations, ({ ingress }) => ingress);
  return [
    ...judgePaths(server, entries),
    ...[...byIngress].flatMap(([ingress, own]) =>
      ingress === undefined
        ? []
        : [
            ...judgeRewrites(
              { ingress, own, differences: differences.get(ingress) ?? [], lost: lost.get(ingress) ?? [] },
              server,
              context,
            ),
            ...judgeTlsRedirects(ingress, own, server, context),
            ...judgeRest(ingress),
          ],
    ),
    ...judgeNames(server),
    ...(isOpenBelow(server, context)
      ? [
          approximated(
            { ingress: server.owner },
            {
              code: 'unknown-path',
              severity: 'subtle',
              effects: ['status'],
              sentence: `${hostWord(server)}: what no Ingress has a path for is 404 today. On a gateway the rules of a wider host would answer it; a rule without a backend keeps it closed, with 500.`,
              request: requestTo(server, '/nobody-has-this'),
            },
          ),
        ]
      : []),
    ...judgePorts(server),
  ];
}

/** Ports by name that no known Service explains. */
function judgePorts(server: Server): readonly Announcement[] {
  return server.locations.flatMap(({ backend, canary, ingress, path }) =>
    [backend, canary?.backend].flatMap(one =>
      one === undefined || one.portNumber !== undefined
        ? []
        : refused(
            { ingress },
            {
              code: 'named-port',
              severity: 'outage',
              effects: [
                'status',
                'backend',
                'path',
                'location',
                'response-headers',
                'request-headers',
                'host',
              ],
              sentence: `${hostWord(server)}: which number the port ${JSON.stringify(one.port)} of the Service ${one.service} has is not known, and a route needs the number: ${path} is answered with 500.`,
              request: requestTo(server, path),
              hint: 'Give the Service along with the Ingresses (-f), or write the number.',
            },
          ),
    ),
  );
}

function judgePaths(server: Server, { differences, lost }: HostEntries): readonly Announcement[] {
  return [
    ...differences.map(({ code, location, path, sentence }) =>
      approximated(
        code === 'rewrite'
          ? { ingress: location.ingress, annotation: 'rewrite-target' }
          : { ingress: location.ingress },
        {
          code,
          severity: 'subtle',
          effects: OF_ANOTHER_RULE,
          sentence: `${hostWord(server)}: ${sentence}`,
          request: requestTo(server, path),
        },
      ),
    ),
    ...lost.map(({ location, why }) =>
      refused(
        { ingress: location.ingress, ...annotationOf(location, why) },
        {
          code: server.regular ? 'path' : 'literal-pattern',
          severity: 'outage',
          effects: OF_ANOTHER_RULE,
          sentence: `${hostWord(server)}: ${location.type} ${location.path} has no rule: ${why}. Its requests go to shorter paths of the host, or get 404.`,
          hint: 'Write the rule by hand, with a match that the class has.',
        },
      ),
    ),
  ];
}

/** What a lost path is traced to. */
function annotationOf(location: Location, why: string): { readonly annotation?: string } {
  if (
    isRewritten(location) &&
    (why.startsWith('rewrite-target') || !location.ingress?.annotations.has('use-regex'))
  )
    return { annotation: 'rewrite-target' };
  return location.ingress?.annotations.has('use-regex') === true ? { annotation: 'use-regex' } : {};
}

/** What of a host is of one Ingress. */
interface OwnPaths {
  readonly ingress: IngressReading;
  readonly own: readonly Location[];
  readonly differences: HostEntries['differences'];
  readonly lost: HostEntries['lost'];
}

function judgeRewrites(
  { differences, ingress, lost, own }: OwnPaths,
  server: Server,
  { target }: HostContext,
): readonly Announcement[] {
  const { annotations } = ingress;
  const isApart = differences.length > 0 || lost.length > 0;
  return ['rewrite-target', 'use-regex'].flatMap(annotation => {
    if (!annotations.has(annotation)) return [];
    const subject = { ingress, annotation };
    const inForce =
      annotation === 'use-regex' ? annotations.flag(annotation) === true : own.some(isRewritten);
    if (!inForce)
      return [
        same(
          subject,
          'no-effect',
          annotation === 'use-regex' || annotations.text(annotation) === undefined
            ? 'It is not on: it has no effect.'
            : 'The target is the path itself: the controller rewrites nothing, and makes no regular expressions of the host’s paths.',
        ),
      ];
    if (annotation === 'rewrite-target' && !target.features.has('HTTPRoutePathRewrite'))
      return [
        refused(subject, {
          code: 'rewrite',
          severity: 'outage',
          effects: ['path', 'status', 'backend'],
          sentence: 'The class does not support HTTPRoutePathRewrite: the paths are answered with 500.',
          request: requestTo(server, own[0]?.path ?? '/'),
        }),
      ];
    if (!isApart) return [same(subject, 'rewrite', 'Matches and rewrites of the routes do the same.')];
    const [shown] = differences;
    return [
      approximated(subject, {
        code: 'rewrite',
        severity: 'subtle',
        effects: OF_ANOTHER_RULE,
        sentence: shown?.sentence ?? 'Not all of its paths have a rule.',
        request: requestTo(server, shown?.path ?? '/'),
      }),
    ];
  });
}

function judgeTlsRedirects(
  ingress: IngressReading,
  own: readonly Location[],
  server: Server,
  context: HostContext,
): readonly Announcement[] {
  const { annotations } = ingress;
  const redirects = own.some(location => redirectsToTls(location, server, context.settings));
  const listens = server.tls !== undefined || context.hasDefaultCertificate;
  return ['ssl-redirect', 'force-ssl-redirect', 'preserve-trailing-slash'].flatMap(annotation => {
    if (!annotations.has(annotation)) return [];
    const subject = { ingress, annotation };
    const value = annotations.flag(annotation);
    if (value === undefined)
      return [same(subject, 'not-read', 'It is neither true nor false: the controller uses its default.')];
    if (annotation === 'preserve-trailing-slash')
      return [
        value
          ? same(subject, 'slash', 'A RequestRedirect keeps the path as it is.')
          : same(subject, 'default', 'It is the default.'),
      ];
    if (annotation === 'force-ssl-redirect' && value && !listens)
      return [
        refused(subject, {
          code: 'no-certificate',
          severity: 'outage',
          effects: ['status', 'tls', 'backend', 'location'],
          sentence: `${hostWord(server)} has no certificate, so that no listener answers where the redirect leads. Behind a load balancer that ends TLS it would redirect for ever.`,
          request: requestTo(server, own[0]?.path ?? '/'),
          hint: 'Give the host a certificate (tls), or take the annotation away where TLS ends before the Gateway.',
        }),
      ];
    return [
      same(
        subject,
        'tls-redirect',
        redirects && value ? 'A RequestRedirect answers plain HTTP.' : 'Plain HTTP is served as it is.',
      ),
    ];
  });
}
