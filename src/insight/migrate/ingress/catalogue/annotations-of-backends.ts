import { converted, detail, inner, lost } from './entry.ts';
import type { CatalogueEntry } from './entry.ts';

const noField = 'the Gateway API has no such field';

/** Annotations on how backends are spoken to, and on what is written down. */
export const BACKEND_ANNOTATIONS: readonly CatalogueEntry[] = [
  converted('backend-protocol', 'text', 'is what the backend speaks'),
  lost('fastcgi-index', 'text', 'is the script of a directory', {
    severity: 'outage',
    why: 'no route speaks FastCGI',
    effects: ['status', 'path'],
  }),
  lost('fastcgi-params-configmap', 'text', 'names parameters for FastCGI', {
    severity: 'outage',
    why: 'no route speaks FastCGI',
    effects: ['status'],
  }),
  converted('proxy-ssl-secret', 'text', 'has the authority, and the certificate that the backend sees'),
  converted('proxy-ssl-verify', 'flag', 'has the backend’s certificate verified'),
  detail('proxy-ssl-name', 'text', 'proxy-ssl-verify', 'is the name in the backend’s certificate'),
  detail('proxy-ssl-server-name', 'flag', 'proxy-ssl-verify', 'sends that name'),
  lost('proxy-ssl-verify-depth', 'number', 'is how long the backend’s chain may be', {
    severity: 'cosmetic',
    why: noField,
    effects: ['tls'],
    neutral: ['1'],
  }),
  lost('proxy-ssl-ciphers', 'text', 'are the ciphers towards the backend', {
    severity: 'cosmetic',
    why: noField,
    effects: ['tls'],
  }),
  lost('proxy-ssl-protocols', 'text', 'are the versions of TLS towards the backend', {
    severity: 'cosmetic',
    why: noField,
    effects: ['tls'],
  }),
  converted('affinity', 'text', 'keeps a client at one pod by a cookie'),
  ...[
    'session-cookie-name',
    'session-cookie-path',
    'session-cookie-max-age',
    'session-cookie-expires',
    'session-cookie-samesite',
    'session-cookie-conditional-samesite-none',
    'session-cookie-secure',
    'session-cookie-domain',
    'session-cookie-change-on-failure',
    'affinity-mode',
    'affinity-canary-behavior',
  ].map(name => detail(name, 'text', 'affinity', 'is of the cookie')),
  lost('upstream-hash-by', 'text', 'chooses the pod by a hash', {
    severity: 'subtle',
    why: noField,
    effects: ['affinity'],
  }),
  detail('upstream-hash-by-subset', 'flag', 'upstream-hash-by', 'chooses some pods'),
  detail('upstream-hash-by-subset-size', 'number', 'upstream-hash-by', 'says how many'),
  lost('load-balance', 'text', 'is how the pod is chosen', {
    severity: 'cosmetic',
    why: 'how it is chosen is the implementation’s',
    effects: ['affinity'],
    neutral: ['round_robin'],
  }),
  converted('service-upstream', 'flag', 'sends to the Service’s address instead of to its pods'),
  converted('proxy-read-timeout', 'number', 'ends requests where the backend says nothing for so long (504)'),
  lost('proxy-send-timeout', 'number', 'ends requests where the backend takes nothing for so long', {
    severity: 'subtle',
    why: 'the Gateway API has total times alone',
    effects: ['timeouts'],
    neutral: ['60'],
  }),
  lost('proxy-connect-timeout', 'number', 'bounds connecting', {
    severity: 'subtle',
    why: 'the Gateway API has total times alone',
    effects: ['timeouts'],
    neutral: ['5'],
  }),
  lost('proxy-next-upstream', 'text', 'says what is tried again', {
    severity: 'subtle',
    why: 'retries are experimental in the Gateway API, and not what nginx does by default',
    effects: ['status'],
    neutral: ['error timeout'],
  }),
  detail('proxy-next-upstream-tries', 'number', 'proxy-next-upstream', 'says how often'),
  detail('proxy-next-upstream-timeout', 'number', 'proxy-next-upstream', 'says how long'),
  lost('proxy-body-size', 'size', 'answers 413 to larger bodies', {
    severity: 'subtle',
    why: `${noField}; the limit is then the implementation’s, which may be larger or smaller`,
    effects: ['body-limit', 'status'],
  }),
  inner('client-body-buffer-size', 'size', 'is what of a body is kept in memory'),
  lost('proxy-buffer-size', 'size', 'bounds the header of an answer (502)', {
    severity: 'subtle',
    why: `${noField}: large cookies and tokens need the implementation’s limit`,
    effects: ['status'],
    neutral: ['4k'],
  }),
  inner('proxy-buffers-number', 'number', 'is what of an answer is kept in memory'),
  inner('proxy-busy-buffers-size', 'size', 'is what of an answer is kept in memory'),
  inner('proxy-max-temp-file-size', 'size', 'is what of an answer is kept on disk'),
  lost('proxy-buffering', 'text', 'keeps answers from slow clients', {
    severity: 'cosmetic',
    why: noField,
    effects: ['timeouts'],
    neutral: ['off'],
  }),
  lost('proxy-request-buffering', 'text', 'keeps bodies until they are whole', {
    severity: 'cosmetic',
    why: noField,
    effects: ['timeouts'],
    neutral: ['on', 'off'],
  }),
  lost('proxy-http-version', 'text', 'is the version of HTTP towards the backend', {
    severity: 'cosmetic',
    why: noField,
    effects: ['request-headers'],
    neutral: ['1.1'],
  }),
  ...[
    ['proxy-cookie-domain', 'changes the domain of cookies'],
    ['proxy-cookie-path', 'changes the path of cookies'],
    ['proxy-redirect-from', 'changes the backend’s redirects'],
  ].map(([name = '', does = '']) =>
    lost(name, 'text', does, {
      severity: 'subtle',
      why: `${noField}: the backend has to write them as clients need them`,
      effects: ['response-headers', 'location'],
      neutral: ['off', 'default'],
    }),
  ),
  detail('proxy-redirect-to', 'text', 'proxy-redirect-from', 'is what they become'),
  lost('http2-push-preload', 'flag', 'pushes what Link headers name', {
    severity: 'cosmetic',
    why: 'browsers take no pushes any more',
    effects: [],
    neutral: ['false'],
  }),
  ...['enable-access-log', 'enable-rewrite-log', 'enable-opentelemetry'].map(name =>
    lost(name, 'flag', 'says what is written down', {
      severity: 'cosmetic',
      why: 'logs and traces are the implementation’s',
      effects: [],
    }),
  ),
  detail('opentelemetry-operation-name', 'text', 'enable-opentelemetry', 'names spans'),
  detail('opentelemetry-trust-incoming-span', 'flag', 'enable-opentelemetry', 'takes spans of clients'),
];
