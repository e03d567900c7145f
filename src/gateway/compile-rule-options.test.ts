import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileExternalAuth } from './compile-external-auth.ts';
import { compileRetry, compileSession } from './compile-rule-options.ts';
import type { TableMatch } from './table.ts';

const match = (value: string, type: TableMatch['path']['type'] = 'PathPrefix'): TableMatch => ({
  path: { type, value },
  headers: [],
  query: [],
});

test('what is tried again is a list of failures, a number and a pause', () => {
  assert.deepEqual(compileRetry({ codes: [503, 500, 503], attempts: 2, backoff: '1s500ms' }), {
    codes: [500, 503],
    attempts: 2,
    backoff: 1500,
  });
  assert.deepEqual(compileRetry({}), { codes: [] });
  for (const retry of [{ codes: [302] }, { attempts: 0 }, { backoff: '1 s' }])
    assert.ok('sentence' in compileRetry(retry), JSON.stringify(retry));
});

test('a session has a name, and its cookie the path of the rule', () => {
  assert.deepEqual(compileSession({}, 'shop.web.0', [match('/cart')]), {
    type: 'Cookie',
    name: 'shop.web.0',
    path: '/cart',
    lifetime: 'Session',
  });
  const permanent = {
    absoluteTimeout: '1h',
    cookieConfig: { lifetimeType: 'Permanent' },
    sessionName: 's',
  } as const;
  assert.deepEqual(compileSession(permanent, 'x', [match('/a'), match('/b')]), {
    type: 'Cookie',
    name: 's',
    path: '/',
    absoluteTimeout: 3_600_000,
    lifetime: 'Permanent',
  });
  for (const session of [
    { sessionName: 'a b' },
    { cookieConfig: { lifetimeType: 'Permanent' } },
    { type: 'Header', cookieConfig: {} },
    { absoluteTimeout: 'soon' },
  ] as const)
    assert.ok('sentence' in compileSession(session, 'x', []), JSON.stringify(session));
});

test('who is asked whether a request may go on, and what of it is told', () => {
  const backendRef = { name: 'auth', port: 80 };
  const asked = (filter: Partial<Parameters<typeof compileExternalAuth>[0]>) =>
    compileExternalAuth({ backendRef, protocol: 'HTTP', ...filter }, () => 'shop/auth:80');
  assert.deepEqual(
    asked({ http: { path: '/check/', allowedHeaders: ['X-A'], allowedResponseHeaders: ['X-User'] } }),
    {
      type: 'ExternalAuth',
      protocol: 'HTTP',
      backend: 'shop/auth:80',
      bodySize: 0,
      pathPrefix: '/check',
      allowedHeaders: ['x-a'],
      allowedResponseHeaders: ['x-user'],
    },
  );
  assert.ok('sentence' in asked({ http: { path: '/a/../b' } }));
  assert.ok('sentence' in asked({ http: { allowedHeaders: ['a b'] } }));
  assert.ok('sentence' in asked({ forwardBody: { maxSize: 1 << 30 } }));
  assert.ok('sentence' in asked({ protocol: 'SOAP' as 'HTTP' }));
});
