import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultChoice, planCluster } from '../../cluster.ts';
import { apiServerAddresses, planNetwork } from './plan.ts';

test('each node has a cable to the bridge of its link, and the gateway there', () => {
  const network = planNetwork(planCluster({ ...defaultChoice, nodes: 2, topology: 'two-links' }, 6443));
  assert.deepEqual(
    network.members.map(({ namespace, port, bridge, gateways }) => [namespace, port, bridge, gateways[0]]),
    [
      ['fairlead.default.node-1', 'node-1', 'link1', '172.30.255.254'],
      ['fairlead.default.node-2', 'node-2', 'link2', '172.31.255.254'],
      ['fairlead.default.world', 'world', 'link1', '172.30.255.254'],
    ],
  );
  assert.deepEqual(network.members[0]?.addresses, ['172.30.0.1/16', 'fd00:172:30::1/64']);
});

test('on one link there is one bridge, and the API server listens at its gateway in both families', () => {
  const config = planCluster(defaultChoice, 6443);
  assert.deepEqual(
    planNetwork(config).links.map(link => link.bridge),
    ['link1'],
  );
  assert.deepEqual(apiServerAddresses(config), ['172.30.255.254', 'fd00:172:30::ffff']);
});
