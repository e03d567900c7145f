import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ControllerRevision, DaemonSet } from '../../../kube/types/apps.ts';
import type { Node, Pod, Taint, Toleration } from '../../../kube/types/core.ts';
import { plan, statusOf, type DaemonSetView } from './decide.ts';
import { fitOf } from './node-fit.ts';
import { nodeOf, podFor } from './pod.ts';

const revision = (hash: string): ControllerRevision => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name: `every-${hash}`, labels: { 'controller-revision-hash': hash } },
  revision: 1,
});

const setOf = (rolling: object = {}, tolerations: readonly Toleration[] = []): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'every', namespace: 'n', uid: 'u' },
  spec: {
    selector: { matchLabels: { app: 'every' } },
    template: { spec: { containers: [{ name: 'a', image: 'b' }], tolerations } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: rolling },
  },
});

const nodeNamed = (name: string, taints: readonly Taint[] = []): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: {} },
  spec: { taints },
});

let serial = 0;
function podOn(set: DaemonSet, node: string, hash: string, isReady: boolean): Pod {
  const made = podFor(set, node, revision(hash));
  serial += 1;
  return {
    ...made,
    metadata: { ...made.metadata, uid: `uid-${serial}` },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] },
  };
}

const viewOf = (set: DaemonSet, nodes: readonly Node[], pods: readonly Pod[]): DaemonSetView => ({
  set,
  nodes,
  pods,
  unseen: new Map(),
  deleted: new Set(),
  hash: 'new',
  now: 0,
});

const taint = (key: string, effect: Taint['effect']): Taint => ({ key, effect });

const fits: readonly (readonly [string, readonly Taint[], boolean, boolean])[] = [
  ['a plain node', [], true, true],
  ['a cordoned node', [taint('node.kubernetes.io/unschedulable', 'NoSchedule')], true, true],
  ['a node that is lost', [taint('node.kubernetes.io/unreachable', 'NoExecute')], true, true],
  ['a node that others may not use', [taint('only', 'NoSchedule')], false, true],
  ['a node that drives others off', [taint('only', 'NoExecute')], false, false],
];

for (const [what, taints, shouldRun, mayStay] of fits) {
  test(`${what}: a daemon is ${shouldRun ? 'made' : 'not made'} there, and ${mayStay ? 'stays' : 'goes'}`, () => {
    assert.deepEqual(fitOf(setOf(), nodeNamed('a', taints)), { shouldRun, mayStay });
  });
}

test('a toleration of its own lets it in', () => {
  const node = nodeNamed('a', [taint('only', 'NoExecute')]);
  const set = setOf({}, [{ key: 'only', operator: 'Exists' }]);
  assert.deepEqual(fitOf(set, node), { shouldRun: true, mayStay: true });
});

test('a pod is meant for one node, whatever else its affinity says', () => {
  const pod = podFor(setOf(), 'node-7', revision('new'));
  assert.equal(nodeOf(pod), 'node-7');
  assert.equal(nodeOf({ ...pod, spec: { ...pod.spec, nodeName: 'node-8' } }), 'node-8');
});

test('of two pods on a node the older stays', () => {
  const set = setOf();
  const [first, second] = [podOn(set, 'a', 'new', true), podOn(set, 'a', 'new', true)].map((pod, index) => ({
    ...pod,
    metadata: { ...pod.metadata, creationTimestamp: `2030-01-0${index + 1}T00:00:00Z` },
  })) as [Pod, Pod];
  assert.deepEqual(plan(viewOf(set, [nodeNamed('a')], [second, first])).remove, [second]);
});

test('a rollout gets through, and never takes more nodes away than it may', () => {
  const strategies = fc.constantFrom(
    { maxUnavailable: 1 },
    { maxUnavailable: 2 },
    { maxUnavailable: '50%' },
    { maxSurge: 1, maxUnavailable: 0 },
    { maxSurge: 3, maxUnavailable: 0 },
  );
  fc.assert(
    fc.property(
      strategies,
      fc.integer({ min: 1, max: 7 }),
      fc.infiniteStream(fc.boolean()),
      (rolling, count, luck) => {
        const set = setOf(rolling);
        const nodes = Array.from({ length: count }, (_, index) => nodeNamed(`node-${index}`));
        let pods = nodes.map(node => podOn(set, node.metadata.name, 'old', true));
        const allowed =
          typeof rolling.maxUnavailable === 'string' ? Math.ceil(count / 2) : rolling.maxUnavailable;
        const available = () => statusOf(viewOf(set, nodes, pods)).numberAvailable ?? 0;
        for (let step = 0; step < 200; step++) {
          const { create, remove } = plan(viewOf(set, nodes, pods));
          const gone = new Set(remove);
          pods = pods.filter(pod => !gone.has(pod));
          assert.ok(available() >= count - allowed, `${available()} of ${count} are available`);
          // Every now and then a new pod gets ready.
          pods = pods.map(pod => {
            const isReady = pod.status?.conditions?.[0]?.status === 'True';
            const { value: isLucky } = luck.next() as { readonly value: boolean };
            return isReady || !isLucky
              ? pod
              : { ...pod, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
          });
          pods.push(...create.map(node => podOn(set, node, 'new', false)));
          assert.ok(
            pods.length <= count + ('maxSurge' in rolling ? rolling.maxSurge : 0),
            'no more than may be',
          );
        }
        const status = statusOf(viewOf(set, nodes, pods));
        assert.equal(pods.length, count);
        assert.equal(status.updatedNumberScheduled, count);
      },
    ),
    { numRuns: 100 },
  );
});
