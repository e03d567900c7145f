import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostnameOf } from './hostname.ts';
import { normaliseTarget } from './normalise-target.ts';

const paths: readonly (readonly [target: string, path: string | undefined])[] = [
  ['/', '/'],
  ['/a/b', '/a/b'],
  ['/a//b', '/a//b'],
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/a/b/..', '/a/'],
  ['/a/.', '/a/'],
  ['/../../a', '/a'],
  ['/..', '/'],
  ['/a/..b', '/a/..b'],
  ['/a/.../b', '/a/.../b'],
  ['/%2e%2E/a', '/a'],
  ['/a/%2e/b', '/a/b'],
  ['/%61', '/a'],
  ['/a%2fb', '/a%2Fb'],
  ['/a%2F..%2fb', '/a%2F..%2Fb'],
  ['/%7Euser', '/~user'],
  ['/%c3%a4', '/%C3%A4'],
  ['/%252e%252e/a', '/%252e%252e/a'],
  ['/%', undefined],
  ['/%4', undefined],
  ['/%zz', undefined],
  ['/%00', undefined],
  ['a', undefined],
  ['', undefined],
  ['*', '*'],
];

for (const [target, path] of paths) {
  test(`the path of ${target === '' ? 'nothing' : target} is ${path ?? 'refused'}`, () => {
    assert.equal(normaliseTarget(target)?.path, path);
  });
}

test('a query is left as it is', () => {
  assert.deepEqual(normaliseTarget('/a/../b?x=/../%2e&y?z'), { path: '/b', query: 'x=/../%2e&y?z' });
});

test('what is normal stays so', () => {
  for (const [target, path] of paths)
    if (path !== undefined) assert.equal(normaliseTarget(path)?.path, path, target);
});

const hosts: readonly (readonly [host: string, name: string | undefined])[] = [
  ['Example.COM', 'example.com'],
  ['example.com:8080', 'example.com'],
  ['example.com:', 'example.com'],
  ['example.com.', 'example.com'],
  ['a_b-c.example', 'a_b-c.example'],
  ['192.0.2.1:80', '192.0.2.1'],
  ['[2001:DB8::1]:80', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['2001:db8::1', undefined],
  ['', undefined],
  ['example.com:99999', undefined],
  ['example.com:80:80', undefined],
  ['example.com:x', undefined],
  ['user@example.com', undefined],
  ['a,b', undefined],
  ['a b', undefined],
  ['a/b', undefined],
  ['a%2eb', undefined],
  ['.example.com', undefined],
  ['ä.example', undefined],
  ['*.example.com', undefined],
];

for (const [host, name] of hosts) {
  test(`the name in Host "${host}" is ${name ?? 'none'}`, () => assert.equal(hostnameOf(host), name));
}
