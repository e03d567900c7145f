import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectIn } from '../../src/kernel/ns/index.ts';
import type { ClusterNetworkPolicy } from '../../src/kube/types/cluster-network-policy.ts';
import { echoServer } from './pods-traffic.ts';
import { place, policyWorld } from './policy-node-world.ts';
import { eventually, expectReach } from './policy-rig.ts';

const minute = 60_000;

/** Everything out is denied but what was resolved for these names. */
const only = (...domainNames: readonly string[]): ClusterNetworkPolicy => ({
  apiVersion: 'policy.networking.k8s.io/v1alpha2',
  kind: 'ClusterNetworkPolicy',
  metadata: { name: 'names', uid: 'names', generation: 1 },
  spec: {
    tier: 'Admin',
    priority: 1,
    subject: { pods: { namespaceSelector: {}, podSelector: { matchLabels: { pod: '0' } } } },
    egress: [
      {
        action: 'Accept',
        to: [{ domainNames }],
        protocols: [{ tcp: { destinationPort: { range: { start: 1, end: 65_535 } } } }],
      },
      { action: 'Deny', to: [{ networks: ['0.0.0.0/0', '::/0'] }] },
    ],
  },
});

test('the addresses of an answer count in the kernel before it is released, in both families, also behind a CNAME', async context => {
  const { rig, node, clusterPolicies } = policyWorld(context, 'pol-names', 3);
  clusterPolicies.push(only('example.com', '*.example.org'));
  await node.sync();
  assert.deepEqual(node.waitedForNames(), ['*.example.org', 'example.com']);
  const client = place(rig, 0).namespace;
  const [first, second] = [place(rig, 1), place(rig, 2)];
  const reach = (host: string, isExpected: boolean, what = host) =>
    expectReach([client, host], isExpected, what);
  for (const host of first.addresses) await reach(host, false, 'before anybody asked');
  await node.learn(
    {
      names: ['example.com', 'edge.cdn.net'],
      addresses: first.addresses.map(address => ({ address, ttl: 5 })),
    },
    0,
  );
  for (const host of first.addresses) await reach(host, true);
  await node.learn(
    { names: ['example.net'], addresses: second.addresses.map(address => ({ address, ttl: 5 })) },
    0,
  );
  for (const host of second.addresses) await reach(host, false, 'a name that nobody waits for');
  await node.learn(
    { names: ['a.example.org'], addresses: second.addresses.map(address => ({ address, ttl: 5 })) },
    0,
  );
  for (const host of second.addresses) await reach(host, true);
});

test('what was resolved counts for a minute at least, and longer for a connection that uses it', async context => {
  const { rig, node, clusterPolicies } = policyWorld(context, 'pol-names-ttl', 3);
  clusterPolicies.push(only('example.com'));
  await node.sync();
  const client = place(rig, 0).namespace;
  const [used, unused] = [place(rig, 1).addresses[0], place(rig, 2).addresses[0]];
  const port = await echoServer(context, place(rig, 1).namespace, used);
  await node.learn(
    { names: ['example.com'], addresses: [used, unused].map(address => ({ address, ttl: 1 })) },
    0,
  );
  const socket = await connectIn(client, { host: used, port, timeoutMilliseconds: 20_000 });
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  context.after(() => socket.destroy());
  await node.expireNames(minute - 1);
  assert.equal(node.heldNames().length, 2);
  await node.expireNames(minute + 1);
  assert.deepEqual(
    node.heldNames().map(({ address }) => address),
    [used],
  );
  await expectReach([client, unused, 7], false);
  socket.write('still here');
  await eventually('the open connection goes on', () => received.includes('still here'));
  await expectReach([client, used, port], true);
});

test('an agent that starts again has what was held, and what nobody waits for any more is closed', async context => {
  const { rig, node, again, clusterPolicies } = policyWorld(context, 'pol-names-again');
  clusterPolicies.push(only('example.com'));
  await node.sync();
  const client = place(rig, 0).namespace;
  const [host] = place(rig, 1).addresses;
  await node.learn({ names: ['example.com'], addresses: [{ address: host, ttl: 5 }] }, 0);
  const next = again({ heldNames: node.heldNames() });
  await next.sync();
  assert.equal(next.status().names.held, 1);
  await expectReach([client, host, 7], true);
  clusterPolicies.splice(0, 1, only('example.net'));
  await next.sync();
  await expectReach([client, host, 7], false);
});
