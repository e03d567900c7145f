import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FairleadError } from '../../base/errors.ts';
import { parseOrigin, parseTarget } from './parse-request.ts';

const plain = { headers: [] };

test('a request begins in the world, a pod, a pod of a Deployment, or on a node', () => {
  assert.deepEqual(parseOrigin('world'), { kind: 'world' });
  assert.deepEqual(parseOrigin('pod/shop/web'), { kind: 'pod', namespace: 'shop', name: 'web' });
  assert.deepEqual(parseOrigin('deploy/shop/web'), { kind: 'deployment', namespace: 'shop', name: 'web' });
  assert.deepEqual(parseOrigin('node/node-1'), { kind: 'node', name: 'node-1' });
});

test('a URL has the port and the path of its scheme, or its own', () => {
  const options = { method: 'post', headers: ['X-Canary:  yes '] };
  assert.deepEqual(parseTarget('https://Shop.Example.com/a/../b?c=d', options), {
    host: 'shop.example.com',
    port: 443,
    protocol: 'TCP',
    http: {
      scheme: 'https',
      method: 'POST',
      path: '/b?c=d',
      headers: [{ name: 'X-Canary', value: 'yes' }],
    },
  });
  assert.equal(parseTarget('http://[fd00::1]:8080/', plain).host, 'fd00::1');
  assert.equal(parseTarget('http://[fd00::1]:8080/', plain).port, 8080);
});

test('names and addresses have a port, and a protocol where it is not TCP', () => {
  assert.deepEqual(parseTarget('db.data:5432', plain), { host: 'db.data', port: 5432, protocol: 'TCP' });
  assert.deepEqual(parseTarget('[fd00::1]:443', plain), { host: 'fd00::1', port: 443, protocol: 'TCP' });
  assert.deepEqual(parseTarget('udp://10.96.0.10:53', plain), {
    host: '10.96.0.10',
    port: 53,
    protocol: 'UDP',
  });
});

test('what cannot be read is an error that names the argument or option and the forms there are', () => {
  const fails = (run: () => unknown, field: string) =>
    assert.throws(
      run,
      error => error instanceof FairleadError && error.field === field && error.hint !== undefined,
    );
  for (const word of ['', 'pod', 'pod/web', 'pod/a/b/c', 'node/', 'service/shop/web', 'World'])
    fails(() => parseOrigin(word), 'FROM');
  for (const word of [
    '',
    'web',
    'web:0',
    'web:65536',
    'fd00::1:443',
    'ftp://x/',
    'http://',
    '1.2.3:80',
    'a b:80',
  ])
    fails(() => parseTarget(word, plain), 'TO');
  fails(() => parseTarget('db:1', { method: 'GET', headers: [] }), 'TO');
  fails(() => parseTarget('http://x/', { method: 'G T', headers: [] }), '-X');
  fails(() => parseTarget('http://x/', { headers: ['no header'] }), '-H');
  fails(() => parseTarget('http://x/', { headers: ['a: b\r\nc: d'] }), '-H');
});

test('any words are read, or refused with an error for people', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60 }), fc.array(fc.string(), { maxLength: 2 }), (word, headers) => {
      for (const run of [() => parseOrigin(word), () => parseTarget(word, { headers })])
        try {
          run();
        } catch (error) {
          assert.ok(error instanceof FairleadError, String(error));
        }
    }),
  );
});
