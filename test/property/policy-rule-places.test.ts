import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PolicyCompiler } from '../../src/policy/compile-groups.ts';
import { PolicyIndex } from '../../src/policy/compile-index.ts';
import { nodesOfWorlds, podsOf, policiesOf, resolve, worlds } from './policy-worlds.ts';

const addresses = Array.from(
  { length: 5 },
  (_, index) => [`10.244.0.${10 + index}`, `fd00:10:244::${(16 + index).toString(16)}`] as const,
);
const addressMaps = /^(identity|egress|ingress)[46]$/;

test('every element that lets pass or denies is counted for a rule in force, and nothing else is', () => {
  fc.assert(
    fc.property(worlds(addresses, 3), world => {
      const index = new PolicyIndex();
      for (const pod of podsOf(world)) index.setPod(pod.key, pod);
      for (const policy of policiesOf(world)) index.setPolicy(policy.key, policy);
      index.setNodes(nodesOfWorlds);
      resolve(index, world.resolved);
      const compiler = new PolicyCompiler(index, 'node-1', { reportsDrops: true });
      compiler.update([]);
      const elements = [...compiler.program.sets]
        .filter(([name]) => !addressMaps.test(name) && !name.includes('-audit-'))
        .flatMap(([name, set]) => [...set.elements.keys()].map(key => `${name} ${key}`));
      const counted = compiler.counted().flatMap(group => {
        const inForce = new Set(group.rules());
        return group.places().flatMap(({ chain, element, rules }) => {
          assert.ok(rules.length > 0, chain);
          for (const rule of rules) assert.ok(inForce.has(rule), rule.provenance.field);
          return element === undefined ? [] : [`${element.set} ${element.key}`];
        });
      });
      assert.deepEqual(counted.sort(), elements.sort());
    }),
    { numRuns: 150 },
  );
});
