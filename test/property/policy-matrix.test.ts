import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyMatrix } from '../../src/insight/policy/index.ts';
import { compileReach } from '../../src/policy/compile-reach.ts';
import { decide } from '../../src/policy/decide.ts';
import { address, modelOf, worlds } from './policy-worlds.ts';

const addresses = Array.from(
  { length: 4 },
  (_, index) => [`10.244.0.${10 + index}`, `fd00:10:244::${(16 + index).toString(16)}`] as const,
);
const ports = fc.oneof(fc.constantFrom(79, 80, 81, 82, 83, 8079, 8080, 8081), fc.nat(65_535));
const protocols = ['TCP', 'UDP', 'SCTP'] as const;

test('the matrix says of every port what the engine says, in both families', () => {
  fc.assert(
    fc.property(worlds(addresses, 4), fc.array(ports, { minLength: 8 }), (world, asked) => {
      const model = modelOf(world);
      for (const { from, to, family, everything, ports: spans } of policyMatrix(model, {
        namespaces: 'all',
      })) {
        const [source, destination] = [model.pods.get(from), model.pods.get(to)];
        if (source === undefined || destination === undefined) continue; // the outside
        for (const [index, of] of [4, 6].entries()) {
          if (family !== undefined && family !== of) continue;
          const ends = {
            source: source.addresses[index] ?? assert.fail(),
            destination: destination.addresses[index] ?? assert.fail(),
          };
          for (const port of asked)
            for (const protocol of protocols) {
              const inMatrix =
                everything ||
                spans.some(span => span.protocol === protocol && span.from <= port && port <= span.to);
              const { allowed } = decide(model, { ...ends, protocol, port });
              assert.equal(inMatrix, allowed, `${from} → ${to} ${protocol} ${port} IPv${of}`);
            }
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('what an address reaches is what the engine allows, whoever has it, and also without ports', () => {
  const end = fc.constantFrom(...addresses.map(([four]) => four), '172.30.0.1', '172.30.0.9', '203.0.113.7');
  fc.assert(
    fc.property(
      worlds(addresses, 4),
      fc.array(fc.tuple(end, end, ports), { minLength: 5 }),
      (world, asked) => {
        const model = modelOf(world);
        for (const [from, to, port] of asked) {
          const ends = { source: address(from), destination: address(to) };
          const reach = compileReach(model, ends);
          for (const protocol of protocols) {
            const isIn = reach.ports[protocol].some(span => span.from <= port && port <= span.to);
            assert.equal(
              isIn,
              decide(model, { ...ends, protocol, port }).allowed,
              `${from} ${to} ${protocol} ${port}`,
            );
          }
          for (const protocol of ['ICMP', 'other'] as const)
            assert.equal(
              reach.others,
              decide(model, { ...ends, protocol }).allowed,
              `${from} ${to} ${protocol}`,
            );
        }
      },
    ),
    { numRuns: 300 },
  );
});
