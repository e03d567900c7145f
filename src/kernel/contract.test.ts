import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bpf,
  cgroups,
  connectionMarks,
  defaults,
  interfaces,
  namespaces,
  nft,
  paths,
  routing,
  tc,
} from './contract.ts';
import { contains, overlaps, parseAddress, parsePrefix } from '../base/ip.ts';

/** The longest that a person may choose, with the longest that are made. */
const cluster = 'c'.repeat(24);
const node = 'node-9999';
const uid = '01234567-89ab-cdef-0123-456789abcdef';

test('every interface name fits the kernel: 1 to 15 bytes', () => {
  const names = [
    interfaces.uplink,
    interfaces.pod,
    interfaces.link(1),
    interfaces.link(2),
    interfaces.podHost('0123456789a'),
    interfaces.vxlan,
    interfaces.outside,
  ];
  assert.deepEqual(tooLong(names), []);
  assert.deepEqual(
    tooLong(['sixteen-bytes-xx', '']),
    ['sixteen-bytes-xx', ''],
    'the check itself finds bad names',
  );
});

test('interfaces that may stand in one namespace have different names', () => {
  const onNode = [interfaces.uplink, interfaces.vxlan, interfaces.podHost('0123456789a')];
  const inFabric = [interfaces.link(1), interfaces.link(2), interfaces.outside];
  assert.deepEqual(repeated(onNode), []);
  assert.deepEqual(repeated(inFabric), []);
  const vxlanAsPod = interfaces.vxlan.slice(interfaces.podHostPrefix.length);
  assert.doesNotMatch(vxlanAsPod, /^[0-9a-f]{11}$/, 'no pod can get the name of the VXLAN link');
});

test('no two chains share a hook and a priority, and each belongs to a table', () => {
  assert.deepEqual(chainCollisions(nft.chains), []);
  const tables = Object.keys(nft.tables);
  for (const chain of Object.keys(nft.chains)) {
    assert.ok(tables.includes(chain.split('/')[0] ?? ''), `the chain ${chain} has a table`);
  }
  assert.deepEqual(repeated(Object.values(nft.tables)), []);
  const seeded = { 'a/x': { hook: 'input', priority: 0 }, 'b/y': { hook: 'input', priority: 0 } };
  assert.deepEqual(chainCollisions(seeded), ['input 0'], 'the check itself finds a collision');
});

test('policy decides after Services have chosen an endpoint, and before what only shapes packets', () => {
  const destinationNat = -100;
  const at = (name: keyof typeof nft.chains) => nft.chains[name].priority;
  assert.ok(at('services/nat-prerouting') < destinationNat, 'other programs see translated addresses');
  assert.ok(at('policy/forward') < at('pods/forward-mss'));
  assert.ok(
    at('services/filter-output') > at('services/nat-output'),
    'what has no endpoint is left untranslated',
  );
  assert.ok(at('dns/notrack-prerouting') < -200, 'before connection tracking');
});

test('mark bits are 32 bits wide and belong to one block each', () => {
  assert.deepEqual(bitCollisions(connectionMarks), []);
  assert.deepEqual(bitCollisions({ a: 1, b: 3 }), ['b'], 'the check itself finds shared bits');
  assert.deepEqual(bitCollisions({ a: 0 }), ['a']);
  assert.deepEqual(bitCollisions({ a: 2 ** 32 }), ['a']);
});

test('routing tables have numbers of their own, outside the kernel’s', () => {
  const tables: Readonly<Record<string, number>> = routing.tables;
  assert.deepEqual(tableCollisions(tables), []);
  assert.deepEqual(tableCollisions({ a: 254, b: 7, c: 7 }), ['a', 'c'], 'the check itself finds collisions');
  assert.ok(routing.protocol > 4 && routing.protocol < 256, 'no protocol number of the kernel');
});

test('directories, pins, groups and namespaces of different owners never meet', () => {
  const groups = [
    cgroups.controlPlane(cluster),
    cgroups.agent(cluster, node),
    cgroups.pods(cluster, node),
    cgroups.agent(cluster, 'node-1'),
    cgroups.pods(cluster, 'node-1'),
  ];
  assert.deepEqual(nestings(groups), []);
  assert.deepEqual(
    nestings([bpf.node(cluster, node), bpf.node(cluster, 'node-1'), bpf.node('other', node)]),
    [],
  );
  assert.deepEqual(nestings([paths.nodeState(cluster, node), paths.nodeState(cluster, 'node-1')]), []);
  assert.deepEqual(nestings(['a/b', 'a/b/c', 'a/bc']), ['a/b/c'], 'the check itself finds a nesting');
  const named = [
    namespaces.fabric(cluster),
    namespaces.world(cluster),
    namespaces.node(cluster, node),
    namespaces.pod(cluster, uid),
  ];
  assert.deepEqual(repeated(named), []);
  for (const name of named) assert.ok(name.startsWith(namespaces.prefix(cluster)), name);
  assert.ok(!namespaces.prefix('shop-2').startsWith(namespaces.prefix('shop')), 'clusters are told apart');
});

test('everything of a cluster is below its own directory, and pod groups below their node’s', () => {
  assert.ok(cgroups.container(cluster, node, uid, 'app').startsWith(`${cgroups.pod(cluster, node, uid)}/`));
  assert.ok(cgroups.pod(cluster, node, uid).startsWith(`${cgroups.pods(cluster, node)}/`));
  assert.ok(cgroups.pods(cluster, node).startsWith(`${cgroups.cluster(cluster)}/`));
  assert.ok(bpf.node(cluster, node).startsWith(`${bpf.cluster(cluster)}/`));
  assert.ok(paths.nodeRun(cluster, node).startsWith(`${paths.run(cluster)}/`));
});

test('socket paths fit the kernel: 107 bytes', () => {
  const path = paths.cniSocket(cluster, node);
  assert.ok(path.length <= 107, `${path} has ${path.length} bytes`);
});

test('tc slots are taken once', () => {
  assert.deepEqual(repeated(tc.ingressSlots), []);
  assert.deepEqual(repeated(tc.egressSlots), []);
});

test('the default prefixes do not overlap, and addresses lie where they belong', () => {
  const prefix = (text: string) => {
    const parsed = parsePrefix(text);
    assert.ok(parsed, text);
    return parsed;
  };
  const { links, world, loadBalancerPrefixes } = defaults;
  const all = [
    ...defaults.podPrefixes,
    ...defaults.servicePrefixes,
    ...links[1].prefixes,
    ...links[2].prefixes,
  ];
  for (const [index, one] of all.entries()) {
    for (const other of all.slice(index + 1))
      assert.ok(!overlaps(prefix(one), prefix(other)), `${one} and ${other}`);
  }
  const inside = (address: string, networks: readonly string[]) => {
    const parsed = parseAddress(address);
    assert.ok(parsed, address);
    assert.ok(
      networks.some(network => contains(prefix(network), parsed)),
      `${address} is in ${networks.join(', ')}`,
    );
  };
  for (const link of [links[1], links[2]])
    for (const gateway of link.gateways) inside(gateway, link.prefixes);
  for (const address of world) inside(address, links[1].prefixes);
  for (const lb of loadBalancerPrefixes)
    assert.ok(links[1].prefixes.some(link => overlaps(prefix(link), prefix(lb))));
  for (const address of [...world, ...links[1].gateways]) {
    const parsed = parseAddress(address);
    assert.ok(
      parsed && !loadBalancerPrefixes.some(lb => contains(prefix(lb), parsed)),
      `${address} is no load balancer`,
    );
  }
});

const tooLong = (names: readonly string[]): readonly string[] =>
  names.filter(name => name === '' || new TextEncoder().encode(name).length > 15);

function repeated(values: readonly string[]): readonly string[] {
  return values.filter((value, index) => values.indexOf(value) !== index);
}

function chainCollisions(
  chains: Readonly<Record<string, { hook: string; priority: number }>>,
): readonly string[] {
  return repeated(Object.values(chains).map(chain => `${chain.hook} ${chain.priority}`));
}

/** Names whose bits are none, not in 32 bits, or taken by a name before. */
function bitCollisions(bits: Readonly<Record<string, number>>): readonly string[] {
  let taken = 0n;
  return Object.entries(bits).flatMap(([name, value]) => {
    const mask = BigInt(value);
    const bad = mask === 0n || mask >> 32n !== 0n || (mask & taken) !== 0n;
    taken |= mask;
    return bad ? [name] : [];
  });
}

function tableCollisions(tables: Readonly<Record<string, number>>): readonly string[] {
  const taken = new Set([0, 253, 254, 255]);
  return Object.entries(tables).flatMap(([name, number]) => {
    const bad = taken.has(number);
    taken.add(number);
    return bad ? [name] : [];
  });
}

/** Paths that are another's, or below it. */
function nestings(all: readonly string[]): readonly string[] {
  return all.filter((path, index) =>
    all.some((other, at) => at !== index && (path === other ? at < index : path.startsWith(`${other}/`))),
  );
}
