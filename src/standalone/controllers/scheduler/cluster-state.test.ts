import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Node, Pod } from '../../../kube/types/core.ts';
import { ClusterState } from './cluster-state.ts';
import { nodeFacts, podFacts } from './facts.ts';

const NODES = ['a', 'b'];
const node = (name: string, cpu = '4'): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  status: { allocatable: { cpu } },
});

function pod(name: string, uid: string, nodeName: string | undefined, ended = false): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid },
    spec: {
      containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: `${name.length * 100}m` } } }],
      ...(nodeName === undefined ? {} : { nodeName }),
    },
    status: { phase: ended ? 'Succeeded' : 'Running' },
  };
}

const name = fc.constantFrom('p', 'qq', 'rrr');
const where = fc.option(fc.constantFrom(...NODES, 'unknown'), { nil: undefined });
const step = fc.oneof(
  fc.record({ do: fc.constant('set' as const), name, where, ended: fc.boolean() }),
  fc.record({ do: fc.constant('remove' as const), name }),
  fc.record({
    do: fc.constant('node' as const),
    node: fc.constantFrom(...NODES),
    cpu: fc.constantFrom('2', '4'),
  }),
  fc.record({ do: fc.constant('node-gone' as const), node: fc.constantFrom(...NODES) }),
);

test('however changes come, each node has exactly the pods that are on it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const state = new ClusterState(() => undefined);
      const nodes = new Map<string, Node>();
      const pods = new Map<string, Pod>();
      for (const each of steps) {
        if (each.do === 'set') {
          const next = pod(each.name, `uid-${each.name}`, each.where, each.ended);
          pods.set(each.name, next);
          state.setPod(next);
        } else if (each.do === 'remove') {
          pods.delete(each.name);
          state.removePod(`default/${each.name}`);
        } else if (each.do === 'node') {
          nodes.set(each.node, node(each.node, each.cpu));
          state.setNode(node(each.node, each.cpu));
        } else {
          nodes.delete(each.node);
          state.removeNode(each.node);
        }
        // Looked at after each step: what was worked out before must not outlive a change.
        for (const facts of state.nodes) {
          const here = [...pods.values()].filter(
            other => other.spec.nodeName === facts.name && other.status?.phase === 'Running',
          );
          const fresh = nodeFacts(
            nodes.get(facts.name)!,
            new Map(here.map(other => [`default/${other.metadata.name}`, podFacts(other)])),
          );
          assert.deepEqual(new Set(facts.pods.keys()), new Set(fresh.pods.keys()));
          assert.equal(facts.requested.get('cpu') ?? 0n, fresh.requested.get('cpu') ?? 0n);
          assert.deepEqual(facts.allocatable, fresh.allocatable);
        }
        assert.deepEqual(new Set(state.nodes.map(facts => facts.name)), new Set(nodes.keys()));
      }
    }),
  );
});

test('an assumed place is kept while the API still shows the pod unbound, and given up with the pod', () => {
  const state = new ClusterState(() => undefined);
  state.setNode(node('a'));
  const pending = pod('p', 'one', undefined);
  state.assume(podFacts(pending), 'a');
  state.setPod(pending);
  assert.equal(state.nodes[0]?.pods.size, 1, 'a late status update does not free the place');
  state.setPod(pod('p', 'another', undefined));
  assert.equal(state.nodes[0]?.pods.size, 0, 'a namesake has no place');
  state.assume(podFacts(pending), 'a');
  state.withdraw('default/p', 'one');
  assert.equal(state.nodes[0]?.pods.size, 0, 'a failed binding frees it');
  assert.equal(state.assumed('default/p'), undefined);
});
