import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkPolicyPort } from '../kube/types/networking.ts';
import { readPolicy } from './compile-policy.ts';

const blocks = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ipBlock: { cidr: `198.18.${index >> 8}.${index & 255}/32` },
  }));
const ports = (count: number): readonly NetworkPolicyPort[] =>
  Array.from({ length: count }, (_, index) => ({ port: 2 * index + 1 }));

test('a policy whose blocks and ports multiply beyond what a kernel should hold allows nothing by that rule, and says so', () => {
  const read = readPolicy({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace: 'shop', name: 'large' },
    spec: {
      podSelector: {},
      ingress: [{ from: blocks(1000), ports: ports(50) }, { from: blocks(2000), ports: ports(500) }, {}],
      egress: [{ to: blocks(10_000) }, { ports: ports(10_000) }],
    },
  });
  const [whole, tooLarge, all] = read.rules.ingress;
  assert.deepEqual([whole?.peers?.length, whole?.ports?.length], [1000, 50]);
  assert.deepEqual(
    tooLarge?.peers?.map(({ is }) => is),
    ['nobody'],
  );
  assert.equal(all?.peers, undefined, 'the rules behind it count');
  assert.deepEqual(
    read.rules.egress.map(rule => [rule.peers?.length, rule.ports?.length]),
    [
      [10_000, undefined],
      [undefined, 10_000],
    ],
    'directions are counted for themselves, and a list alone is not multiplied',
  );
  assert.deepEqual(
    read.problems.map(({ provenance, sentence }) => [provenance.field, sentence]),
    [
      [
        'spec.ingress[1]',
        'with it the policy has 1050000 pairs of a peer and a port, and 50000 is the most: the rule allows nothing',
      ],
    ],
  );
});
