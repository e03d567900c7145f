import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairleadError } from '../base/errors.ts';
import { type ClusterChoice, defaultChoice, planCluster } from './cluster.ts';

const plan = (choice: Partial<ClusterChoice>) => planCluster({ ...defaultChoice, ...choice }, 6443);

test('a cluster without wishes has three nodes on one link, in both families', () => {
  const config = plan({});
  assert.deepEqual(
    config.nodes.map(node => [node.name, node.link, ...node.addresses]),
    [
      ['node-1', 1, '172.30.0.1', 'fd00:172:30::1'],
      ['node-2', 1, '172.30.0.2', 'fd00:172:30::2'],
      ['node-3', 1, '172.30.0.3', 'fd00:172:30::3'],
    ],
  );
});

test('with two links, even nodes stand on the second', () => {
  const config = plan({ topology: 'two-links', nodes: 2 });
  assert.deepEqual(config.nodes[1], { name: 'node-2', link: 2, addresses: ['172.31.0.2', 'fd00:172:31::2'] });
});

const refused: readonly (readonly [string, Partial<ClusterChoice>, string, string])[] = [
  ['a name with capitals', { name: 'Shop' }, 'cluster/bad-name', '--name'],
  ['a name that leaves the directory', { name: '../etc' }, 'cluster/bad-name', '--name'],
  ['a name of 21 letters', { name: 'a'.repeat(21) }, 'cluster/bad-name', '--name'],
  ['no node', { nodes: 0 }, 'cluster/bad-nodes', '--nodes'],
  ['51 nodes', { nodes: 51 }, 'cluster/bad-nodes', '--nodes'],
  ['a number of nodes that is none', { nodes: Number.NaN }, 'cluster/bad-nodes', '--nodes'],
  ['a prefix with host bits', { podPrefixes: ['10.1.1.1/16'] }, 'cluster/bad-prefix', '--pod-prefixes'],
  [
    'two prefixes of one family',
    { podPrefixes: ['10.1.0.0/16', '10.2.0.0/16'] },
    'cluster/bad-prefix',
    '--pod-prefixes',
  ],
  [
    'pods without room for the nodes',
    { podPrefixes: ['10.1.0.0/24', 'fd00:1::/56'] },
    'cluster/pod-prefix-too-small',
    '--pod-prefixes',
  ],
  [
    'Services over pods',
    { servicePrefixes: ['10.244.0.0/20', 'fd00:10:96::/112'] },
    'cluster/prefixes-overlap',
    '--pod-prefixes',
  ],
  [
    'pods over the nodes',
    { podPrefixes: ['172.16.0.0/12', 'fd00:1::/56'] },
    'cluster/prefixes-overlap',
    '--pod-prefixes',
  ],
  [
    'Services in one family, pods in two',
    { servicePrefixes: ['10.96.0.0/16'] },
    'cluster/families-differ',
    '--service-prefixes',
  ],
  [
    'a Service prefix without end',
    { servicePrefixes: ['10.96.0.0/16', 'fd00:10:96::/64'] },
    'cluster/service-prefix-size',
    '--service-prefixes',
  ],
];

for (const [name, choice, code, field] of refused) {
  test(`refused, with the option and the next step: ${name}`, () => {
    assert.throws(
      () => plan(choice),
      error =>
        error instanceof FairleadError &&
        error.code === code &&
        error.field === field &&
        error.hint !== undefined,
    );
  });
}
