import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policyMatrix } from '../../src/insight/policy/index.ts';
import { decide } from '../../src/policy/decide.ts';
import { modelOf, worlds } from './policy-worlds.ts';

const addresses = Array.from(
  { length: 4 },
  (_, index) => [`10.244.0.${10 + index}`, `fd00:10:244::${(16 + index).toString(16)}`] as const,
);

test('the matrix says of every port what the engine says', () => {
  const ports = fc.oneof(fc.constantFrom(79, 80, 81, 82, 83, 8079, 8080, 8081), fc.nat(65_535));
  fc.assert(
    fc.property(worlds(addresses, 4), fc.array(ports, { minLength: 8 }), (world, asked) => {
      const model = modelOf(world);
      for (const { from, to, everything, ports: spans } of policyMatrix(model, 'all')) {
        const [source] = model.pods.get(from)?.addresses ?? [];
        const [destination] = model.pods.get(to)?.addresses ?? [];
        if (source === undefined || destination === undefined) continue; // the outside
        for (const port of asked)
          for (const protocol of ['TCP', 'UDP', 'SCTP'] as const) {
            const inMatrix =
              everything ||
              spans.some(span => span.protocol === protocol && span.from <= port && port <= span.to);
            const { allowed } = decide(model, { source, destination, protocol, port });
            assert.equal(inMatrix, allowed, `${from} → ${to} ${protocol} ${port}`);
          }
      }
    }),
    { numRuns: 100 },
  );
});
