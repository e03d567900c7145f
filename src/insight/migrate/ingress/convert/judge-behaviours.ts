import type { Announcement } from '../announcement.ts';
import type { Server } from '../servers.ts';
import type { HostContext } from './host-routes.ts';
import { redirectsToTls } from './settings.ts';
import { featureOfStatus } from './target.ts';
import { OF_ANOTHER_RULE, approximated, refused, requestTo } from './verdict.ts';

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
          // Another path is another rule, with everything that it has.
          effects: OF_ANOTHER_RULE,
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
