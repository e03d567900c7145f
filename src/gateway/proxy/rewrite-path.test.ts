import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redirectLocation } from './redirect-location.ts';
import { rewritePath } from './rewrite-path.ts';

const prefixes: readonly (readonly [path: string, prefix: string, value: string, expected: string])[] = [
  ['/prefix/one/two', '/prefix/one', '/one', '/one/two'],
  ['/prefix/one', '/prefix/one', '/one', '/one'],
  ['/strip-prefix', '/strip-prefix', '/', '/'],
  ['/strip-prefix/three', '/strip-prefix', '/', '/three'],
  ['/strip-prefix/', '/strip-prefix', '/', '/'],
  ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
  ['/foo/', '/foo', '/xyz', '/xyz/'],
  ['/foo', '/foo', '', '/'],
  ['/foo/bar', '/foo', '', '/bar'],
  ['/any/thing', '/', '/base', '/base/any/thing'],
  ['/', '/', '/base', '/base/'],
];

for (const [path, prefix, value, expected] of prefixes) {
  test(`${path} with ${prefix} replaced by "${value}" is ${expected}`, () => {
    assert.equal(rewritePath(path, { type: 'ReplacePrefixMatch', value }, prefix), expected);
  });
}

test('a full path takes the place of the whole one', () => {
  assert.equal(rewritePath('/a/b', { type: 'ReplaceFullPath', value: '/c' }, '/a'), '/c');
  assert.equal(rewritePath('/a/b', undefined, '/a'), '/a/b');
});

interface Asked {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly query: string;
  readonly prefix: string;
}

const located = (filter: Parameters<typeof redirectLocation>[0], request: Asked): string =>
  redirectLocation(filter, request, request, request.prefix);

const asked: Asked = {
  scheme: 'http',
  host: 'a.example',
  port: 80,
  path: '/a/b',
  query: 'q=1',
  prefix: '/a',
};
const redirect = { type: 'RequestRedirect', statusCode: 302 } as const;

test('a redirect keeps what it does not change', () => {
  assert.equal(located({ ...redirect, hostname: 'b.example' }, asked), 'http://b.example/a/b?q=1');
});

test('a redirect to another scheme goes to its well-known port, unless it names one', () => {
  assert.equal(
    located({ ...redirect, scheme: 'https' }, { ...asked, port: 8080 }),
    'https://a.example/a/b?q=1',
  );
  const named = { ...redirect, scheme: 'https', port: 8443 } as const;
  assert.equal(located(named, asked), 'https://a.example:8443/a/b?q=1');
});

test('without a scheme the listener’s port is kept, and shown where it is not the well-known one', () => {
  assert.equal(located(redirect, { ...asked, port: 8080 }), 'http://a.example:8080/a/b?q=1');
  assert.equal(located(redirect, { ...asked, scheme: 'https', port: 443 }), 'https://a.example/a/b?q=1');
  assert.equal(
    located({ ...redirect, port: 80 }, { ...asked, scheme: 'https', port: 443 }),
    'https://a.example:80/a/b?q=1',
  );
});

test('an IPv6 address is written with brackets', () => {
  assert.equal(located(redirect, { ...asked, host: '2001:db8::1', query: '' }), 'http://[2001:db8::1]/a/b');
});
