import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ingress } from '../../../../kube/types/networking.ts';
import { readIngresses } from '../read.ts';
import { readAccessLog } from './index.ts';

const web: Ingress = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { namespace: 'shop', name: 'web' },
  spec: {
    ingressClassName: 'nginx',
    tls: [{ hosts: ['a.example'] }],
    rules: ['a.example', 'b.example'].map(host => ({
      host,
      http: {
        paths: [
          { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } },
        ],
      },
    })),
  },
};
const model = readIngresses({ ingresses: [web], ingressClasses: [], flags: [] }, { source: 'files' });

const line = (request: string, upstream = 'shop-web-80') =>
  `198.51.100.7 - - [23/Nov/2026:10:00:00 +0000] "${request}" 200 612 "-" "curl/8" 120 0.003 [${upstream}] [] 10.244.0.7:8080 612 0.002 200 5f1c`;

test('a line of the default format is asked of the hosts that lead to its Service', () => {
  const { requests, unread } = readAccessLog(
    [line('GET /x//y?q=%20 HTTP/1.1'), line('GET /x//y?q=%20 HTTP/2.0'), ''],
    model,
  );
  assert.equal(unread, 0);
  assert.deepEqual(
    requests.map(({ client, host, method, scheme, target }) => [scheme, host, method, target, client]),
    [
      ['https', 'a.example', 'GET', '/x//y?q=%20', '198.51.100.7'],
      ['https', 'b.example', 'GET', '/x//y?q=%20', '198.51.100.7'],
    ],
  );
});

test('a JSON object a line is asked as it says', () => {
  const { requests, unread } = readAccessLog(
    [
      JSON.stringify({ host: 'b.example', request_uri: '/a', method: 'POST', scheme: 'http' }),
      JSON.stringify({ vhost: 'a.example', path: '/a', request_query: 'x=1' }),
      JSON.stringify({ host: 'a.example', request: 'PUT /b HTTP/1.1' }),
    ],
    model,
  );
  assert.equal(unread, 0);
  assert.deepEqual(
    requests.map(({ host, method, scheme, target }) => `${method} ${scheme}://${host}${target}`),
    ['POST http://b.example/a', 'GET https://a.example/a?x=1', 'PUT https://a.example/b'],
  );
});

test('lines that are no requests are counted, whatever they are', () => {
  const lines = [
    'nonsense',
    '{"broken',
    '{}',
    'null',
    '{"host":"a.example","path":7}',
    line('\\x16\\x03\\x01'),
    line('GET / HTTP/1.1', 'other-service-80'),
    `${line('GET / HTTP/1.1')}${'x'.repeat(40_000)}`,
    '[[[[',
    '"'.repeat(30_000),
  ];
  const started = performance.now();
  const { requests, unread } = readAccessLog(lines, model);
  assert.deepEqual(requests, []);
  assert.equal(unread, lines.length);
  assert.ok(performance.now() - started < 5000);
});
