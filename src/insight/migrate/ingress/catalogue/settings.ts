import { closestOf } from '../../../../base/closest.ts';
import type { Effect, Severity } from '../announcement.ts';

/** A key of the controller's ConfigMap. */
export interface SettingEntry {
  readonly name: string;
  /** What holds without it; empty: nothing. */
  readonly fallback: string;
  readonly fate: SettingFate;
}

export type SettingFate =
  | { readonly is: 'converted' }
  | { readonly is: 'inner' }
  | {
      readonly is: 'lost';
      readonly severity: Severity;
      readonly does: string;
      readonly effects: readonly Effect[];
    };

const inner = (fallbacks: Readonly<Record<string, string>>): readonly SettingEntry[] =>
  Object.entries(fallbacks).map(([name, fallback]) => ({ name, fallback, fate: { is: 'inner' } }));

const converted = (fallbacks: Readonly<Record<string, string>>): readonly SettingEntry[] =>
  Object.entries(fallbacks).map(([name, fallback]) => ({ name, fallback, fate: { is: 'converted' } }));

const lost = (
  severity: Severity,
  does: string,
  effects: readonly Effect[],
  fallbacks: Readonly<Record<string, string>>,
): readonly SettingEntry[] =>
  Object.entries(fallbacks).map(([name, fallback]) => ({
    name,
    fallback,
    fate: { is: 'lost', severity, does, effects },
  }));

/** Every key that the last release (1.15) reads. */
export const SETTINGS: readonly SettingEntry[] = [
  ...converted({
    'ssl-redirect': 'true',
    'force-ssl-redirect': 'false',
    'http-redirect-code': '308',
    'no-tls-redirect-locations': '/.well-known/acme-challenge',
    'preserve-trailing-slash': 'false',
    hsts: 'true',
    'hsts-include-subdomains': 'true',
    'hsts-max-age': '31536000',
    'hsts-preload': 'false',
  }),
  ...lost('security', 'It says who may come in, on every path', ['access', 'status'], {
    'allowlist-source-range': '',
    'whitelist-source-range': '',
    'denylist-source-range': '',
    'block-cidrs': '',
    'block-user-agents': '',
    'block-referers': '',
  }),
  ...lost(
    'security',
    'It has another server asked about each request',
    ['access', 'status', 'request-headers'],
    {
      'global-auth-url': '',
      'global-auth-snippet': '',
    },
  ),
  ...lost(
    'subtle',
    'It is of the question to another server about each request',
    ['access', 'status', 'location'],
    {
      'global-auth-method': '',
      'global-auth-signin': '',
      'global-auth-signin-redirect-param': 'rd',
      'global-auth-response-headers': '',
      'global-auth-request-redirect': '',
      'global-auth-cache-key': '',
      'global-auth-cache-duration': '200 202 401 5m',
      'global-auth-always-set-cookie': 'false',
      'no-auth-locations': '/.well-known/acme-challenge',
    },
  ),
  ...lost('security', 'It runs a web application firewall', ['access', 'status'], {
    'enable-modsecurity': 'false',
    'enable-owasp-modsecurity-crs': 'false',
    'modsecurity-snippet': '',
  }),
  ...lost(
    'security',
    'It is raw configuration of nginx for every host: what it does has to be read and asked for in fields',
    ['status', 'location', 'backend', 'path', 'request-headers', 'response-headers', 'access'],
    {
      'main-snippet': '',
      'http-snippet': '',
      'server-snippet': '',
      'location-snippet': '',
      'stream-snippet': '',
    },
  ),
  ...lost(
    'security',
    'It says whose word on the client’s address and scheme is taken: the implementation has to be told the same',
    ['request-headers', 'access', 'location'],
    {
      'use-forwarded-headers': 'false',
      'enable-real-ip': 'false',
      'proxy-real-ip-cidr': '0.0.0.0/0',
      'forwarded-for-header': 'X-Forwarded-For',
      'forwarded-host-header': 'X-Forwarded-Host',
      'compute-full-forwarded-for': 'false',
      'use-proxy-protocol': 'false',
      'proxy-protocol-header-timeout': '5s',
      'forwarded-for-proxy-protocol-header': 'X-Forwarded-For-Proxy-Protocol',
    },
  ),
  ...lost('subtle', 'It is of TLS with clients, which is the implementation’s', ['tls'], {
    'ssl-ciphers': '',
    'ssl-protocols': 'TLSv1.2 TLSv1.3',
    'ssl-ecdh-curve': 'auto',
    'ssl-dh-param': '',
    'ssl-early-data': 'false',
    'ssl-reject-handshake': 'false',
    'enable-ocsp': 'false',
  }),
  ...lost('subtle', 'It names a ConfigMap of headers for every answer', ['response-headers'], {
    'add-headers': '',
  }),
  ...lost('subtle', 'It names a ConfigMap of headers for every backend', ['request-headers'], {
    'proxy-set-headers': '',
  }),
  ...lost('subtle', 'It takes headers out of answers, or leaves them in', ['response-headers'], {
    'hide-headers': '',
    'allow-backend-server-header': 'false',
    'server-tokens': 'false',
    'global-allowed-response-headers': '',
  }),
  ...lost('subtle', 'It says which headers of requests pass', ['request-headers', 'status'], {
    'enable-underscores-in-headers': 'false',
    'ignore-invalid-headers': 'true',
    'proxy-add-original-uri-header': 'false',
    'generate-request-id': 'true',
  }),
  ...lost('subtle', 'It bounds requests of every path (413, 414, 431)', ['body-limit', 'status'], {
    'proxy-body-size': '1m',
    'client-header-buffer-size': '1k',
    'large-client-header-buffers': '4 8k',
    'http2-max-field-size': '',
    'http2-max-header-size': '',
    'http2-max-requests': '0',
  }),
  ...lost('subtle', 'It bounds times of every path; a route has total times alone', ['timeouts'], {
    'proxy-connect-timeout': '5',
    'proxy-read-timeout': '60',
    'proxy-send-timeout': '60',
    'client-body-timeout': '60',
    'client-header-timeout': '60',
    'keep-alive': '75',
    'keep-alive-requests': '1000',
    'proxy-stream-timeout': '600s',
    'worker-shutdown-timeout': '240s',
  }),
  ...lost('subtle', 'It says what is tried again', ['status'], {
    'proxy-next-upstream': 'error timeout',
    'proxy-next-upstream-timeout': '0',
    'proxy-next-upstream-tries': '3',
    'proxy-stream-next-upstream': 'true',
    'proxy-stream-next-upstream-timeout': '600s',
    'proxy-stream-next-upstream-tries': '3',
    'retry-non-idempotent': 'false',
  }),
  ...lost('subtle', 'It changes cookies or redirects of backends', ['response-headers', 'location'], {
    'proxy-cookie-domain': 'off',
    'proxy-cookie-path': 'off',
    'proxy-redirect-from': 'off',
    'proxy-redirect-to': 'off',
    'relative-redirects': 'false',
    'use-port-in-redirects': 'false',
  }),
  ...lost('subtle', 'It has error pages made by another Service', ['status', 'response-headers'], {
    'custom-http-errors': '',
    'disable-proxy-intercept-errors': 'false',
  }),
  ...lost('subtle', 'It is of limits', ['limits', 'status'], {
    'limit-rate': '0',
    'limit-rate-after': '0',
    'limit-req-status-code': '503',
    'limit-conn-status-code': '503',
    'limit-conn-zone-variable': '$binary_remote_addr',
  }),
  ...lost('subtle', 'It bounds the header of an answer (502)', ['status'], { 'proxy-buffer-size': '4k' }),
  ...lost('subtle', 'It compresses answers', ['response-headers'], {
    'use-gzip': 'false',
    'gzip-disable': '',
    'gzip-level': '1',
    'gzip-min-length': '256',
    'gzip-types': '',
    'enable-brotli': 'false',
    'brotli-level': '4',
    'brotli-min-length': '20',
    'brotli-types': '',
  }),
  ...lost('subtle', 'It says how a pod is chosen', ['affinity'], {
    'load-balance': 'round_robin',
    'upstream-hash-by': '',
    'service-upstream': 'false',
  }),
  ...lost('subtle', 'It adds what is known of the client’s address by place', ['request-headers'], {
    'use-geoip2': 'false',
    'geoip2-autoreload-in-minutes': '0',
  }),
  ...lost('cosmetic', 'It is of logs and traces, which are the implementation’s', [], {
    'access-log-params': '',
    'access-log-path': '/var/log/nginx/access.log',
    'http-access-log-path': '',
    'stream-access-log-path': '',
    'enable-access-log-for-default-backend': 'false',
    'enable-auth-access-log': 'false',
    'error-log-path': '/var/log/nginx/error.log',
    'error-log-level': 'notice',
    'disable-access-log': 'false',
    'disable-http-access-log': 'false',
    'disable-stream-access-log': 'false',
    'log-format-escape-none': 'false',
    'log-format-escape-json': 'false',
    'log-format-upstream': '',
    'log-format-stream': '',
    'skip-access-log-urls': '',
    'enable-syslog': 'false',
    'syslog-host': '',
    'syslog-port': '514',
    'enable-opentelemetry': 'false',
    'opentelemetry-trust-incoming-span': 'true',
    'opentelemetry-operation-name': '',
    'opentelemetry-config': '/etc/ingress-controller/telemetry/opentelemetry.toml',
    'otlp-collector-host': '',
    'otlp-collector-port': '4317',
    'otel-max-queuesize': '2048',
    'otel-schedule-delay-millis': '5000',
    'otel-max-export-batch-size': '512',
    'otel-service-name': 'nginx',
    'otel-sampler': 'AlwaysOn',
    'otel-sampler-parent-based': 'true',
    'otel-sampler-ratio': '0.01',
  }),
  ...inner({
    'allow-cross-namespace-resources': 'false',
    'allow-snippet-annotations': 'false',
    'annotations-risk-level': 'High',
    'annotation-value-word-blocklist': '',
    'bind-address': '',
    'client-body-buffer-size': '8k',
    'debug-connections': '',
    'default-type': 'text/html',
    'disable-ipv6': 'false',
    'disable-ipv6-dns': 'false',
    'enable-aio-write': 'true',
    'enable-multi-accept': 'true',
    'enable-serial-reloads': 'false',
    'grpc-buffer-size-kb': '0',
    'http2-max-concurrent-streams': '128',
    'lua-shared-dicts': '',
    'map-hash-bucket-size': '64',
    'max-worker-connections': '16384',
    'max-worker-open-files': '0',
    'nginx-status-ipv4-whitelist': '127.0.0.1',
    'nginx-status-ipv6-whitelist': '::1',
    'proxy-buffering': 'off',
    'proxy-buffers-number': '4',
    'proxy-busy-buffers-size': '',
    'proxy-headers-hash-bucket-size': '64',
    'proxy-headers-hash-max-size': '512',
    'proxy-http-version': '1.1',
    'proxy-max-temp-file-size': '1024m',
    'proxy-request-buffering': 'on',
    'proxy-ssl-location-only': 'false',
    'proxy-stream-responses': '1',
    'reuse-port': 'true',
    'server-name-hash-bucket-size': '',
    'server-name-hash-max-size': '1024',
    'ssl-buffer-size': '4k',
    'ssl-session-cache': 'true',
    'ssl-session-cache-size': '10m',
    'ssl-session-ticket-key': '',
    'ssl-session-tickets': 'false',
    'ssl-session-timeout': '10m',
    'strict-validate-path-type': 'true',
    'upstream-keepalive-connections': '320',
    'upstream-keepalive-requests': '10000',
    'upstream-keepalive-time': '1h',
    'upstream-keepalive-timeout': '60',
    'use-http2': 'true',
    'variables-hash-bucket-size': '256',
    'variables-hash-max-size': '2048',
    'worker-cpu-affinity': '',
    'worker-processes': '',
  }),
];

const byName: ReadonlyMap<string, SettingEntry> = new Map(SETTINGS.map(entry => [entry.name, entry]));
const names: readonly string[] = [...byName.keys()];

export const settingEntry = (name: string): SettingEntry | undefined => byName.get(name);

export const closestSetting = (name: string): string | undefined => closestOf(name, names);
