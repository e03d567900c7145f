import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addressAt,
  contains,
  formatAddress,
  formatPrefix,
  overlaps,
  parseAddress,
  parsePrefix,
  subnetAt,
} from '../../src/base/ip.ts';
import type { Address, Prefix } from '../../src/base/ip.ts';
import type { RouteOperation } from '../../src/kernel/netlink/index.ts';
import { entryOperations, nothing } from '../../src/pods/apply-entries.ts';
import { compileHostPorts, hostPortsIn, sortHostPorts } from '../../src/pods/compile-host-ports.ts';
import { compileNetwork } from '../../src/pods/compile-network.ts';
import type { NetworkProgram } from '../../src/pods/compile-program.ts';
import { compileRules, renderDelta, stateOf } from '../../src/pods/compile-rules.ts';
import type { TableState } from '../../src/kernel/nft/table.ts';
import type { Attachment, Cluster, HostPort, NodeNetwork, Uplink } from '../../src/pods/model.ts';

const prefix = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};
const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
};

const uplinks: readonly Uplink[] = [
  {
    name: 'eth0',
    mtu: 1500,
    addresses: [
      { address: address('172.30.0.1'), length: 16 },
      { address: address('fd00:172:30::1'), length: 64 },
    ],
  },
];

/** Small spaces, so that nodes often claim the same: wrong Nodes are part of the input. */
const peer: fc.Arbitrary<NodeNetwork> = fc
  .record({
    name: fc.nat(12),
    subnet: fc.nat(15),
    length: fc.constantFrom(20, 24, 24, 24, 25),
    host: fc.integer({ min: 1, max: 15 }),
    link: fc.constantFrom(30, 30, 31),
    families: fc.constantFrom<readonly number[]>([4, 6], [4], [6], []),
  })
  .map(({ name, subnet, length, host, link, families }) => ({
    name: `node-${name}`,
    podPrefixes: [
      subnetAt(prefix('10.244.0.0/16'), length, BigInt(subnet)),
      subnetAt(prefix('fd00:10:244::/56'), 64, BigInt(subnet)),
    ],
    addresses: [address(`172.${link}.0.${host}`), address(`fd00:172:${link}::${host.toString(16)}`)].filter(
      one => families.includes(one.family),
    ),
  }));

const hostPort: fc.Arbitrary<Omit<HostPort, 'port'>> = fc.record({
  protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
  address: fc.constantFrom(
    undefined,
    ...['0.0.0.0', '::', '172.30.0.1', 'fd00:172:30::1', '127.0.0.1'].map(address),
  ),
  containerPort: fc.integer({ min: 1, max: 0xffff }),
});

/** No two attachments have a port in common: the address store sees to it. */
const attachment: fc.Arbitrary<Attachment> = fc
  .tuple(fc.nat(30), fc.array(hostPort, { maxLength: 3 }))
  .map(([index, ports]) => ({
    hostPorts: ports.map((port, number) => ({ ...port, port: 1000 + 10 * index + number })),
    containerId: `c${index}`,
    interfaceName: 'eth0',
    pod: { namespace: 'default', name: `pod-${index}`, uid: '' },
    addresses: [
      addressAt(prefix('10.244.0.0/24'), BigInt(index + 1)),
      addressAt(prefix('fd00:10:244::/64'), BigInt(index + 1)),
    ],
    hostInterface: `fl${index.toString(16).padStart(11, '0')}`,
    mac: `02:00:00:00:00:${index.toString(16).padStart(2, '0')}`,
  }));

const cluster: fc.Arbitrary<Cluster> = fc
  .record({
    peers: fc.uniqueArray(peer, { maxLength: 8, selector: node => node.name }),
    attachments: fc.uniqueArray(attachment, { maxLength: 8, selector: one => one.containerId }),
    knowsPrefix: fc.boolean(),
  })
  .map(({ peers, attachments, knowsPrefix }) => ({
    self: {
      name: 'node-self',
      podPrefixes: [prefix('10.244.0.0/24'), prefix('fd00:10:244::/64')],
      addresses: [address('172.30.0.1'), address('fd00:172:30::1')],
    },
    clusterPrefixes: knowsPrefix ? [prefix('10.244.0.0/16')] : [],
    peers,
    uplinks,
    attachments,
  }));

/** A kernel of routes, neighbours and forwarding entries that refuses what a real one would. */
class ModelKernel {
  readonly routes = new Map<string, string>();
  readonly neighbours = new Map<string, string>();
  readonly forwarding = new Map<string, string>();

  apply(operations: readonly RouteOperation[]): void {
    for (const operation of operations) this.#apply(operation);
  }

  #apply(operation: RouteOperation): void {
    switch (operation.do) {
      case 'route-replace':
        if (operation.onlink === true)
          assert.ok(
            this.neighbours.has(`${operation.dev} ${operation.via}`),
            'the next hop is known before its route',
          );
        this.routes.set(operation.dst, JSON.stringify(operation));
        return;
      case 'route-delete':
        assert.ok(this.routes.delete(operation.dst), 'only what is there is deleted');
        return;
      case 'neighbour-replace':
        this.neighbours.set(`${operation.dev} ${operation.address}`, operation.mac);
        return;
      case 'neighbour-delete':
        assert.ok(this.neighbours.delete(`${operation.dev} ${operation.address}`));
        return;
      case 'fdb-replace':
        this.forwarding.set(`${operation.dev} ${operation.mac}`, operation.via ?? '');
        return;
      case 'fdb-delete':
        assert.ok(this.forwarding.delete(`${operation.dev} ${operation.mac}`));
        return;
      case 'link-add':
      case 'link-set':
      case 'link-delete':
      case 'links-delete':
      case 'address-add':
      case 'address-delete':
      case 'rule-add':
      case 'rule-delete':
      case 'proxy-replace':
      case 'proxy-delete':
        assert.fail(`${operation.do} is no operation on entries`);
    }
  }

  get state(): unknown {
    const sorted = (map: ReadonlyMap<string, string>) => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return [sorted(this.routes), sorted(this.neighbours), sorted(this.forwarding)];
  }
}

const stateAfter = (...programs: readonly NetworkProgram[]): unknown => {
  const kernel = new ModelKernel();
  let before: Pick<NetworkProgram, 'routes' | 'neighbours' | 'forwarding'> = nothing;
  for (const program of programs) {
    kernel.apply(entryOperations(before, program));
    before = program;
  }
  return kernel.state;
};

test('going from one cluster to another ends where starting with the other ends, and doing it again does nothing', () => {
  fc.assert(
    fc.property(cluster, cluster, (a, b) => {
      const [before, after] = [compileNetwork(a).program, compileNetwork(b).program];
      assert.deepEqual(stateAfter(before, after), stateAfter(after));
      assert.deepEqual(entryOperations(after, after), []);
    }),
  );
});

test('the order in which nodes and pods become known makes no difference', () => {
  fc.assert(
    fc.property(cluster, fc.infiniteStream(fc.nat()), (one, numbers) => {
      const shuffled = <T>(list: readonly T[]) =>
        list
          .map(item => ({ item, rank: Number(numbers.next().value) }))
          .toSorted((a, b) => a.rank - b.rank)
          .map(({ item }) => item);
      const other = { ...one, peers: shuffled(one.peers), attachments: shuffled(one.attachments) };
      const [a, b] = [compileNetwork(one), compileNetwork(other)];
      assert.deepEqual(stateAfter(a.program), stateAfter(b.program));
      assert.deepEqual(a.program.sets, b.program.sets);
      assert.deepEqual(a.problems, b.problems);
    }),
  );
});

test('no Node, however wrong, takes traffic of this node, of its pods or of another node', () => {
  fc.assert(
    fc.property(cluster, one => {
      const { program } = compileNetwork(one);
      const toPeers = [...program.routes.values()].filter(route => route.via !== undefined);
      for (const route of toPeers) {
        for (const own of one.self.podPrefixes) assert.ok(!overlaps(own, route.destination));
        for (const host of [one.self, ...one.peers].flatMap(node => node.addresses))
          assert.ok(!contains(route.destination, host));
        for (const other of toPeers)
          assert.ok(other === route || !overlaps(other.destination, route.destination));
      }
      for (const { addresses, hostInterface } of one.attachments)
        for (const own of addresses)
          assert.equal(
            program.routes.get(`${formatAddress(own)}/${own.family === 4 ? 32 : 128}`)?.device,
            hostInterface,
          );
    }),
  );
});

test('the prefixes of a set never overlap, which the kernel would refuse', () => {
  fc.assert(
    fc.property(cluster, one => {
      const { pods } = compileNetwork(one).program.sets;
      for (const a of pods)
        for (const b of pods) assert.ok(a === b || !overlaps(a, b), `${formatPrefix(a)} ${formatPrefix(b)}`);
    }),
  );
});

/** Understands the commands that `renderDelta` writes. */
function runCommands(state: TableState | undefined, text: string): TableState {
  const sets = new Map(
    [...(state?.sets ?? [])].map(([name, { digest, elements }]) => [
      name,
      { digest, elements: new Map(elements) },
    ]),
  );
  const chains = new Map([...(state?.chains ?? [])].map(([name, rules]) => [name, [...rules]]));
  for (const line of text.split('\n').filter(one => one !== '')) {
    const [verb = '', kind = '', , , name = ''] = line.split(' ');
    const elements = /\{ (.*) \}$/.exec(line)?.[1]?.split(', ') ?? [];
    if (kind === 'set' || kind === 'map')
      sets.set(name, { digest: /comment "(.*)"/.exec(line)?.[1] ?? '', elements: new Map() });
    else if (kind === 'chain' && verb === 'add') chains.set(name, chains.get(name) ?? []);
    else if (kind === 'chain')
      assert.ok(chains.get(name)?.splice(0), 'only a chain that is there is flushed');
    else if (kind === 'rule') chains.get(name)?.push(/comment "(.*)"$/.exec(line)?.[1] ?? '');
    else if (kind === 'element') {
      const set = sets.get(name)?.elements;
      assert.ok(set);
      for (const element of elements) {
        const [key = '', value = ''] = element.split(' : ');
        assert.equal(set.has(key), verb === 'delete', `${verb} of ${element}`);
        if (verb === 'add') set.set(key, value);
        else set.delete(key);
      }
    } else assert.equal(kind, 'table');
  }
  return { sets, chains };
}

test('the rules of one cluster become those of another by the smallest change, and then nothing is left to do', () => {
  fc.assert(
    fc.property(cluster, cluster, (a, b) => {
      const [before, after] = [a, b].map(one => compileRules(compileNetwork(one).program.sets));
      assert.ok(before && after);
      const first = runCommands(undefined, renderDelta(undefined, before));
      assert.equal(renderDelta(first, before), '');
      const change = renderDelta(first, after);
      assert.ok(!/chain|rule|add set/.test(change), 'rules that are right are not touched');
      assert.equal(renderDelta(runCommands(first, change), after), '');
    }),
  );
});

test('an address store that is lost gets the ports of the node back from the rules', () => {
  fc.assert(
    fc.property(cluster, one => {
      const sets = stateOf(compileRules(compileNetwork(one).program.sets)).sets;
      for (const { addresses, hostPorts } of one.attachments) {
        const places = (ports: readonly HostPort[]) => {
          const attachment = { addresses, hostPorts: ports, hostInterface: '' };
          return sortHostPorts(compileHostPorts(attachment));
        };
        assert.deepEqual(places(hostPortsIn(sets, addresses)), places(hostPorts));
      }
    }),
  );
});
