import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ingress } from '../../../../kube/types/networking.ts';
import { readIngresses } from '../read.ts';
import { proofLines, prove } from './index.ts';
import { Seeded } from './seeded.ts';

/** Ingresses as nobody should write them: the proof says what it cannot know, and ends. */
const values = [
  '',
  ' ',
  '0',
  '-1',
  '99999999999999999999',
  'true',
  'yes',
  '$1',
  '/$2',
  '$host',
  'https://x.example/$1?a=$args',
  '\n',
  '{{ .Values.x }}',
  '((((((((((a*)*)*)*)*)*)*)*)*)*)$',
  '(?!x)',
  '[',
  ')',
  '\\',
  '%',
  '10.0.0.0/8',
  '999.1.1.1/8',
  '*',
  'https://*.a.example',
  'always',
  '\u{1f600}',
  'é'.repeat(300),
  '{{{{{{',
  'a{1000}{1000}',
  '(a{1000}){1000}',
  '8m',
  '8x',
  '413,503',
  'GRPC',
  'cookie',
] as const;

const names = [
  'rewrite-target',
  'use-regex',
  'ssl-redirect',
  'force-ssl-redirect',
  'app-root',
  'permanent-redirect',
  'permanent-redirect-code',
  'temporal-redirect',
  'from-to-www-redirect',
  'proxy-body-size',
  'proxy-read-timeout',
  'whitelist-source-range',
  'denylist-source-range',
  'enable-cors',
  'cors-allow-origin',
  'upstream-vhost',
  'x-forwarded-prefix',
  'backend-protocol',
  'auth-url',
  'auth-type',
  'limit-rps',
  'custom-http-errors',
  'affinity',
  'mirror-target',
  'server-alias',
  'ssl-passthrough',
  'canary',
  'canary-weight',
  'canary-by-header',
  'canary-by-header-pattern',
  'canary-by-cookie',
  'satisfy',
  'configuration-snippet',
] as const;

const paths = [
  '',
  '/',
  '/a',
  '/a/',
  '//',
  '/a(/|$)(.*)',
  '/(a+)+$',
  '/[',
  'a',
  '/a b',
  '/"',
  '/é',
  '/%zz',
  '/{{ x }}',
  `/${'a'.repeat(4000)}`,
  '/.*',
  '/$',
  '/(?!x)',
] as const;
const hosts = [
  '',
  'a.example',
  '*.example',
  '*',
  'A.Example',
  '{{ host }}',
  'www.a.example',
  '~^x$',
  'a..b',
  `${'a'.repeat(300)}.example`,
] as const;

function pick<T>(from: readonly T[], seeded: Seeded): T {
  return from[seeded.below(from.length)] as T; // below its length
}

function nonsense(index: number, seeded: Seeded): Ingress {
  const annotations: Record<string, string> = {};
  for (let count = seeded.below(6); count > 0; count--)
    annotations[`nginx.ingress.kubernetes.io/${pick(names, seeded)}`] = pick(values, seeded);
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'shop', name: `n${index}`, annotations },
    spec: {
      ingressClassName: 'nginx',
      ...(seeded.below(2) === 0 ? {} : { tls: [{ hosts: [pick(hosts, seeded)] }] }),
      rules: [
        {
          host: pick(hosts, seeded),
          http: {
            paths: Array.from({ length: 1 + seeded.below(3) }, () => ({
              path: pick(paths, seeded),
              pathType: pick(['Exact', 'Prefix', 'ImplementationSpecific'] as const, seeded),
              backend: {
                service: { name: 's', port: seeded.below(2) === 0 ? { number: 80 } : { name: 'web' } },
              },
            })),
          },
        },
      ],
    },
  };
}

test('nonsense in Ingresses ends in a proof that fails, not in an error, and not in unbounded time', () => {
  for (const seed of [1, 2, 3]) {
    const seeded = new Seeded(seed);
    const ingresses = Array.from({ length: 150 }, (_, index) => nonsense(index, seeded));
    const model = readIngresses({ ingresses, ingressClasses: [], flags: [] }, { source: 'files' });
    const started = performance.now();
    const proof = prove(model, [], [], { seed, requestsPerIngress: 40 });
    assert.ok(performance.now() - started < 20_000);
    assert.equal(proof.failed, true);
    assert.ok(proof.counts.requests > 1000);
    assert.ok(proofLines(proof).length < 300);
  }
});

test('a pattern that explodes elsewhere is asked in bounded time', () => {
  const rule = (path: string) => ({
    host: 'a.example',
    http: {
      paths: [
        {
          path,
          pathType: 'ImplementationSpecific' as const,
          backend: { service: { name: 's', port: { number: 80 } } },
        },
      ],
    },
  });
  const ingress: Ingress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      namespace: 'shop',
      name: 'bomb',
      annotations: { 'nginx.ingress.kubernetes.io/use-regex': 'true' },
    },
    spec: { ingressClassName: 'nginx', rules: [rule('/(([a-z])+.)+[A-Z]([a-z])+$'), rule('/(.*a){25}$')] },
  };
  const model = readIngresses({ ingresses: [ingress], ingressClasses: [], flags: [] }, { source: 'files' });
  const logged = [
    {
      scheme: 'http',
      host: 'a.example',
      method: 'GET',
      target: `/${'a'.repeat(5000)}!`,
      headers: {},
      bodyLength: 0,
      client: '',
    },
  ] as const;
  const started = performance.now();
  prove(model, [], [], { logged });
  assert.ok(performance.now() - started < 20_000);
});
