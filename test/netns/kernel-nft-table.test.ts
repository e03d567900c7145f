import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NftTableSocket } from '../../src/kernel/netlink/index.ts';
import type { ElementTypes } from '../../src/kernel/netlink/index.ts';
import { Nft } from '../../src/kernel/nft/index.ts';
import { parseTable } from '../../src/kernel/nft/table.ts';
import { temporaryNamespace } from './kernel-fixture.ts';

/** What the reader says of a table is what nft says of it. */

const at = 'inet_proto . inet_service';
const types = new Map<string, ElementTypes>([
  ['four', { key: `ipv4_addr . ${at}` }],
  ['six', { key: 'ipv6_addr', value: 'classid' }],
  ['ways', { key: 'inet_service', value: 'verdict' }],
  ['slots', { key: 'ipv4_addr . classid', value: 'ipv4_addr . inet_service' }],
  ['ranges', { key: `ipv4_addr . ${at} . ipv4_addr` }],
]);

const declarations: Readonly<Record<string, string>> = {
  four: `set inet t four { type ipv4_addr . ${at} ; counter ; comment "abc" ; }`,
  six: 'map inet t six { type ipv6_addr : classid ; }',
  ways: 'map inet t ways { type inet_service : verdict ; comment "x-y_z" ; }',
  slots: 'map inet t slots { type ipv4_addr . classid : ipv4_addr . inet_service ; counter ; }',
  ranges: `set inet t ranges { type ipv4_addr . ${at} . ipv4_addr ; flags interval ; }`,
};

const byte = fc.nat(255);
const four = fc.tuple(byte, byte, byte).map(parts => `10.${parts.join('.')}`);
const six = fc
  .uniqueArray(fc.nat(0xffff), { minLength: 3, maxLength: 3 })
  .map(([a = 0, b = 0, c = 0]) => `fd00:${a.toString(16)}:${b.toString(16)}::${c.toString(16)}`);
const port = fc.integer({ min: 1, max: 65_535 }).map(String);
const protocol = fc.constantFrom('tcp', 'udp', 'sctp');
const slot = fc
  .tuple(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 1, max: 0xffff }))
  .map(([major, minor]) => `${major.toString(16)}:${minor.toString(16)}`);
const joined = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map(all => all.join(' . '));
const range = fc
  .tuple(byte, fc.constantFrom(8, 16, 24, 32))
  .map(([part, length]) =>
    length === 32
      ? `11.${part}.0.1`
      : `${['', `${part}.0.0.0`, `11.${part}.0.0`, `11.1.${part}.0`][length / 8]}/${length}`,
  );
const of = (key: fc.Arbitrary<string>, value?: fc.Arbitrary<string>) =>
  fc.uniqueArray(value === undefined ? key : fc.tuple(key, value).map(pair => pair.join(' : ')), {
    selector: text => text.split(' : ')[0],
    maxLength: 20,
  });

const contents = fc.record({
  four: of(joined(four, protocol, port)),
  six: of(six, slot),
  ways: of(port, fc.constantFrom('goto a', 'goto c')),
  slots: of(joined(four, slot), joined(four, port)),
  // One range each, so that none overlaps another.
  ranges: of(joined(four, protocol, port, range)),
});

test('a table is read from the kernel as nft lists it, whatever is in it', async context => {
  const namespace = temporaryNamespace(context, 'tables');
  using nft = Nft.open(namespace);
  using socket = NftTableSocket.open(namespace);
  assert.equal(socket.read('t', types), undefined, 'there is no table yet');
  fc.assert(
    fc.property(contents, drawn => {
      nft.run(
        [
          'add table inet t',
          'delete table inet t',
          'add table inet t',
          'add chain inet t a',
          'add chain inet t c',
          'add chain inet t b { type filter hook input priority 0 ; }',
          ...Object.values(declarations).map(each => `add ${each}`),
          'add rule inet t a counter drop comment "first"',
          'add rule inet t a accept comment "second"',
          'add rule inet t b tcp dport { 80, 443 } accept',
          ...Object.entries(drawn).flatMap(([set, elements]) =>
            elements.length === 0 ? [] : [`add element inet t ${set} { ${elements.join(', ')} }`],
          ),
        ].join('\n'),
      );
      assert.deepEqual(plain(socket.read('t', types)), plain(parseTable(nft.list('list table inet t'))));
    }),
    { numRuns: 60 },
  );
});

function plain(state: ReturnType<typeof parseTable> | undefined) {
  const sorted = <T>(entries: Iterable<readonly [string, T]>) =>
    [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    sets: sorted(state?.sets ?? []).map(([name, { digest, elements }]) => [name, digest, sorted(elements)]),
    chains: sorted(state?.chains ?? []),
  };
}
