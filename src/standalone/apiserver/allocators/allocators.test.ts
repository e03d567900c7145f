import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { builtInKinds } from '../kinds/index.ts';
import { startTestServer } from '../testing/in-process.ts';
import type { Json, TestServer } from '../testing/in-process.ts';
import { AddressRange } from './address-range.ts';
import { Pool } from './pool.ts';

const SERVICES = '/api/v1/namespaces/default/services';

async function create(server: TestServer, name: string, spec: object, expected = 201): Promise<Json> {
  const created = await server.call('POST', SERVICES, { body: { metadata: { name }, spec } });
  assert.equal(created.status, expected, created.text);
  return created.json;
}

const ips = (service: Json): unknown => service['spec']?.['clusterIPs'];

test('the first address leads to the API server, and others come after those that people choose', async () => {
  await using server = await startTestServer();
  const kubernetes = await server.call('GET', `${SERVICES}/kubernetes`);
  assert.equal(kubernetes.json['spec']?.['clusterIP'], '10.96.0.1');
  assert.deepEqual(ips(await create(server, 'a', {})), ['10.96.1.1']);
  assert.deepEqual(ips(await create(server, 'dns', { clusterIP: '10.96.0.10' })), ['10.96.0.10']);
  assert.deepEqual(ips(await create(server, 'b', {})), ['10.96.1.2']);
});

test('families follow the policy, and what is asked for', async () => {
  await using server = await startTestServer();
  const dual = await create(server, 'dual', { ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual(dual['spec']?.['ipFamilies'], ['IPv4', 'IPv6']);
  assert.match(String(dual['spec']?.['clusterIPs']?.[1]), /^fd00:10:96::/);
  const six = await create(server, 'six', { ipFamilies: ['IPv6'] });
  assert.deepEqual(
    [six['spec']?.['ipFamilyPolicy'], six['spec']?.['clusterIPs']?.length],
    ['SingleStack', 1],
  );
  const reversed = await create(server, 'reversed', {
    ipFamilyPolicy: 'RequireDualStack',
    ipFamilies: ['IPv6'],
  });
  assert.deepEqual(reversed['spec']?.['ipFamilies'], ['IPv6', 'IPv4']);
  const byAddress = await create(server, 'by-address', { clusterIP: 'fd00:10:96::abc' });
  assert.deepEqual(byAddress['spec']?.['ipFamilies'], ['IPv6']);
  const headless = await create(server, 'headless', { clusterIP: 'None', selector: { a: 'b' } });
  assert.deepEqual([ips(headless), headless['spec']?.['ipFamilies']], [['None'], ['IPv4']]);
  const selectorless = await create(server, 'selectorless', { clusterIP: 'None' });
  assert.deepEqual(selectorless['spec']?.['ipFamilies'], ['IPv4', 'IPv6']);
  const external = await create(server, 'external', { type: 'ExternalName', externalName: 'example.com' });
  assert.deepEqual([ips(external), external['spec']?.['ipFamilies']], [undefined, undefined]);
  await create(server, 'contradiction', { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] }, 422);
});

test('an address is refused while it is taken, is free after the deletion, and stays taken over a restart', async () => {
  await using server = await startTestServer();
  await create(server, 'a', { clusterIP: '10.96.0.10' });
  const taken = await create(server, 'b', { clusterIP: '10.96.0.10' }, 422);
  assert.equal(
    taken['message'],
    'Service "b" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
  );
  await create(server, 'b', { clusterIP: '10.97.0.10' }, 422);
  await server.restart();
  await create(server, 'b', { clusterIP: '10.96.0.10' }, 422);
  await server.call('DELETE', `${SERVICES}/a`);
  await create(server, 'b', { clusterIP: '10.96.0.10' });
});

test('an update that does not name the addresses keeps them; a change of policy adds or frees the second', async () => {
  await using server = await startTestServer();
  const first = await create(server, 'a', { ports: [{ port: 80, protocol: 'TCP' }] });
  const put = async (spec: object) =>
    (await server.call('PUT', `${SERVICES}/a`, { body: { metadata: { name: 'a' }, spec } })).json;
  assert.deepEqual(ips(await put({ ports: [{ port: 81, protocol: 'TCP' }] })), ips(first));
  const moved = await put({ clusterIP: '10.96.9.9', clusterIPs: first['spec']?.['clusterIPs'] });
  assert.equal(
    moved['message'],
    'Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.9.9"]: may not change once set',
  );
  const grown = await put({ ipFamilyPolicy: 'PreferDualStack' });
  const second = String(grown['spec']?.['clusterIPs']?.[1]);
  assert.equal(grown['spec']?.['clusterIPs']?.[0], first['spec']?.['clusterIP']);
  const shrunk = await put({ ipFamilyPolicy: 'SingleStack' });
  assert.deepEqual(ips(shrunk), ips(first));
  await create(server, 'b', { clusterIP: second });
  await put({ type: 'ExternalName', externalName: 'example.com' });
  await create(server, 'c', { clusterIP: String(first['spec']?.['clusterIP']) });
});

test('node ports are handed out, kept, chosen and freed', async () => {
  await using server = await startTestServer();
  const ports = [
    { name: 'a', port: 80, protocol: 'TCP' },
    { name: 'b', port: 53, protocol: 'UDP', nodePort: 30053 },
  ];
  const created = await create(server, 'a', { type: 'NodePort', ports });
  const nodePorts = created['spec']?.['ports']?.map(port => port['nodePort']);
  assert.deepEqual(nodePorts, [30086, 30053]);
  await create(
    server,
    'b',
    { type: 'NodePort', ports: [{ port: 1, protocol: 'TCP', nodePort: 30053 }] },
    422,
  );
  await create(server, 'b', { type: 'NodePort', ports: [{ port: 1, protocol: 'TCP', nodePort: 80 }] }, 422);
  const body = {
    metadata: { name: 'a' },
    spec: { type: 'NodePort', ports: ports.map(({ nodePort: _port, ...port }) => port) },
  };
  const kept = await server.call('PUT', `${SERVICES}/a`, { body });
  assert.deepEqual(
    kept.json['spec']?.['ports']?.map(port => port['nodePort']),
    nodePorts,
  );
  const plain = await server.call('PUT', `${SERVICES}/a`, {
    body: { metadata: { name: 'a' }, spec: { type: 'ClusterIP', ports: kept.json['spec']?.['ports'] } },
  });
  assert.deepEqual(
    plain.json['spec']?.['ports']?.map(port => port['nodePort']),
    [undefined, undefined],
  );
  await create(server, 'b', { type: 'NodePort', ports: [{ port: 1, protocol: 'TCP', nodePort: 30053 }] });
  const local = await create(server, 'c', {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    ports: [{ port: 1 }],
  });
  assert.ok(Number(local['spec']?.['healthCheckNodePort']) >= 30_000);
  const bare = await create(server, 'd', {
    type: 'LoadBalancer',
    externalTrafficPolicy: 'Local',
    allocateLoadBalancerNodePorts: false,
    ports: [{ port: 1 }],
  });
  assert.ok(Number(bare['spec']?.['healthCheckNodePort']) >= 30_000, 'also without ports on the nodes');
});

test('a dry run takes no address', async () => {
  await using server = await startTestServer();
  const body = { metadata: { name: 'a' }, spec: { clusterIP: '10.96.0.20' } };
  assert.equal((await server.call('POST', `${SERVICES}?dryRun=All`, { body })).status, 201);
  await create(server, 'b', { clusterIP: '10.96.0.20' });
});

test('a pool hands out every number once, the static band last, and only then nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(60), (size, band) => {
      const pool = new Pool(1, size, band);
      const order: number[] = [];
      for (let value = pool.propose(); value !== undefined; value = pool.propose()) {
        pool.take(value);
        order.push(value);
      }
      assert.deepEqual(
        order.toSorted((a, b) => a - b),
        Array.from({ length: size }, (_, index) => index + 1),
      );
      const firstStatic = order.findIndex(value => value < Math.min(1 + band, size));
      if (firstStatic >= 0)
        assert.ok(order.slice(firstStatic).every(value => value < Math.min(1 + band, size)));
    }),
  );
});

test('neither the network nor the broadcast address is handed out', () => {
  const range = new AddressRange('10.0.0.0/29');
  const found: string[] = [];
  for (let address = range.propose(); address !== undefined; address = range.propose()) {
    range.take(address);
    found.push(address);
  }
  assert.deepEqual(found, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
  assert.equal(range.isFree('10.0.0.0'), undefined);
  assert.equal(range.isFree('10.0.0.7'), undefined);
  assert.throws(() => new AddressRange('10.0.0.1/8'), { code: 'api/bad-service-prefix' });
  assert.throws(() => new AddressRange('10.0.0.0/32'), { code: 'api/bad-service-prefix' });
});

test('a Service that is refused for its size leaves its address free', async () => {
  await using server = await startTestServer();
  const spec = { clusterIP: '10.96.0.30' };
  const huge = { metadata: { name: 'a' }, spec: { ...spec, note: 'x'.repeat(1_600_000) } };
  const refused = await server.call('POST', SERVICES, { body: huge });
  assert.deepEqual([refused.status, refused.json['reason']], [413, 'RequestEntityTooLarge']);
  await create(server, 'b', spec);
});

test('addresses that contradict each other or the type are refused, not dropped', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const cases: readonly (readonly [object, string])[] = [
    [
      { type: 'ExternalName', externalName: 'a.example', clusterIP: '10.96.3.3' },
      'spec.clusterIPs: Forbidden: may not be set for ExternalName services',
    ],
    [
      { type: 'ExternalName', externalName: 'a.example', ipFamilies: ['IPv4'] },
      'spec.ipFamilies: Forbidden: may not be set for ExternalName services',
    ],
    [
      { ports: [{ port: 80 }], clusterIP: '10.96.3.3', clusterIPs: ['10.96.3.4'] },
      'spec.clusterIPs: Invalid value: ["10.96.3.4"]: first value must match `clusterIP`',
    ],
    [
      { ports: [{ port: 80 }], clusterIPs: ['10.96.3.4'] },
      'spec.clusterIPs: Invalid value: ["10.96.3.4"]: must be empty when `clusterIP` is not specified',
    ],
  ];
  for (const [spec, message] of cases) {
    const refused = await create(server, 'a', spec, 422);
    assert.equal(refused['message'], `Service "a" is invalid: ${message}`);
  }
});

test('a Service that becomes an ExternalName lets go of its addresses by itself', async () => {
  await using server = await startTestServer({ kinds: builtInKinds() });
  const { spec } = await create(server, 'a', { ports: [{ port: 80 }] });
  const patched = await server.call('PATCH', `${SERVICES}/a`, {
    type: 'application/merge-patch+json',
    body: { spec: { type: 'ExternalName', externalName: 'a.example' } },
  });
  assert.deepEqual([patched.status, ips(patched.json)], [200, undefined]);
  await create(server, 'b', { clusterIP: String(spec?.['clusterIP']), ports: [{ port: 80 }] });
});
