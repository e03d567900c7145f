import { detail, lost } from './entry.ts';
import type { CatalogueEntry } from './entry.ts';

const none = 'the Gateway API has no such field; it takes a policy of the implementation, or the application';

/** Annotations on who may come in, and how much. */
export const ACCESS_ANNOTATIONS: readonly CatalogueEntry[] = [
  lost('allowlist-source-range', 'list', 'lets only these addresses in (403)', {
    severity: 'security',
    why: none,
    effects: ['access', 'status'],
    guards: true,
  }),
  lost('denylist-source-range', 'list', 'keeps these addresses out (403)', {
    severity: 'security',
    why: none,
    effects: ['access', 'status'],
    guards: true,
  }),
  lost('auth-type', 'text', 'asks for a password (401)', {
    severity: 'security',
    why: none,
    effects: ['access', 'status', 'request-headers'],
    guards: true,
  }),
  detail('auth-realm', 'text', 'auth-type', 'is the realm'),
  detail('auth-secret', 'text', 'auth-type', 'is the Secret with the passwords'),
  detail('auth-secret-type', 'text', 'auth-type', 'is the Secret’s form'),
  lost('auth-url', 'text', 'asks another server whether a request may pass (401, 403)', {
    severity: 'security',
    why: 'external authorization is experimental in the Gateway API and not among the class’s features',
    effects: ['access', 'status', 'request-headers'],
    guards: true,
  }),
  detail('auth-method', 'text', 'auth-url', 'is the method that it is asked with'),
  detail('auth-signin', 'text', 'auth-url', 'is where people sign in'),
  detail('auth-signin-redirect-param', 'text', 'auth-url', 'is the parameter with the way back'),
  detail('auth-response-headers', 'list', 'auth-url', 'are headers that the backend gets from the answer'),
  detail('auth-proxy-set-headers', 'text', 'auth-url', 'names headers for the question'),
  detail('auth-request-redirect', 'text', 'auth-url', 'is a header of the question'),
  detail('auth-cache-key', 'text', 'auth-url', 'keeps answers'),
  detail('auth-cache-duration', 'text', 'auth-url', 'is how long answers are kept'),
  detail('auth-always-set-cookie', 'flag', 'auth-url', 'passes cookies of the answer on'),
  detail('auth-keepalive', 'number', 'auth-url', 'keeps connections'),
  detail('auth-keepalive-requests', 'number', 'auth-url', 'bounds a connection'),
  detail('auth-keepalive-share-vars', 'flag', 'auth-url', 'shares variables'),
  detail('auth-keepalive-timeout', 'number', 'auth-url', 'bounds a connection'),
  detail('auth-snippet', 'text', 'auth-url', 'is configuration of nginx for the question'),
  lost('enable-global-auth', 'flag', 'says whether the controller’s global-auth-url is asked', {
    severity: 'security',
    why: none,
    effects: ['access', 'status'],
    neutral: ['true', 'false'],
  }),
  lost('satisfy', 'text', 'lets in who passes any of the checks', {
    severity: 'security',
    why: none,
    effects: ['access', 'status'],
    neutral: ['all'],
    guards: true,
  }),
  lost('auth-tls-secret', 'text', 'asks clients of the host for a certificate (400)', {
    severity: 'security',
    why: 'a Gateway asks per port (spec.tls.frontend), not per host, and refuses in the handshake instead of with 400',
    effects: ['access', 'status', 'tls', 'request-headers'],
    guards: true,
  }),
  detail('auth-tls-verify-client', 'text', 'auth-tls-secret', 'is how strictly'),
  detail('auth-tls-verify-depth', 'number', 'auth-tls-secret', 'is how long a chain may be'),
  detail('auth-tls-error-page', 'text', 'auth-tls-secret', 'is where the others are led'),
  detail(
    'auth-tls-pass-certificate-to-upstream',
    'flag',
    'auth-tls-secret',
    'shows the certificate to the backend',
  ),
  lost('auth-tls-match-cn', 'text', 'lets only these names of client certificates in (403)', {
    severity: 'security',
    why: none,
    effects: ['access', 'status'],
    guards: true,
  }),
  limit('limit-connections', 'bounds connections of an address'),
  limit('limit-rps', 'bounds requests of an address in a second'),
  limit('limit-rpm', 'bounds requests of an address in a minute'),
  detail('limit-burst-multiplier', 'number', 'limit-rps', 'is how far a burst may go'),
  detail('limit-allowlist', 'list', 'limit-rps', 'is who is not limited'),
  lost('limit-rate', 'number', 'bounds octets a second of an answer', {
    severity: 'subtle',
    why: none,
    effects: ['limits'],
    neutral: ['0'],
  }),
  detail('limit-rate-after', 'number', 'limit-rate', 'is where the bound begins'),
  lost('enable-modsecurity', 'flag', 'runs ModSecurity', {
    severity: 'security',
    why: 'the Gateway API has no web application firewall',
    effects: ['access', 'status'],
    neutral: ['false'],
  }),
  lost('enable-owasp-core-rules', 'flag', 'runs the OWASP rules', {
    severity: 'security',
    why: 'the Gateway API has no web application firewall',
    effects: ['access', 'status'],
    neutral: ['false'],
  }),
  lost('modsecurity-snippet', 'text', 'is configuration of ModSecurity', {
    severity: 'security',
    why: 'the Gateway API has no web application firewall',
    effects: ['access', 'status'],
  }),
  detail('modsecurity-transaction-id', 'text', 'enable-modsecurity', 'is the name of a transaction'),
  lost('ssl-ciphers', 'text', 'are the ciphers of the whole host', {
    severity: 'subtle',
    why: 'ciphers are the implementation’s (a listener’s tls.options, where it has any)',
    effects: ['tls'],
  }),
  lost('ssl-prefer-server-ciphers', 'flag', 'has the server choose the cipher', {
    severity: 'cosmetic',
    why: 'ciphers are the implementation’s',
    effects: ['tls'],
  }),
];

function limit(name: string, does: string): CatalogueEntry {
  return lost(name, 'number', `${does}, for each replica of the controller (503)`, {
    severity: 'security',
    why: none,
    effects: ['limits', 'status'],
    neutral: ['0'],
  });
}
