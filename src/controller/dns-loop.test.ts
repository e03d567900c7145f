import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { silentLog } from '../base/log.ts';
import { createClientOver } from '../kube/client.ts';
import { FakeApi } from '../kube/fake-api.ts';
import { Informer } from '../kube/informer.ts';
import { ManualClock } from '../kube/manual-clock.ts';
import { NODES, PODS, SERVICES } from '../kube/resources.ts';
import type { Pod } from '../kube/types/core.ts';
import type { Node } from '../kube/types/node.ts';
import type { Service } from '../kube/types/service.ts';
import { DnsLoop } from './dns-loop.ts';
import { dnsService, mirrorPod, mirrorStatus } from './dns-objects.ts';

const addresses = ['10.96.0.10', 'fd00:10:96::a'];

const nodeOf = (name: string, isReady: boolean): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, uid: `uid-${name}` },
  status: {
    addresses: [
      { type: 'InternalIP', address: '172.30.0.1' },
      { type: 'InternalIP', address: 'fd00:172:30::1' },
      { type: 'Hostname', address: name },
    ],
    conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }],
  },
});

function start(context: TestContext, ...nodes: readonly Node[]) {
  const api = new FakeApi([NODES, PODS, SERVICES]);
  const clock = new ManualClock();
  const client = createClientOver(api, { clock });
  const stop = new AbortController();
  context.after(() => stop.abort(new Error('the test has ended')));
  const informer = new Informer(client, NODES, { clock });
  for (const node of nodes) api.store.put(NODES, node);
  informer.start(stop.signal);
  const loop = new DnsLoop({ client, nodes: informer, addresses, clock, log: silentLog });
  void loop.start(stop.signal).catch(() => undefined);
  const podOf = (node: string) => api.store.get(PODS, `kube-system/kube-dns-${node}`) as Pod | undefined;
  const serviceNow = () => api.store.get(SERVICES, 'kube-system/kube-dns') as Service | undefined;
  const until = async (sentence: string, holds: () => boolean) => {
    for (let step = 0; step < 200 && !holds(); step++) {
      for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve));
      clock.advance(100);
    }
    assert.ok(holds(), `not in time: ${sentence}`);
  };
  return { api, podOf, serviceNow, until };
}

test('the Service has the DNS addresses, and comes back when it is deleted', async context => {
  const { api, serviceNow, until } = start(context);
  await until('the Service is there', () => serviceNow() !== undefined);
  assert.deepEqual(serviceNow()?.spec.clusterIPs, addresses);
  assert.deepEqual(serviceNow()?.spec.selector, { 'k8s-app': 'kube-dns' });
  api.store.remove(SERVICES, 'kube-system/kube-dns');
  await until('it is there again', () => serviceNow() !== undefined);
});

test('a node has its pod, and loses it with the node', async context => {
  const { api, podOf, until } = start(context, nodeOf('node-1', true));
  await until('the pod runs', () => podOf('node-1')?.status?.phase === 'Running');
  assert.equal(podOf('node-1')?.spec.nodeName, 'node-1');
  assert.ok(podOf('node-1')?.metadata.annotations?.['kubernetes.io/config.mirror']);
  api.store.remove(NODES, 'node-1');
  await until('the pod is gone', () => podOf('node-1') === undefined);
});

test('a pod that someone deletes comes back', async context => {
  const { api, podOf, until } = start(context, nodeOf('node-1', true));
  await until('the pod is there', () => podOf('node-1') !== undefined);
  api.store.remove(PODS, 'kube-system/kube-dns-node-1');
  await until('it is there again', () => podOf('node-1')?.status?.phase === 'Running');
});

test('a pod is ready with the addresses of its node while the node is, and others say when it is not', () => {
  const node = nodeOf('node-1', true);
  const pod = mirrorPod(node);
  const status = mirrorStatus(pod, node, 0);
  assert.deepEqual(
    status?.podIPs?.map(({ ip }) => ip),
    ['172.30.0.1', 'fd00:172:30::1'],
  );
  assert.ok(status?.conditions?.every(({ status: value }) => value === 'True'));
  assert.equal(mirrorStatus({ ...pod, ...(status && { status }) }, node, 1), undefined, 'it is said already');
  assert.equal(mirrorStatus(pod, nodeOf('node-1', false), 0), undefined);
});

test('with one family the Service has one', () => {
  const { spec } = dnsService(['10.96.0.10']);
  assert.deepEqual([spec.ipFamilies, spec.ipFamilyPolicy], [['IPv4'], 'SingleStack']);
});
