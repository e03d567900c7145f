import type { Announcement, ShownRequest } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import { isRewritten } from '../servers.ts';
import type { Location, Server } from '../servers.ts';
import type { HostEntries } from './entries.ts';
import { isHostname } from './host-routes.ts';
import type { HostContext } from './host-routes.ts';
import { redirectsToTls } from './settings.ts';
import { featureOfStatus } from './target.ts';
import { approximated, hostToShow, refused, same } from './verdict.ts';

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

const requestTo = ({ host }: Server, path: string): ShownRequest => ({
  scheme: 'http',
  host: host === '' ? 'any.example' : host.replace(/^\*/, 'www'),
  path,
});

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
          effects: ['status', 'backend', 'path', 'location'],
          sentence: `${hostWord(server)}: ${sentence}`,
          request: requestTo(server, path),
        },
      ),
    ),
    ...lost.map(({ location, why }) =>
      refused(
        { ingress: location.ingress, ...annotationOf(location, why) },
        {
          code: 'path',
          severity: 'outage',
          effects: ['status', 'backend', 'path', 'location'],
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
        effects: ['status', 'backend', 'path', 'location'],
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

/** Annotations of the whole Ingress that no other file judges. */
function judgeRest(ingress: IngressReading): readonly Announcement[] {
  const { annotations } = ingress;
  const found: Announcement[] = [...judgeOthers(ingress)];
  if (annotations.has('service-upstream'))
    found.push(
      annotations.flag('service-upstream') === true
        ? approximated(
            { ingress, annotation: 'service-upstream' },
            {
              code: 'service-upstream',
              severity: 'cosmetic',
              effects: ['affinity'],
              sentence: 'A gateway sends to the pods, or to the Service’s address, as it is made.',
            },
          )
        : same({ ingress, annotation: 'service-upstream' }, 'default', 'It is the default.'),
    );
  if (annotations.has('default-backend'))
    found.push(
      refused(
        { ingress, annotation: 'default-backend' },
        {
          code: 'default-backend',
          severity: 'subtle',
          effects: ['status', 'backend'],
          sentence:
            'A rule has no backend for when its own has no endpoints: the gateway answers 503 itself.',
          request: { scheme: 'https', host: hostToShow(ingress), path: '/' },
        },
      ),
    );
  if (annotations.has('x-forwarded-prefix'))
    found.push(
      same(
        { ingress, annotation: 'x-forwarded-prefix' },
        'prefix',
        'A RequestHeaderModifier sets it where the path is rewritten; elsewhere the controller does not set it either.',
      ),
    );
  return found;
}

/** Annotations of others that act on Ingresses, and have to be told of Gateways. */
function judgeOthers(ingress: IngressReading): readonly Announcement[] {
  const names = Object.keys(ingress.object.metadata.annotations ?? {});
  const issuers = names.filter(
    name => name.startsWith('cert-manager.io/') || name === 'kubernetes.io/tls-acme',
  );
  const records = names.filter(name => name.startsWith('external-dns.alpha.kubernetes.io/'));
  return [
    ...(issuers.length === 0
      ? []
      : [
          refused(
            { ingress },
            {
              code: 'certificate-issuer',
              severity: 'outage' as const,
              effects: [],
              sentence: `${issuers.join(', ')}: cert-manager makes the certificate for the Ingress; when that goes, nobody renews it.`,
              hint: 'Write the annotations on the Gateway (or ListenerSet) that has the listener, and let cert-manager solve HTTP-01 by routes.',
            },
          ),
        ]),
    ...(records.length === 0
      ? []
      : [
          refused(
            { ingress },
            {
              code: 'name-records',
              severity: 'subtle' as const,
              effects: [],
              sentence: `${records.join(', ')}: external-dns reads them on Ingresses; for routes it has to be started with the sources gateway-httproute and its kin.`,
            },
          ),
        ]),
  ];
}

function judgeNames(server: Server): readonly Announcement[] {
  const { aliases, host, locations, owner } = server;
  if (!isHostname(host))
    return [
      refused(
        { ingress: owner },
        {
          code: 'server-name',
          severity: 'outage',
          effects: [
            'status',
            'backend',
            'location',
            'path',
            'response-headers',
            'request-headers',
            'tls',
            'host',
          ],
          sentence: `${JSON.stringify(host)} is no name that a route may have (templating that is left in?): it is left out.`,
          hint: 'Render the manifest, or mend the host.',
        },
      ),
    ];
  const taken = aliases.map(({ value }) => value);
  const written = new Map(
    locations.flatMap(({ ingress }) =>
      ingress?.annotations.has('server-alias') === true ? [[ingress.id, ingress] as const] : [],
    ),
  );
  return [
    ...(host.startsWith('*.')
      ? [
          approximated(
            { ingress: owner },
            {
              code: 'server-name',
              severity: 'subtle' as const,
              effects: ['status', 'backend', 'location', 'path', 'tls'],
              sentence: `${host} stands for one label; a Gateway’s wildcard stands for any number of them.`,
              request: { scheme: 'http' as const, host: host.replace(/^\*/, 'a.b'), path: '/' },
            },
          ),
        ]
      : []),
    ...[...written.values()].map(ingress => {
      const subject = { ingress, annotation: 'server-alias' };
      const own = aliases.filter(alias => alias.ingress === ingress).map(({ value }) => value);
      if (own.length === 0)
        return same(
          subject,
          'no-effect',
          'Another Ingress gave the host its aliases, or they are hosts themselves.',
        );
      const broken = own.filter(name => !/^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name.toLowerCase()));
      if (broken.length > 0)
        return refused(subject, {
          code: 'alias',
          severity: 'outage',
          effects: ['status', 'backend', 'location', 'path'],
          sentence: `${broken.join(', ')} is no name that a route may have: regular expressions are nginx’s.`,
        });
      if (server.tls === undefined)
        return same(subject, 'alias', `The routes have the names ${taken.join(', ')} as well.`);
      return approximated(subject, {
        code: 'alias',
        severity: 'outage',
        effects: ['tls', 'status', 'backend', 'location', 'path'],
        sentence: `The routes have the names ${taken.join(', ')} as well, but over TLS only listeners for ${host} have a certificate.`,
        request: { scheme: 'https', host: own[0] ?? host, path: '/' },
        hint: 'Add a listener for the alias, with a certificate that has its name.',
      });
    }),
  ];
}

const hostWord = ({ host }: Server): string => (host === '' ? 'Every host' : host);

/** What the controller does without being asked, and a gateway does otherwise. */
export function judgeBehaviours(servers: readonly Server[], context: HostContext): readonly Announcement[] {
  const { features } = context.target;
  const secure = servers.filter(({ host, tls }) => host !== '' && tls !== undefined);
  const plain = servers.filter(({ host, tls }) => host !== '' && tls === undefined);
  const redirecting = servers.find(server =>
    server.locations.some(location => redirectsToTls(location, server, context.settings)),
  );
  const found: Announcement[] = [
    refused(
      { key: 'proxy-body-size' },
      {
        code: 'body-limit',
        severity: 'subtle',
        effects: ['body-limit', 'status'],
        sentence:
          'Bodies above 1m (or proxy-body-size) are answered with 413; the Gateway API has no such limit.',
      },
    ),
    refused(
      { key: 'proxy-read-timeout' },
      {
        code: 'timeouts',
        severity: 'subtle',
        effects: ['timeouts'],
        sentence: 'A backend that is silent for 60 s is given up (504); a route bounds whole requests alone.',
      },
    ),
    refused(
      { key: 'proxy-next-upstream' },
      {
        code: 'retries',
        severity: 'subtle',
        effects: ['status'],
        sentence:
          'A request that a backend did not take is tried on up to two others; a route does not try again.',
      },
    ),
    approximated(
      {},
      {
        code: 'request-headers',
        severity: 'subtle',
        effects: ['request-headers'],
        sentence:
          'Backends get X-Request-ID, X-Real-IP, X-Forwarded-For, -Host, -Port, -Proto and -Scheme, and X-Scheme from the controller; which of them a gateway sends is the implementation’s.',
      },
    ),
    ...(['merge-slashes', 'percent-decoding', 'dot-segments'] as const).map(code =>
      approximated(
        {},
        {
          code,
          severity: 'subtle',
          effects: ['path', 'status', 'backend', 'location'],
          sentence: `Before it looks for a path the controller ${code === 'merge-slashes' ? 'merges slashes' : code === 'percent-decoding' ? 'decodes escapes' : 'resolves . and ..'}; whether a gateway does is the implementation’s.`,
        },
      ),
    ),
    approximated(
      {},
      {
        code: 'unknown-host',
        severity: 'cosmetic',
        effects: ['status', 'response-headers', 'tls'],
        sentence:
          'A host that no Ingress has is answered by a page of the controller (404); a gateway answers 404 by itself, or ends the connection.',
        request: { scheme: 'http', host: 'unknown.example', path: '/' },
      },
    ),
  ];
  const [shown] = [...plain, ...secure];
  if (shown !== undefined && !context.hasDefaultCertificate)
    found.push(
      refused(
        {},
        {
          code: 'default-certificate',
          severity: 'subtle',
          effects: ['tls', 'status', 'backend', 'location', 'path', 'response-headers'],
          sentence: `The controller answers every name on 443, with a certificate of its own where there is none; a Gateway has listeners for names with a certificate, and ends other connections (${plain.length} hosts have none).`,
          request: { scheme: 'https', host: shown.host.replace(/^\*/, 'www'), path: '/' },
        },
      ),
    );
  const withoutSecret = secure.filter(({ tls }) => tls?.secretName === undefined);
  if (withoutSecret[0] !== undefined && !context.hasDefaultCertificate)
    found.push(
      ...withoutSecret.map(({ host, owner }) =>
        refused(
          { ingress: owner },
          {
            code: 'default-certificate',
            severity: 'outage',
            effects: ['tls', 'status', 'backend', 'location', 'path', 'response-headers'],
            sentence: `${host} has tls without a Secret of its own: the controller serves its default certificate, and the listener has none.`,
            request: { scheme: 'https', host: host.replace(/^\*/, 'www'), path: '/' },
            hint: 'Name a Secret in certificateRefs of the listener, or give --default-ssl-certificate by --flag.',
          },
        ),
      ),
    );
  if (redirecting !== undefined && !context.settings.preserveSlash)
    found.push(
      approximated(
        {},
        {
          code: 'ssl-redirect-slash',
          severity: 'cosmetic',
          effects: ['location'],
          sentence:
            'The redirect to HTTPS leaves out a last slash of the path and query; the gateway keeps it.',
          request: requestTo(redirecting, '/a/'),
        },
      ),
    );
  const code = featureOfStatus(context.settings.code);
  if (redirecting !== undefined && code !== undefined && !features.has(code))
    found.push(
      approximated(
        { key: 'http-redirect-code' },
        {
          code: 'redirect-code',
          severity: 'subtle',
          effects: ['status'],
          sentence: `The class has no ${context.settings.code}: redirects to HTTPS have 301, after which clients may turn POST into GET.`,
          request: { ...requestTo(redirecting, '/'), method: 'POST' },
        },
      ),
    );
  if (secure.length > 0 && context.settings.strictTransport !== undefined)
    found.push(
      features.has('HTTPRouteResponseHeaderModification')
        ? approximated(
            { key: 'hsts' },
            {
              code: 'strict-transport',
              severity: 'cosmetic',
              effects: ['response-headers'],
              sentence:
                'Rules set Strict-Transport-Security on answers of backends; answers of the gateway itself have it as the implementation does it.',
            },
          )
        : refused(
            { key: 'hsts' },
            {
              code: 'strict-transport',
              severity: 'security',
              effects: ['response-headers'],
              sentence:
                'The class does not support HTTPRouteResponseHeaderModification: Strict-Transport-Security is not set.',
            },
          ),
    );
  return found;
}
