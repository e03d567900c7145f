import type {
  HTTPHeader,
  HTTPRouteFilter,
  HTTPRouteTimeouts,
  SessionPersistence,
} from '../../../../kube/types/gateway-routes.ts';
import type { Announcement } from '../announcement.ts';
import { annotationEntry } from '../catalogue/annotations.ts';
import type { IngressReading } from '../read.ts';
import { crossOriginOf } from './cross-origin.ts';
import { isRead, judgeAnnotations } from './judge.ts';
import type { Closest } from './judge.ts';
import { redirectOf } from './redirect.ts';
import type { RedirectPart } from './redirect.ts';
import { snippetOf } from './snippet.ts';
import { BEYOND } from './target.ts';
import type { Target } from './target.ts';
import { timeoutsOf } from './timeouts.ts';
import { approximated, hostToShow, refused, same } from './verdict.ts';

/** What the annotations of an Ingress ask of all its paths. */
export interface IngressParts {
  readonly redirect: RedirectPart | undefined;
  /** Filters besides those of paths and of TLS. */
  readonly filters: readonly HTTPRouteFilter[];
  /** The Host for the backend, where the class can rewrite it. */
  readonly hostRewrite: string | undefined;
  readonly forwardedPrefix: string | undefined;
  readonly appRoot: string | undefined;
  readonly timeouts: HTTPRouteTimeouts | undefined;
  readonly sessions: SessionPersistence | undefined;
  readonly protocol: Protocol;
  /** Annotations that keep people out and cannot be kept: their paths are closed. */
  readonly guards: readonly string[];
  readonly announcements: readonly Announcement[];
}

export type Protocol = 'HTTP' | 'HTTPS' | 'GRPC' | 'GRPCS' | 'FCGI';

export interface PartsContext {
  readonly target: Target;
  readonly closest: Closest;
  /** By `namespace/name`: what annotations name. */
  readonly configMaps: ReadonlyMap<string, Readonly<Record<string, string>>>;
}

export function partsOf(ingress: IngressReading, context: PartsContext): IngressParts {
  const { target } = context;
  const announcements: Announcement[] = [];
  const say = (announcement: Announcement) => announcements.push(announcement);
  const redirect = redirectOf(ingress, target);
  const crossOrigin = crossOriginOf(ingress, target);
  const timeouts = timeoutsOf(ingress, target);
  announcements.push(
    ...(redirect?.announcements ?? []),
    ...(crossOrigin?.announcements ?? []),
    ...timeouts.announcements,
    ...judgeAnnotations(ingress, context.closest),
  );
  const headers = customHeadersOf(ingress, context, say);
  const snippet = snippetOf(ingress, target);
  announcements.push(...(snippet?.announcements ?? []));
  const filters: HTTPRouteFilter[] = [
    ...(headers.length === 0
      ? []
      : [{ type: 'ResponseHeaderModifier' as const, responseHeaderModifier: { set: headers } }]),
    ...(crossOrigin?.filter === undefined ? [] : [{ type: 'CORS' as const, cors: crossOrigin.filter }]),
    ...mirrorOf(ingress, target, say),
    ...(snippet?.filters ?? []),
  ];
  return {
    redirect,
    filters,
    hostRewrite: hostRewriteOf(ingress, target, say),
    forwardedPrefix: ingress.annotations.text('x-forwarded-prefix'),
    appRoot: appRootOf(ingress, target, say),
    timeouts: timeouts.timeouts,
    sessions: sessionsOf(ingress, target, say),
    protocol: protocolOf(ingress),
    guards: ingress.annotations.names.filter(
      name => isGuard(ingress, name) || (name === 'configuration-snippet' && snippet?.guards === true),
    ),
    announcements,
  };
}

/** It keeps people out, the controller reads it, and no target has it. */
function isGuard(ingress: IngressReading, name: string): boolean {
  const fate = annotationEntry(name)?.fate;
  return fate?.is === 'lost' && fate.guards === true && isRead(ingress, name);
}

/** HTTP where it is none of the known ones; AUTO_HTTP is spoken to as HTTP. */
function protocolOf({ annotations }: IngressReading): Protocol {
  const written = annotations.text('backend-protocol')?.toUpperCase();
  return written === 'HTTPS' || written === 'GRPC' || written === 'GRPCS' || written === 'FCGI'
    ? written
    : 'HTTP';
}

type Say = (announcement: Announcement) => void;

function hostRewriteOf(ingress: IngressReading, target: Target, say: Say): string | undefined {
  const host = ingress.annotations.text('upstream-vhost');
  if (host === undefined) return undefined;
  const subject = { ingress, annotation: 'upstream-vhost' };
  const isName = /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/.test(host);
  if (isName && target.features.has('HTTPRouteHostRewrite')) {
    say(same(subject, 'host', 'A URLRewrite sets the Host that the backend sees.'));
    return host;
  }
  say(
    refused(subject, {
      code: 'host',
      severity: 'outage',
      effects: ['host'],
      sentence: isName
        ? 'The class does not support HTTPRouteHostRewrite: the backend sees the client’s Host.'
        : `${host} is no plain host name, which is all that a URLRewrite can set: the backend sees the client’s Host.`,
      request: { scheme: 'https', host: hostToShow(ingress), path: '/' },
    }),
  );
  return undefined;
}

/** `affinity: cookie` as the experimental channel has it, for a class that is known to have it. */
function sessionsOf(ingress: IngressReading, target: Target, say: Say): SessionPersistence | undefined {
  const { annotations } = ingress;
  if (!annotations.has('affinity')) return undefined;
  const subject = { ingress, annotation: 'affinity' };
  const request = { scheme: 'https' as const, host: hostToShow(ingress), path: '/' };
  if (annotations.text('affinity') !== 'cookie') {
    say(same(subject, 'not-read', 'The controller knows cookie alone: it has no effect.'));
    return undefined;
  }
  if (!target.features.has(BEYOND.sessions)) {
    say(
      refused(subject, {
        code: 'affinity',
        severity: 'outage',
        effects: ['affinity', 'response-headers'],
        sentence:
          'Session persistence is experimental in the Gateway API, and the class is not known to have it: a client moves between pods.',
        request,
        hint: 'Keep sessions outside of the pods, or run one pod until then.',
      }),
    );
    return undefined;
  }
  const seconds =
    annotations.number('session-cookie-max-age') ?? annotations.number('session-cookie-expires');
  const name = annotations.text('session-cookie-name') ?? 'INGRESSCOOKIE';
  say(
    approximated(subject, {
      code: 'affinity',
      severity: 'subtle',
      effects: ['affinity', 'response-headers'],
      sentence: `sessionPersistence by the cookie ${name} takes its place. Cookies that clients have from the controller are not understood: each client is led anew once, at the move; path, domain and SameSite of the cookie are the implementation’s.`,
      request,
    }),
  );
  return {
    sessionName: name,
    type: 'Cookie',
    ...(seconds === undefined || seconds <= 0
      ? {}
      : { absoluteTimeout: durationOf(seconds), cookieConfig: { lifetimeType: 'Permanent' } }),
  };
}

/** GEP-2257 has at most five digits before a unit. */
const durationOf = (seconds: number): string =>
  seconds < 100_000 ? `${seconds}s` : `${Math.min(99_999, Math.ceil(seconds / 3600))}h`;

function appRootOf(ingress: IngressReading, target: Target, say: Say): string | undefined {
  const root = ingress.annotations.text('app-root');
  if (root === undefined) return undefined;
  const subject = { ingress, annotation: 'app-root' };
  const request = { scheme: 'http' as const, host: hostToShow(ingress), path: '/' };
  if (!root.startsWith('/')) {
    say(same(subject, 'not-read', 'The controller takes paths alone, and ignores it.'));
    return undefined;
  }
  if (/[?#$\s]/.test(root) || !target.features.has('HTTPRoutePathRedirect')) {
    say(
      refused(subject, {
        code: 'app-root',
        severity: 'outage',
        effects: ['status', 'location', 'backend'],
        sentence: target.features.has('HTTPRoutePathRedirect')
          ? 'A redirect’s path can have no query: the root is led to the backend.'
          : 'The class does not support HTTPRoutePathRedirect: the root is led to the backend.',
        request,
      }),
    );
    return undefined;
  }
  say(
    approximated(subject, {
      code: 'app-root',
      severity: 'cosmetic',
      effects: ['location'],
      sentence:
        'A RequestRedirect of / answers it; the gateway adds the request’s query, which the controller leaves out.',
      request: { ...request, path: '/?a=b' },
    }),
  );
  return root;
}

/** Headers of the ConfigMap that `custom-headers` names. */
function customHeadersOf(
  ingress: IngressReading,
  { configMaps, target }: PartsContext,
  say: Say,
): readonly HTTPHeader[] {
  const name = ingress.annotations.text('custom-headers');
  if (name === undefined) return [];
  const subject = { ingress, annotation: 'custom-headers' };
  const headers = configMaps.get(name);
  if (headers === undefined || !target.features.has('HTTPRouteResponseHeaderModification')) {
    say(
      refused(subject, {
        code: 'response-headers',
        severity: 'subtle',
        effects: ['response-headers'],
        sentence:
          headers === undefined
            ? `The ConfigMap ${name} could not be read: its headers are not set.`
            : 'The class does not support HTTPRouteResponseHeaderModification: the headers are not set.',
        ...(headers === undefined ? { hint: `Give the ConfigMap ${name} along with the Ingresses.` } : {}),
      }),
    );
    return [];
  }
  say(same(subject, 'response-headers', 'A ResponseHeaderModifier sets the headers.'));
  return Object.entries(headers)
    .filter(([header]) => /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(header))
    .slice(0, 16)
    .map(([header, value]) => ({ name: header, value }));
}

const inCluster =
  /^https?:\/\/([a-z0-9-]+)\.([a-z0-9-]+)\.svc(?:\.[a-z0-9.-]+)?(?::(\d{1,5}))?(?:\/?\$request_uri)?$/;

function mirrorOf(ingress: IngressReading, target: Target, say: Say): readonly HTTPRouteFilter[] {
  const url = ingress.annotations.text('mirror-target');
  if (url === undefined) return [];
  const match = inCluster.exec(url);
  const [, name = '', namespace = '', port = url.startsWith('https') ? '443' : '80'] = match ?? [];
  if (match === null || namespace !== ingress.namespace || !target.features.has('HTTPRouteRequestMirror')) {
    say(
      refused(
        { ingress, annotation: 'mirror-target' },
        {
          code: 'mirror',
          severity: 'subtle',
          effects: [],
          sentence: target.features.has('HTTPRouteRequestMirror')
            ? 'A RequestMirror copies to a Service of the same namespace alone: nothing is copied.'
            : 'The class does not support HTTPRouteRequestMirror: nothing is copied.',
        },
      ),
    );
    return [];
  }
  say(same({ ingress, annotation: 'mirror-target' }, 'mirror', 'A RequestMirror copies the requests.'));
  return [{ type: 'RequestMirror', requestMirror: { backendRef: { name, port: Number(port) } } }];
}
