import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf, parseTable, renderStructure } from './table.ts';
import type { TableProgram } from './table.ts';

const program: TableProgram = {
  name: 't',
  sets: [
    { name: 'known', kind: 'set', declaration: 'type ipv4_addr ;' },
    { name: 'places', kind: 'map', declaration: 'type ipv4_addr . inet_service : ipv4_addr ;' },
  ],
  chains: [
    { name: 'refuse', rules: ['drop'] },
    {
      name: 'in',
      base: 'type filter hook input priority 0 ;',
      rules: ['ip saddr @known goto refuse', 'accept'],
    },
  ],
};

/** As the library lists what `program` makes, shortened. */
const listing = {
  nftables: [
    { metainfo: { json_schema_version: 1 } },
    { table: { family: 'inet', name: 't' } },
    {
      set: {
        name: 'known',
        comment: digestOf('type ipv4_addr ;'),
        elem: ['10.0.0.1', { elem: { val: '10.0.0.2', counter: null } }],
      },
    },
    {
      map: {
        name: 'places',
        comment: digestOf('type ipv4_addr . inet_service : ipv4_addr ;'),
        elem: [
          [{ concat: ['10.0.0.1', 80] }, '10.1.0.1'],
          [{ elem: { val: { concat: ['::a00:1', 443] }, counter: null } }, { goto: { target: 'refuse' } }],
        ],
      },
    },
    { chain: { name: 'refuse' } },
    { chain: { name: 'in', hook: 'input' } },
    { rule: { chain: 'refuse', comment: digestOf('drop') } },
    { rule: { chain: 'in', comment: digestOf('ip saddr @known goto refuse') } },
    { rule: { chain: 'in', comment: digestOf('accept') } },
  ],
};

test('a table that is as it has to be is left alone', () => {
  assert.equal(renderStructure(parseTable(listing), program), '');
});

test('a table that is not there is made in full, sets before the rules that use them', () => {
  const text = renderStructure(undefined, program) ?? '';
  assert.match(
    text,
    /^add table inet t\nadd set inet t known \{ type ipv4_addr ; comment "[\w-]{16}" ; \}\n/,
  );
  assert.ok(text.indexOf('add map inet t places') < text.indexOf('add rule'));
  assert.ok(text.includes('add chain inet t in { type filter hook input priority 0 ; }\n'));
});

test('only the chain whose rules differ is written again', () => {
  const state = parseTable({
    nftables: listing.nftables.filter(object => !('rule' in object && object.rule?.chain === 'in')),
  });
  assert.deepEqual(
    (renderStructure(state, program) ?? '').split('\n').map(line => line.replace(/ comment.*/, '')),
    [
      'add chain inet t in',
      'flush chain inet t in',
      'add rule inet t in ip saddr @known goto refuse',
      'add rule inet t in accept',
      '',
    ],
  );
});

test('a rule of somebody else in our chain is noticed', () => {
  const foreign = { nftables: [...listing.nftables, { rule: { chain: 'in' } }] };
  assert.match(renderStructure(parseTable(foreign), program) ?? '', /flush chain inet t in/);
});

test('a set that was declared otherwise cannot be changed in place', () => {
  const sets = [{ name: 'known', kind: 'set', declaration: 'type ipv6_addr ;' }] as const;
  assert.equal(renderStructure(parseTable(listing), { ...program, sets }), undefined);
});

test('elements are read as they are written in commands', () => {
  const { sets } = parseTable(listing);
  assert.deepEqual(
    [...(sets.get('known')?.elements ?? [])],
    [
      ['10.0.0.1', ''],
      ['10.0.0.2', ''],
    ],
  );
  assert.deepEqual(
    [...(sets.get('places')?.elements ?? [])],
    [
      ['10.0.0.1 . 80', '10.1.0.1'],
      ['::a00:1 . 443', 'goto refuse'],
    ],
  );
});
