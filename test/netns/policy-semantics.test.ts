/** What the APIs promise, and only a kernel can break. The engine's own rules are tested where it stands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectIn } from '../../src/kernel/ns/index.ts';
import { sentenceOf } from '../../src/base/errors.ts';
import type { ClusterNetworkPolicy } from '../../src/kube/types/cluster-network-policy.ts';
import type { NetworkPolicySpec } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import { echoServer } from './pods-traffic.ts';
import { place, policyWorld } from './policy-node-world.ts';
import { eventually, expectReach } from './policy-rig.ts';

const waitMilliseconds = 700;
const families = [0, 1] as const;
const pod1 = { matchLabels: { pod: '1' } };
const fromLabel = (label: string, value: string): NetworkPolicySpec => ({
  podSelector: pod1,
  ingress: [{ from: [{ podSelector: { matchLabels: { [label]: value } } }] }],
});

/** Pods are never changed in place, as caches do not. */
function change(pods: Pod[], index: number, changed: (pod: Pod) => Pod): void {
  pods[index] = changed(pods[index] ?? assert.fail('there is such a pod'));
}

test('what is denied gets no answer at all: a connection ends by its time, in both families', async context => {
  const { rig, set } = policyWorld(context, 'pol-silent');
  await set({ podSelector: pod1 });
  for (const family of families) {
    const host = place(rig, 1).addresses[family];
    const connecting = connectIn(place(rig, 0).namespace, {
      host,
      port: 7,
      timeoutMilliseconds: waitMilliseconds,
    });
    const error = await connecting.then(
      socket => {
        socket.destroy();
        return assert.fail('it was let in');
      },
      (reason: unknown) => sentenceOf(reason),
    );
    assert.match(error, /timed out/);
  }
});

test('what a policy for the cluster lets in is answered, though it denies all that its pods open', async context => {
  const { rig, node, clusterPolicies } = policyWorld(context, 'pol-answers');
  const everywhere = { namespaces: {} };
  const policy: ClusterNetworkPolicy = {
    apiVersion: 'policy.networking.k8s.io/v1alpha2',
    kind: 'ClusterNetworkPolicy',
    metadata: { name: 'c', uid: 'c', generation: 1 },
    spec: {
      tier: 'Admin',
      priority: 1,
      subject: { pods: { namespaceSelector: {}, podSelector: pod1 } },
      ingress: [{ action: 'Accept', from: [everywhere] }],
      egress: [{ action: 'Deny', to: [{ networks: ['0.0.0.0/0', '::/0'] }] }],
    },
  };
  clusterPolicies.push(policy);
  await node.sync();
  for (const family of families) {
    const host = place(rig, 1).addresses[family];
    const port = await echoServer(context, place(rig, 1).namespace, host);
    const socket = await connectIn(place(rig, 0).namespace, { host, port, timeoutMilliseconds: 20_000 });
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    await eventually('the server’s first line', () => received.includes('\n'));
    socket.destroy();
    const other = place(rig, 0).addresses[family];
    await expectReach([place(rig, 1).namespace, other], false);
  }
});

test('behind a Service the pod and its port are judged, with the client’s own address, also when the pod asks itself', async context => {
  const { rig, set, worker } = policyWorld(context, 'pol-service');
  const [client, server] = [place(rig, 0), place(rig, 1)];
  const [vip, targets] = [['10.96.0.7', 'fd00:10:96::7'] as const, server.addresses];
  const port = await echoServer(context, server.namespace, server.addresses[0]);
  await worker.nft(
    [
      'add table inet nat',
      'add chain inet nat pre { type nat hook prerouting priority -110; }',
      `add rule inet nat pre ip daddr ${vip[0]} tcp dport 80 dnat ip to ${targets[0]}:${port}`,
      'add chain inet nat post { type nat hook postrouting priority 110; }',
      // A pod that asks itself has to hear the answer from somebody else.
      `add rule inet nat post ip saddr ${targets[0]} ip daddr ${targets[0]} masquerade`,
      '',
    ].join('\n'),
    rig.router,
  );
  const reach = (isExpected: boolean, what: string, from = client) =>
    expectReach([from.namespace, vip[0], 80], isExpected, what);
  const ports = [{ port }];
  const from = (cidr: string): NetworkPolicySpec => ({
    podSelector: pod1,
    ingress: [{ from: [{ ipBlock: { cidr } }], ports }],
  });
  await reach(true, 'without a policy');
  await set(from(`${client.addresses[0]}/32`));
  await reach(true, 'the client’s own address and the pod’s port');
  await set({ podSelector: pod1, ingress: [{ ports: [{ port: 80 }] }] });
  await reach(false, 'the Service’s port');
  const out = (cidr: string): NetworkPolicySpec => ({
    podSelector: { matchLabels: { pod: '0' } },
    policyTypes: ['Egress'],
    egress: [{ to: [{ ipBlock: { cidr } }], ports }],
  });
  await set(out(`${vip[0]}/32`));
  await reach(false, 'the Service’s address is nobody’s');
  await set(out(`${targets[0]}/32`));
  await reach(true, 'the pod behind it');
  await set({ podSelector: pod1 });
  await reach(false, 'through a Service a pod is subject to its own policies', server);
  await set(fromLabel('pod', '1'));
  await reach(true, 'which may allow it itself', server);
});

test('labels of pods and of namespaces count from the moment they change', async context => {
  const { rig, node, pods, namespaces, set } = policyWorld(context, 'pol-labels', 3);
  const reach = (index: number, isExpected: boolean, what?: string) =>
    expectReach([place(rig, index).namespace, place(rig, 1).addresses[1]], isExpected, what);
  const relabel = async (index: number, labels: Readonly<Record<string, string>>) => {
    change(pods, index, pod => ({ ...pod, metadata: { ...pod.metadata, labels } }));
    await node.sync();
  };
  await set(fromLabel('role', 'client'));
  await reach(0, false);
  await relabel(0, { pod: '0', role: 'client' });
  await reach(0, true, 'a label that a rule names');
  await reach(2, false, 'another pod');
  await relabel(0, { pod: '0' });
  await reach(0, false, 'without it again');
  await relabel(1, { pod: 'free' });
  await reach(0, true, 'the isolated pod is selected by no policy any more');
  await relabel(1, { pod: '1' });
  await set({
    podSelector: pod1,
    ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'a' } } }] }],
  });
  await reach(0, false);
  namespaces.labels = { team: 'a' };
  await node.sync();
  await reach(0, true, 'the namespace’s label');
  namespaces.labels = {};
  await node.sync();
  await reach(0, false);
});

test('an address has the rights of the pod that has it now: not those of one that ended, or had it before', async context => {
  const { rig, node, pods, set } = policyWorld(context, 'pol-reuse', 2);
  const reach = (isExpected: boolean, what?: string) =>
    expectReach([place(rig, 0).namespace, place(rig, 1).addresses[0]], isExpected, what);
  await set(fromLabel('pod', '0'));
  await reach(true);
  change(pods, 0, pod => ({ ...pod, status: { ...pod.status, phase: 'Succeeded' } }));
  await node.sync();
  await reach(false, 'it ended, and its address is nobody’s');
  const before = pods[0] ?? assert.fail();
  pods.push({
    ...before,
    metadata: { ...before.metadata, name: 'next', uid: 'next', labels: { pod: 'next' } },
    status: { podIPs: place(rig, 0).addresses.map(ip => ({ ip })) },
  });
  await node.sync();
  await reach(false, 'another pod has it now');
  change(pods, 2, pod => ({ ...pod, metadata: { ...pod.metadata, labels: { pod: '0' } } }));
  await node.sync();
  await reach(true, 'one that is let in');
  pods.splice(2, 1);
  await node.sync();
  await reach(false, 'it is gone');
});
