import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import { leakedAllocations, planAdoption } from './adoption.ts';
import { aliasOf, hostInterfaceOf, parseAlias } from './attachment.ts';
import type { Allocation } from './ipam/ipam.ts';

const key = { containerId: 'c1', interfaceName: 'eth0' };
const pod = { namespace: 'default', name: 'web', uid: 'u1' };
const name = hostInterfaceOf(key);
const now = 1_000_000;

function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
}

const allocation: Allocation = {
  ...key,
  pod,
  state: 'assigned',
  deadline: 0,
  created: 0,
  sandbox: '/run/netns/web',
  addresses: [address('10.244.0.5')],
  hostPorts: [],
};

const link = { name, up: true, mtu: 1500, content: { ...key, pod } };
const route = { destination: { ...address('10.244.0.5'), length: 32 }, device: name };
const withLink = { podLinks: new Map([[name, link]]), routes: [route] };
const nobody: ReadonlySet<string> = new Set();

test('a veth that the store has lost is adopted with the addresses that lead to it', () => {
  const plan = planAdoption([], withLink, nobody, now);
  assert.deepEqual(plan, {
    adopt: [{ ...key, pod, addresses: [address('10.244.0.5')] }],
    deleteLinks: [],
    release: [],
  });
});

test('a veth without addresses and without a row was never finished and goes', () => {
  assert.deepEqual(planAdoption([], { ...withLink, routes: [] }, nobody, now).deleteLinks, [name]);
});

test('a link of our name whose alias tells another story is left alone', () => {
  const foreign = { ...link, content: { ...key, containerId: 'other', pod } };
  for (const one of [foreign, { ...link, content: undefined }]) {
    const plan = planAdoption([], { ...withLink, podLinks: new Map([[name, one]]) }, nobody, now);
    assert.deepEqual(plan, { adopt: [], deleteLinks: [], release: [] });
  }
});

test('a reservation that no ADD has finished ends at its deadline, with its veth', () => {
  const reserving: Allocation = { ...allocation, state: 'reserving', deadline: now };
  const plan = planAdoption([reserving], withLink, nobody, now);
  assert.deepEqual([plan.release, plan.deleteLinks], [[reserving], [name]]);
  assert.deepEqual(planAdoption([reserving], withLink, nobody, now - 1).release, [], 'not before');
  assert.deepEqual(
    planAdoption([reserving], withLink, new Set([name]), now).release,
    [],
    'not while it is at work',
  );
});

test('an address leaks only when veth and namespace are both gone, and never at once', () => {
  const leaked = (links: typeof withLink.podLinks, exists: boolean, at: number) =>
    leakedAllocations([allocation], links, () => exists, at).length;
  assert.equal(leaked(new Map(), false, now), 1);
  assert.equal(leaked(new Map(), true, now), 0, 'the namespace is there: DEL may still come');
  assert.equal(leaked(withLink.podLinks, false, now), 0, 'a process holds the namespace');
  assert.equal(leaked(new Map(), false, 1000), 0, 'the runtime may be between two steps');
});

test('a link tells whose it is, within what Linux keeps of an alias', () => {
  assert.deepEqual(parseAlias(aliasOf(key, pod)), { ...key, pod });
  assert.deepEqual(parseAlias(aliasOf(key, { ...pod, uid: '' }))?.pod.uid, '');
  const long = { containerId: 'c'.repeat(128), interfaceName: 'i'.repeat(15) };
  const alias = aliasOf(long, { namespace: 'n'.repeat(63), name: 'p'.repeat(253), uid: 'u'.repeat(36) });
  assert.equal(alias.length, 255);
  const { containerId, interfaceName } = parseAlias(alias) ?? {};
  assert.deepEqual({ containerId, interfaceName }, long);
  for (const other of ['', 'eth0 uplink', 'pod', 'pod a/b']) assert.equal(parseAlias(other), undefined);
});
