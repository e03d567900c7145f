import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/in-process.ts';
import type { Json, TestServer } from '../testing/in-process.ts';

/** What a real API server (1.36) answers to the same requests. */
const SERVICES = '/api/v1/namespaces/default/services';

async function create(server: TestServer, name: string, spec: object): Promise<Json> {
  return (await server.call('POST', SERVICES, { body: { metadata: { name }, spec } })).json;
}

/** The Service as it is then, or the Status of a refusal. */
async function change(server: TestServer, name: string, patch: object): Promise<Json> {
  const type = 'application/merge-patch+json';
  return (await server.call('PATCH', `${SERVICES}/${name}`, { body: patch, type })).json;
}

const http = [{ name: 'http', port: 80 }];
const nodePorts = (service: Json): readonly unknown[] =>
  ((service['spec']?.['ports'] ?? []) as readonly Json[]).map(port => port['nodePort'] ?? 0);

test('node ports stay when no more are allocated, until they are taken out', async () => {
  await using server = await startTestServer();
  const [had] = nodePorts(await create(server, 'lb', { type: 'LoadBalancer', ports: http }));
  assert.ok(had !== 0);
  const off = await change(server, 'lb', { spec: { allocateLoadBalancerNodePorts: false } });
  assert.deepEqual(nodePorts(off), [had]);
  assert.deepEqual(nodePorts(await change(server, 'lb', { spec: { ports: http } })), [0]);
  const chosen = (nodePort: number) => change(server, 'lb', { spec: { ports: [{ ...http[0], nodePort }] } });
  assert.deepEqual(nodePorts(await chosen(30_040)), [30_040]);
  assert.match(String((await chosen(29_999))['message']), /not in the valid range/);
});

test('a node port goes with the name of its port', async () => {
  await using server = await startTestServer();
  const [first, second] = nodePorts(
    await create(server, 'np', {
      type: 'NodePort',
      ports: [...http, { name: 'dns', port: 53, protocol: 'UDP' }],
    }),
  );
  const renamed = await change(server, 'np', {
    spec: {
      ports: [
        { name: 'web', port: 80 },
        { name: 'dns', port: 54, protocol: 'UDP' },
      ],
    },
  });
  const [web, dns] = nodePorts(renamed);
  assert.notEqual(web, first);
  assert.equal(dns, second);
});

test('a health check port is nobody else’s, nor one of the Service’s own node ports', async () => {
  await using server = await startTestServer();
  await create(server, 'np', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_010 }] });
  const balancer = (health: number, nodePort: number) =>
    create(server, 'lb', {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      healthCheckNodePort: health,
      ports: [{ port: 80, nodePort }],
    });
  const taken = (port: number) =>
    `Internal error occurred: failed to allocate requested HealthCheck NodePort ${port}: provided port is already allocated`;
  assert.equal((await balancer(30_010, 30_011))['message'], taken(30_010));
  assert.equal((await balancer(30_013, 30_013))['message'], taken(30_013));
});

test('the second family goes by the policy alone', async () => {
  await using server = await startTestServer();
  const dual = await create(server, 'dual', { ipFamilyPolicy: 'RequireDualStack', ports: http });
  const refused = await change(server, 'dual', { spec: { ipFamilies: ['IPv4'] } });
  assert.match(String(refused['message']), /must be 'SingleStack' to release the secondary IP family/);
  const fewer = await change(server, 'dual', { spec: { clusterIPs: [dual['spec']?.['clusterIP']] } });
  assert.match(String(fewer['message']), /must be 'SingleStack' to release the secondary cluster IP/);
  const older = await change(server, 'dual', { spec: { clusterIPs: null } });
  assert.deepEqual(older['spec']?.['clusterIPs'], dual['spec']?.['clusterIPs']);
  const single = await change(server, 'dual', { spec: { ipFamilyPolicy: 'SingleStack' } });
  assert.equal(single['spec']?.['clusterIPs']?.length, 1);
});
