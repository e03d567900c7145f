import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readGateway } from './compile-gateway.ts';
import { compileOptions } from './compile-options.ts';
import { compileListeners } from './compile-table.ts';
import { gateway, http, sourcesOf } from './testing/objects.ts';

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

test('a Gateway is served with the options that hold, and says which one does not', () => {
  const edge = gateway('shop/edge', [http('http'), http('other', { port: 81 })]);
  const annotations = { 'fairlead.dev/trusted-hops': '1', 'fairlead.dev/access-log': 'xml' };
  const annotated = { ...edge, metadata: { ...edge.metadata, annotations } };
  const { accepted, ...model } = readGateway(annotated, sourcesOf([annotated]));
  assert.equal(accepted.holds, true);
  assert.match(accepted.message, /Not in force: annotation fairlead\.dev\/access-log: "xml" is not json, /);
  const { listeners } = compileListeners({ ...model, accepted });
  assert.deepEqual(
    Object.values(listeners).map(({ options }) => options),
    [{ trustedHops: 1 }, { trustedHops: 1 }],
  );
  const plain = compileListeners(readGateway(edge, sourcesOf([edge]))).listeners;
  assert.equal(
    Object.values(plain).some(listener => 'options' in listener),
    false,
  );
});

test('who may be told why is a list of prefixes, and nobody where one of them is none', () => {
  const read = (text: string) => compileOptions({ annotations: { 'fairlead.dev/explain-to': text } });
  assert.deepEqual(read('10.0.0.0/8, fd00::/8').options, { explainsTo: ['10.0.0.0/8', 'fd00::/8'] });
  for (const wrong of ['', '10.0.0.1/8', '10.0.0.0/8,', 'everybody']) {
    const { options, problems } = read(wrong);
    assert.deepEqual(options, {}, wrong);
    assert.match(problems[0] ?? '', /explain-to: .* is not up to 16 prefixes/);
  }
});
