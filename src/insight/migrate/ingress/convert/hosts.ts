import type { Announcement } from '../announcement.ts';
import type { BackendReading, IngressModel } from '../read.ts';
import type { Server } from '../servers.ts';
import type { RoutePlan } from './host-routes.ts';
import { redirectRule } from './rules.ts';
import { featureOfStatus } from './target.ts';
import type { Target } from './target.ts';
import { approximated, refused, same } from './verdict.ts';

/** The host of `from-to-www-redirect`, and its route; none where another Ingress has that host. */
export function wwwRoute(
  server: Server,
  servers: ReadonlySet<string>,
  target: Target,
): { readonly plan?: RoutePlan; readonly announcements: readonly Announcement[] } {
  const { host, wwwRedirect: ingress } = server;
  if (ingress === undefined) return { announcements: [] };
  const subject = { ingress, annotation: 'from-to-www-redirect' };
  const from = host.startsWith('www.') ? host.slice(4) : `www.${host}`;
  if (host === '' || host.startsWith('*') || servers.has(from))
    return {
      announcements: [same(subject, 'no-effect', `${from} is a host of its own: nothing is redirected.`)],
    };
  const needed = featureOfStatus(308);
  const statusCode = needed === undefined || (needed !== 'absent' && target.features.has(needed)) ? 308 : 301;
  const hasCertificate = server.tls?.ingress.tls.some(({ hosts }) => hosts.includes(from)) === true;
  return {
    plan: {
      namespace: ingress.namespace,
      role: 'www',
      host,
      hostnames: [from],
      listeners: ['http', ...(hasCertificate ? [`https:${from}` as const] : [])],
      rules: [
        redirectRule({ path: { type: 'PathPrefix', value: '/' } }, { hostname: host, statusCode }, [
          `Ingress ${ingress.id} from-to-www-redirect`,
        ]),
      ],
    },
    announcements: [
      approximated(subject, {
        code: 'www',
        severity: hasCertificate || server.tls === undefined ? 'cosmetic' : 'subtle',
        effects: ['location', 'status', 'tls'],
        sentence: [
          `A route for ${from} redirects to ${host}; the controller leaves out a last slash of the path, the gateway keeps it.`,
          ...(hasCertificate || server.tls === undefined
            ? []
            : [`No entry of tls names ${from}, so that it is redirected in plain HTTP alone.`]),
        ].join(' '),
        request: { scheme: 'http', host: from, path: '/a/' },
      }),
    ],
  };
}

/** The TLSRoute of a host whose TLS passes; undefined where nothing says that the controller lets it pass. */
export function passthroughRoute(
  server: Server,
  { flags }: IngressModel,
  target: Target,
): { readonly plans?: readonly RoutePlan[]; readonly announcements: readonly Announcement[] } | undefined {
  const { host, passthrough: ingress } = server;
  if (ingress === undefined) return undefined;
  const subject = { ingress, annotation: 'ssl-passthrough' };
  const isStarted = flags['enable-ssl-passthrough'];
  if (Object.keys(flags).length > 0 && (isStarted === undefined || isStarted === 'false'))
    return {
      announcements: [
        approximated(subject, {
          code: 'passthrough',
          severity: 'outage',
          effects: ['tls', 'status'],
          sentence:
            'The controller is not started with --enable-ssl-passthrough, so that TLS ends there; the routes do the same.',
        }),
      ],
    };
  const backend: BackendReading | undefined = server.locations.find(({ path }) => path === '/')?.backend;
  if (backend !== undefined && backend.portNumber === undefined)
    return {
      announcements: [
        refused(subject, {
          code: 'passthrough',
          severity: 'outage',
          effects: ['tls', 'status', 'backend', 'location'],
          sentence: `A TLSRoute needs the number of the port ${JSON.stringify(backend.port)} of the Service ${backend.service}, which is not known: TLS ends at the gateway, which answers 500.`,
          hint: 'Give the Service along with the Ingresses (-f), or write the number.',
        }),
      ],
    };
  if (!target.features.has('TLSRoute') || backend === undefined || host === '')
    return {
      announcements: [
        refused(subject, {
          code: 'passthrough',
          severity: 'outage',
          effects: ['tls', 'status', 'backend'],
          sentence: target.features.has('TLSRoute')
            ? 'No backend of the path / is there to pass TLS to.'
            : 'The class does not support TLSRoute: TLS does not reach the backend.',
        }),
      ],
    };
  const because = [`Ingress ${ingress.id} ssl-passthrough`];
  const needed = featureOfStatus(308);
  const statusCode = needed !== undefined && target.features.has(needed) ? 308 : 301;
  const shared = { namespace: backend.namespace, host, hostnames: [host] };
  return {
    plans: [
      {
        ...shared,
        role: 'passthrough',
        listeners: [`tls:${host}`],
        stream: backend,
        rules: [{ rule: {}, because }],
      },
      {
        ...shared,
        role: 'plain',
        listeners: ['http'],
        rules: [
          redirectRule(
            { path: { type: 'PathPrefix', value: '/' } },
            { scheme: 'https', statusCode },
            because,
          ),
        ],
      },
    ],
    announcements: [
      ...new Set([ingress, ...server.locations.flatMap(location => location.ingress ?? [])]),
    ].map(one =>
      // It is in force for all paths of the host, whosever they are.
      approximated(one === ingress ? subject : { ingress: one, unwritten: 'ssl-passthrough' }, {
        code: 'passthrough',
        severity: 'subtle',
        effects: [
          ...(['tls', 'status', 'backend', 'location', 'path', 'access', 'affinity', 'weights'] as const),
          ...(['host', 'request-headers', 'response-headers', 'body-limit', 'timeouts'] as const),
        ],
        sentence: `A TLSRoute leads connections for ${host} to the backend as they are, on a Gateway of its own with an address of its own: not every class lets it share a port with TLS that ends. Plain HTTP, which the controller leads there by TLS, is redirected to HTTPS.`,
        request: { scheme: 'http', host, path: '/' },
      }),
    ),
  };
}
