import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, formatPrefix, prefixOf } from '../../base/ip.ts';
import type { Address } from '../../base/ip.ts';
import { decodeLinkAddress } from './address.ts';
import { decodeConnection } from './conntrack.ts';
import { encodeOperation } from './encode.ts';
import { NetlinkError, decodeRefusal } from './error.ts';
import { decodeLink } from './link.ts';
import { decodeForwardingEntry, decodeNeighbour } from './neighbour.ts';
import type { RouteOperation } from './operation.ts';
import { describeOperation } from './operation.ts';
import type { Resolver } from './request.ts';
import { decodeRoute } from './route.ts';
import { decodeRule } from './rule.ts';

const resolve: Resolver = { linkIndex: () => 7, namespaceFd: () => 9 };
const decoders = [
  decodeLink,
  decodeLinkAddress,
  decodeRoute,
  decodeRule,
  decodeNeighbour,
  decodeForwardingEntry,
  decodeConnection,
];

const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt(0n, (1n << 32n) - 1n).map(value => ({ family: 4 as const, value })),
  fc.bigInt(0n, (1n << 128n) - 1n).map(value => ({ family: 6 as const, value })),
);
const anyPrefix = fc
  .tuple(anyAddress, fc.nat(128))
  .map(([address, length]) => prefixOf(address, Math.min(length, address.family === 4 ? 32 : 128)));
const anyMac = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map(bytes => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(':'));

function bodyOf(operation: RouteOperation): Uint8Array {
  const [request] = encodeOperation(operation, resolve);
  assert.ok(request);
  return request.body;
}

test('a route is read as it was installed', () => {
  const number = fc.integer({ min: 1, max: 0xffff_ffff });
  fc.assert(
    fc.property(
      anyPrefix,
      anyAddress,
      number,
      number,
      number,
      fc.boolean(),
      (prefix, via, table, mtu, metric, onlink) => {
        const dst = formatPrefix(prefix);
        const route = {
          do: 'route-replace',
          dst,
          via: formatAddress(via),
          dev: 'eth0',
          table,
          mtu,
          advmss: mtu,
          metric,
          onlink,
        } as const;
        const found = decodeRoute(bodyOf(route));
        assert.ok(found);
        const { family, dst: readDst, via: readVia, index } = found;
        assert.deepEqual(
          { family, readDst, readVia, index },
          { family: prefix.family, readDst: dst, readVia: route.via, index: 7 },
        );
        const {
          table: readTable,
          mtu: readMtu,
          advmss,
          metric: readMetric,
          onlink: readOnlink,
          protocol,
        } = found;
        assert.deepEqual(
          [readTable, readMtu, advmss, readMetric, readOnlink, protocol],
          [table, mtu, mtu, metric, onlink, 98],
        );
      },
    ),
  );
});

test('a route without a next hop has the scope of its link, and a refusing one its type', () => {
  assert.equal(decodeRoute(bodyOf({ do: 'route-replace', dst: '10.0.0.0/8', dev: 'a' }))?.scope, 'link');
  assert.equal(
    decodeRoute(bodyOf({ do: 'route-replace', dst: '10.0.0.0/8', via: '1.1.1.1' }))?.scope,
    'global',
  );
  assert.equal(
    decodeRoute(bodyOf({ do: 'route-replace', dst: '::/0', type: 'unreachable' }))?.type,
    'unreachable',
  );
});

test('an address is read as it was added', () => {
  fc.assert(
    fc.property(anyAddress, fc.nat(128), fc.boolean(), (address, length, nodad) => {
      const text = `${formatAddress(address)}/${Math.min(length, address.family === 4 ? 32 : 128)}`;
      const found = decodeLinkAddress(
        bodyOf({ do: 'address-add', dev: 'eth0', address: text, nodad, scope: 'link' }),
      );
      assert.deepEqual([found?.address, found?.index, found?.scope], [text, 7, 'link']);
    }),
  );
});

test('a neighbour and a forwarding entry are read as they were set', () => {
  fc.assert(
    fc.property(anyAddress, anyMac, (address, mac) => {
      const text = formatAddress(address);
      const neighbour = decodeNeighbour(bodyOf({ do: 'neighbour-replace', dev: 'a', address: text, mac }));
      assert.deepEqual([neighbour?.address, neighbour?.mac, neighbour?.state], [text, mac, 'permanent']);
      const entry = decodeForwardingEntry(bodyOf({ do: 'fdb-replace', dev: 'a', mac, via: text }));
      assert.deepEqual([entry?.mac, entry?.via, entry?.permanent], [mac, text, true]);
    }),
  );
});

test('a rule is read as it was added', () => {
  const rule = {
    family: 6,
    priority: 120,
    table: 500,
    from: 'fd00::/64',
    incoming: 'eth0',
    mark: 0x4000,
    mask: 0x4000,
  } as const;
  const found = decodeRule(bodyOf({ do: 'rule-add', ...rule }));
  assert.deepEqual(
    { ...found },
    { ...rule, action: 'table', to: undefined, outgoing: undefined, protocol: 98 },
  );
});

test('a link is read as it was made', () => {
  const found = decodeLink(
    bodyOf({
      do: 'link-add',
      kind: 'vxlan',
      name: 'fl-vxlan',
      id: 4242,
      port: 8472,
      local: 'fd00::1',
      mtu: 1430,
      mac: '02:00:00:00:00:01',
    }),
  );
  assert.equal(found?.kind, 'vxlan');
  assert.deepEqual([found.name, found.mtu, found.mac], ['fl-vxlan', 1430, '02:00:00:00:00:01']);
  assert.deepEqual(found.vxlan, { id: 4242, port: 8472, local: 'fd00::1', learning: false });
});

test('values that are none are refused before the kernel sees them', () => {
  const bad: readonly RouteOperation[] = [
    { do: 'link-set', dev: 'a', name: 'sixteen-bytes-xx' },
    { do: 'link-add', kind: 'bridge', name: 'a/b' },
    { do: 'address-add', dev: 'a', address: '10.0.0.1' },
    { do: 'route-replace', dst: '10.0.0.1/8' },
    { do: 'neighbour-replace', dev: 'a', address: '10.0.0.1', mac: '02:00:00:00:00' },
    { do: 'rule-add', family: 6, priority: 1, from: '10.0.0.0/8' },
    { do: 'link-add', kind: 'bridge', name: 'a', namespace: '/run/netns/x', alias: 'b' },
  ];
  for (const operation of bad)
    assert.throws(() => bodyOf(operation), { name: 'FairleadError' }, describeOperation(operation));
});

test('hostile answers are left out or read in part, and never break the reader', () => {
  const header = fc.constantFrom([2, 8, 0, 0], [10, 128, 0, 0], [7, 0, 0, 0], [0, 0, 0, 0]);
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 200 }), (first, rest) => {
      const body = Uint8Array.of(...first, ...rest);
      for (const decode of decoders) decode(body);
      decodeRefusal({ type: 2, flags: 0x200, sequence: 1, body });
      decodeRefusal({ type: 3, flags: 0x300, sequence: 1, body });
    }),
    { numRuns: 2000 },
  );
});

test('an answer that is cut anywhere never breaks the reader', () => {
  const operations: readonly RouteOperation[] = [
    { do: 'link-add', kind: 'veth', name: 'a', alias: 'pod', peer: { name: 'b', mac: '02:00:00:00:00:01' } },
    { do: 'route-replace', dst: 'fd00::/64', via: 'fe80::1', dev: 'a', mtu: 1400 },
    { do: 'address-add', dev: 'a', address: 'fd00::1/64' },
    { do: 'rule-add', family: 4, priority: 1, table: 3, from: '10.0.0.0/8' },
    { do: 'neighbour-replace', dev: 'a', address: 'fe80::1', mac: '02:00:00:00:00:01' },
  ];
  for (const operation of operations) {
    const body = bodyOf(operation);
    for (let length = 0; length < body.length; length++) {
      for (const decode of decoders) decode(body.subarray(0, length));
    }
  }
});

test('a refusal names the operation, the error and the kernel’s own words', () => {
  const words = new TextEncoder().encode('Nexthop has invalid gateway\0');
  const body = Buffer.alloc(20 + 4 + words.length);
  body.writeInt32LE(-101, 0);
  body.writeUInt32LE(16, 4);
  body.writeUInt16LE(4 + words.length, 20);
  body.writeUInt16LE(1, 22);
  body.set(words, 24);
  const refusal = decodeRefusal({ type: 2, flags: 0x300, sequence: 1, body });
  assert.deepEqual(refusal, { errno: 101, message: 'Nexthop has invalid gateway' });
  const error = new NetlinkError(
    describeOperation({ do: 'route-replace', dst: '10.0.0.0/8', via: '9.9.9.9' }),
    refusal,
    3,
  );
  assert.match(error.message, /install the route to 10.0.0.0\/8 via 9.9.9.9/);
  assert.match(error.message, /Nexthop has invalid gateway/);
  assert.deepEqual([error.errno, error.operationIndex, error.code], ['ENETUNREACH', 3, 'kernel/netlink']);
});

test('an acknowledgement is no refusal, and a cut-off one is', () => {
  assert.equal(decodeRefusal({ type: 2, flags: 0, sequence: 1, body: new Uint8Array(20) }), undefined);
  assert.equal(decodeRefusal({ type: 2, flags: 0, sequence: 1, body: new Uint8Array(2) })?.errno, 71);
});
