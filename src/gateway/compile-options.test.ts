import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileOptions } from './compile-options.ts';

test('annotations of a Gateway become its proxy’s options', () => {
  const annotations = {
    'fairlead.dev/accept-proxy-protocol': 'true',
    'fairlead.dev/send-proxy-protocol': 'v2',
    'fairlead.dev/trusted-hops': '2',
    'fairlead.dev/load-balancing': 'least-requests',
    'fairlead.dev/max-requests-per-endpoint': '100',
    'fairlead.dev/max-body-bytes': '1048576',
    'fairlead.dev/access-log': 'ingress-nginx',
    'other.example/trusted-hops': 'x',
  };
  assert.deepEqual(compileOptions({ annotations }), {
    options: {
      acceptsProxyProtocol: true,
      sendsProxyProtocol: 2,
      trustedHops: 2,
      balance: 'least-requests',
      mostRequests: 100,
      bodyLimit: 1_048_576,
      accessLog: 'ingress-nginx',
    },
    problems: [],
  });
  assert.deepEqual(compileOptions({}), { options: {}, problems: [] });
});

test('a value that is none is told of, and the others hold', () => {
  const bad = [
    ['accept-proxy-protocol', 'yes'],
    ['trusted-hops', '-1'],
    ['trusted-hops', '17'],
    ['trusted-hops', '1e1'],
    ['load-balancing', 'toString'],
    ['max-requests-per-endpoint', '0'],
    ['max-body-bytes', '1Mi'],
    ['access-log', ''],
  ] as const;
  for (const [name, value] of bad) {
    const { options, problems } = compileOptions({
      annotations: { [`fairlead.dev/${name}`]: value, 'fairlead.dev/send-proxy-protocol': 'v1' },
    });
    assert.deepEqual(options, { sendsProxyProtocol: 1 }, name);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', new RegExp(`annotation fairlead.dev/${name}: "${value}" is not `));
  }
});
