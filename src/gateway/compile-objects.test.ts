import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gatewayLabel, proxyName, proxyObjects } from './compile-objects.ts';
import { gateway, http } from './testing/objects.ts';
import { see } from './testing/status.ts';

const digest = (text: string) => createHash('sha256').update(text).digest('hex');
const made = (...listeners: readonly ReturnType<typeof http>[]) => {
  const model = see([gateway('shop/edge', listeners)]).models.get('shop/edge');
  assert.ok(model);
  return proxyObjects(model, { image: 'proxy', replicas: 2, digest });
};

test('objects have the name of the Gateway and its class; one that no Service may have is made to fit', () => {
  const nameOf = (name: string) => proxyName(gateway(`shop/${name}`, []), digest);
  assert.equal(nameOf('edge'), 'edge-fairlead');
  const names = [
    'a'.repeat(253),
    `${'a'.repeat(252)}b`,
    'with.dots',
    '1st',
    '...',
    'a'.repeat(54),
    `a${'-'.repeat(45)}b`,
  ];
  const fitted = names.map(nameOf);
  for (const name of fitted) assert.match(name, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
  assert.equal(new Set(fitted).size, names.length, 'different Gateways have different names');
});

test('the label is the name, or where that is too long for a label a part of it', () => {
  assert.equal(gatewayLabel('edge', digest), 'edge');
  const [a, b] = [gatewayLabel('a'.repeat(253), digest), gatewayLabel(`${'a'.repeat(252)}b`, digest)];
  assert.ok(a.length <= 63 && b.length <= 63 && a !== b);
});

test('the balancer has the ports of accepted listeners, each once', () => {
  const { service } = made(
    http('a', { hostname: 'a.example.com' }),
    http('b', { hostname: 'b.example.com' }),
    http('c', { port: 8080 }),
    http('refused', { port: 9000, protocol: 'example.com/Own' }),
    http('db', { port: 5432, protocol: 'TCP' }),
    http('time', { port: 80, protocol: 'UDP' }),
  );
  assert.deepEqual(
    service.spec.ports?.map(({ name, port, protocol, targetPort }) => [name, protocol, port, targetPort]),
    [
      ['port-80', 'TCP', 80, 80],
      ['port-80-udp', 'UDP', 80, 80],
      ['port-5432', 'TCP', 5432, 5432],
      ['port-8080', 'TCP', 8080, 8080],
    ],
  );
});

test('a listener that comes or goes does not change the pods', () => {
  const pods = (...listeners: readonly ReturnType<typeof http>[]) =>
    made(...listeners).deployment.spec.template;
  assert.deepEqual(pods(http('a'), http('b', { port: 8080 })), pods(http('a')));
});

test('proxies are nobody in particular: no root, no token, nothing to write but their table', () => {
  const { spec } = made(http('a')).deployment.spec.template;
  assert.equal(spec.automountServiceAccountToken, false);
  assert.equal(spec.securityContext?.runAsNonRoot, true);
  const [container] = spec.containers;
  assert.equal(container?.securityContext?.readOnlyRootFilesystem, true);
  assert.deepEqual(container?.securityContext?.capabilities, { drop: ['ALL'] });
  assert.deepEqual(
    container?.volumeMounts?.filter(({ readOnly }) => readOnly !== true).map(({ name }) => name),
    ['state'],
  );
});
