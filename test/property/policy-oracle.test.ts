import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decide } from '../../src/policy/decide.ts';
import { oracle } from './policy-oracle.ts';
import type { Asked } from './policy-oracle.ts';
import { address, modelOf, worldPorts, worlds } from './policy-worlds.ts';
import type { World } from './policy-worlds.ts';

const addresses = Array.from(
  { length: 5 },
  (_, index) => [`10.244.0.${10 + index}`, `fd00:10:244::${(16 + index).toString(16)}`] as const,
);
const anyWorld = worlds(addresses, 3);
const ends = [
  ...addresses,
  ['172.30.0.1', 'fd00:172:30::1'], // a node
  ['203.0.113.7', '2001:db8::7'],
] as const;
const protocols = ['TCP', 'UDP', 'SCTP', 'ICMP'] as const;

/** Everything that may be asked of a world. */
const questions: readonly Asked[] = ends.flatMap(from =>
  ends.flatMap(to =>
    ([0, 1] as const).flatMap(family =>
      protocols.flatMap(protocol =>
        (protocol === 'ICMP' ? [undefined] : [...worldPorts, 79, 65_535]).map(port => ({
          source: from[family],
          destination: to[family],
          protocol,
          ...(port === undefined ? {} : { port }),
        })),
      ),
    ),
  ),
);

function differences(world: World, asWritten: World = world): readonly string[] {
  const model = modelOf(world);
  return questions
    .filter(asked => {
      const flow = { ...asked, source: address(asked.source), destination: address(asked.destination) };
      return decide(model, flow).allowed !== oracle(asWritten, asked);
    })
    .map(asked => `${asked.protocol} ${asked.source} → ${asked.destination} ${asked.port}`);
}

test('the engine says what the specifications say, read without it', () => {
  fc.assert(
    fc.property(anyWorld, world => {
      assert.deepEqual(differences(world), []);
    }),
    { numRuns: 150 },
  );
});

test('a world in which something small is otherwise is found', () => {
  const without: Readonly<Record<string, (world: World) => World>> = {
    'except of a block': world => ({
      ...world,
      policies: world.policies.map(policy => edited(policy, /,"except":\[[^\]]*\]/g, '')),
    }),
    'the last port of a range': world => ({
      ...world,
      policies: world.policies.map(policy => edited(policy, /,"endPort":\d+/g, '')),
    }),
    'the protocol of a port': world => ({
      ...world,
      policies: world.policies.map(policy => edited(policy, /"protocol":"UDP"/g, '"protocol":"TCP"')),
    }),
    'a Pass': world => ({
      ...world,
      clusterPolicies: world.clusterPolicies.map(policy => edited(policy, /"Pass"/g, '"Accept"')),
    }),
    'the host’s network': world => ({
      ...world,
      pods: world.pods.map(pod => edited(pod, /"hostNetwork":true/g, '"hostNetwork":false')),
    }),
    'the end of a pod': world => ({
      ...world,
      pods: world.pods.map(pod => edited(pod, /"Succeeded"|"Failed"/g, '"Running"')),
    }),
    'a policy type': world => ({
      ...world,
      policies: world.policies.map(policy =>
        edited(policy, /"policyTypes":\["Egress"\]/g, '"policyTypes":[]'),
      ),
    }),
  };
  const sample = fc.sample(anyWorld, { numRuns: 150, seed: 11 });
  for (const [what, change] of Object.entries(without))
    assert.ok(
      sample.some(world => differences(change(world), world).length > 0),
      what,
    );
});

/** Of the same kind: what is replaced keeps its form. */
const edited = <T>(object: T, pattern: RegExp, text: string): T =>
  JSON.parse(JSON.stringify(object).replaceAll(pattern, text)) as T;
