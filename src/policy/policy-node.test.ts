import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../base/log.ts';
import { connectionMarks } from '../kernel/contract.ts';
import type { Connection } from '../kernel/netlink/index.ts';
import type { NetworkPolicy } from '../kube/types/networking.ts';
import type { Pod } from '../kube/types/pod.ts';
import { PolicyNode } from './policy-node.ts';

const web: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'shop', name: 'web', uid: 'web' },
  spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'web' }] },
  status: { phase: 'Running', podIPs: [{ ip: '10.244.1.2' }] },
};
const closed: NetworkPolicy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace: 'shop', name: 'closed', uid: 'closed' },
  spec: { podSelector: {}, policyTypes: ['Ingress'] },
};
const fromWorld: Connection = {
  family: 4,
  protocol: 6,
  zone: 0,
  original: { source: '192.0.2.1', destination: '10.244.1.2', sourcePort: 40_000, destinationPort: 80 },
  reply: { source: '10.244.1.2', destination: '192.0.2.1', sourcePort: 80, destinationPort: 40_000 },
  mark: 0,
};

/** A kernel that takes every rule, and tells the one connection; its table is never there when it is read. */
function start() {
  const state = { policies: [] as NetworkPolicy[], isBroken: false, marked: 0, asked: [] as string[] };
  const node = new PolicyNode({
    node: 'node-1',
    kernel: {
      nft: () => Promise.resolve(),
      nftChunked: () => Promise.resolve({ applied: 0, refused: [] }),
      nftElements: () => Promise.resolve(),
      nftTable: () => Promise.resolve(undefined),
      nftCounters: () => Promise.resolve([]),
      connections: filters => {
        if (state.isBroken) return Promise.reject(new Error('the kernel cannot be asked now'));
        state.asked.push(...(filters ?? []).flatMap(({ addresses = [] }) => [...addresses]));
        return Promise.resolve([fromWorld]);
      },
      markConnections: (connections, { value }) => {
        if (value === connectionMarks.revoked) state.marked += connections.length;
        return Promise.resolve(connections.length);
      },
    },
    sources: {
      pods: () => [web],
      policies: () => state.policies,
      clusterPolicies: () => [],
      nodes: () => [],
      nodeLocalServices: () => [],
      namespaceLabels: () => ({}),
      reached: () => Promise.resolve(),
    },
    log: silentLog,
    reportsDrops: false,
    assigned: [],
  });
  return { node, state };
}

test('connections are taken back although the kernel could not be asked for them at first', async () => {
  const { node, state } = start();
  await node.sync();
  assert.equal(state.marked, 0);
  state.policies = [closed];
  state.isBroken = true;
  await assert.rejects(node.sync(), /cannot be asked/);
  state.isBroken = false;
  await node.catchUp();
  assert.equal(state.marked, 1);
});

test('where somebody else changed the table, connections that were opened meanwhile are looked at', async () => {
  const { node, state } = start();
  state.policies = [closed];
  await node.sync();
  state.asked = [];
  await node.reconcile();
  assert.equal(node.status().corrections > 0, true, 'the table is gone, and made again');
  assert.deepEqual(state.asked, ['10.244.1.2']);
});
