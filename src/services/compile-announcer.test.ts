import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress, parsePrefix } from '../base/ip.ts';
import { announcerOf } from './compile-announcer.ts';

const addressOf = (text: string) => {
  const address = parseAddress(text);
  assert.ok(address);
  return address;
};
const link = parsePrefix('172.30.0.0/16');
const nodes = [1, 2, 3].map(number => ({
  name: `node-${number}`,
  ready: true,
  addresses: [addressOf(`172.30.0.${number}`)],
}));

test('one node of the link answers for an address, and none for an address that is a node’s own', () => {
  assert.ok(link);
  const announcer = announcerOf(addressOf('172.30.200.1'), [], nodes, link);
  assert.ok(nodes.some(({ name }) => name === announcer));
  assert.equal(announcerOf(addressOf('172.30.0.2'), [], nodes, link), undefined);
  assert.equal(announcerOf(addressOf('172.30.200.1'), [], [], link), undefined);
});
