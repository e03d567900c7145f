import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { test } from 'node:test';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import type { RouteOperation } from '../../src/kernel/netlink/index.ts';
import { temporaryNamespace, testName } from './kernel-fixture.ts';

const ip = (part: string, ...command: string[]) =>
  execFileSync('ip', ['-n', testName(part), ...command], { encoding: 'utf8' });
const macs = { host: '02:00:00:00:00:01', pod: '02:00:00:00:00:02' } as const;

test('a pod is wired in two steps: host and pod end, addresses, routes and neighbours, as iproute2 sees them', context => {
  const host = temporaryNamespace(context, 'host');
  const pod = temporaryNamespace(context, 'pod');
  using atHost = RouteSocket.open(host);
  using atPod = RouteSocket.open(pod);
  const dev = 'fl0123456789a';
  const peer = { name: 'eth0', namespace: pod, mac: macs.pod, mtu: 1450 };
  atHost.apply([
    {
      do: 'link-add',
      kind: 'veth',
      name: dev,
      mac: macs.host,
      mtu: 1450,
      alias: 'shop/web',
      linkLocal: 'none',
      up: true,
      peer,
    },
    { do: 'route-replace', dst: '10.244.0.5/32', dev },
    { do: 'route-replace', dst: 'fd00::5/128', dev },
    { do: 'neighbour-replace', dev, address: '10.244.0.5', mac: macs.pod },
  ]);
  atPod.apply([
    { do: 'link-set', dev: 'eth0', up: true },
    { do: 'address-add', dev: 'eth0', address: '10.244.0.5/32' },
    { do: 'address-add', dev: 'eth0', address: 'fd00::5/128', nodad: true },
    {
      do: 'route-replace',
      dst: '0.0.0.0/0',
      via: '169.254.1.1',
      dev: 'eth0',
      onlink: true,
      mtu: 1400,
      advmss: 1360,
    },
    { do: 'route-replace', dst: '::/0', via: 'fe80::1', dev: 'eth0', onlink: true },
    { do: 'neighbour-replace', dev: 'eth0', address: '169.254.1.1', mac: macs.host },
  ]);
  assert.match(
    ip('host', 'link', 'show', dev),
    /mtu 1450 .*UP[^]*link\/ether 02:00:00:00:00:01[^]*alias shop\/web/,
  );
  assert.doesNotMatch(ip('host', '-6', 'address', 'show', dev), /inet6/, 'no link-local address of its own');
  assert.match(ip('host', 'route'), new RegExp(`10.244.0.5 dev ${dev} proto 98 scope link`));
  assert.match(ip('host', 'neigh'), new RegExp(`10.244.0.5 dev ${dev} lladdr ${macs.pod} PERMANENT`));
  assert.match(ip('pod', 'route'), /default via 169.254.1.1 dev eth0 proto 98 onlink mtu 1400 advmss 1360/);
  assert.match(ip('pod', '-6', 'address', 'show', 'eth0'), /inet6 fd00::5\/128 scope global nodad/);
  const link = atHost.link(dev);
  assert.deepEqual([link?.kind, link?.alias, link?.peerElsewhere], ['veth', 'shop/web', true]);
  assert.equal(atPod.addresses().find(address => address.address === 'fd00::5/128')?.tentative, false);
});

test('everything may be applied again, and deleted again', context => {
  const path = temporaryNamespace(context, 'again');
  using socket = RouteSocket.open(path);
  const dev = 'br0';
  const key = { family: 4, priority: 150, table: 500, mark: 0x4000, mask: 0x4000 } as const;
  const additions: readonly RouteOperation[] = [
    { do: 'link-set', dev, up: true },
    { do: 'address-add', dev, address: '10.0.0.1/24' },
    { do: 'address-add', dev, address: 'fd00::1/64', nodad: true },
    { do: 'route-replace', dst: '10.1.0.0/16', via: '10.0.0.2', dev },
    { do: 'route-replace', dst: 'fd01::/64', via: 'fd00::2', dev, mtu: 1400 },
    { do: 'route-replace', dst: '10.2.0.0/16', type: 'unreachable' },
    { do: 'route-replace', dst: 'fd02::/64', type: 'blackhole', table: 500 },
    { do: 'rule-add', ...key },
    { do: 'neighbour-replace', dev, address: '10.0.0.2', mac: macs.host },
    { do: 'fdb-replace', dev: 'vx0', mac: macs.host, via: '192.0.2.1' },
  ];
  const removals: readonly RouteOperation[] = [
    { do: 'fdb-delete', dev: 'vx0', mac: macs.host, via: '192.0.2.1' },
    { do: 'neighbour-delete', dev, address: '10.0.0.2' },
    { do: 'rule-delete', ...key },
    { do: 'route-delete', dst: 'fd02::/64', table: 500 },
    { do: 'route-delete', dst: '10.2.0.0/16' },
    { do: 'route-delete', dst: 'fd01::/64' },
    { do: 'route-delete', dst: '10.1.0.0/16' },
    { do: 'address-delete', dev, address: 'fd00::1/64' },
    { do: 'address-delete', dev, address: '10.0.0.1/24' },
    { do: 'link-delete', dev },
    { do: 'link-delete', dev: 'vx0' },
  ];
  const state = () => ({
    addresses: socket.addresses(),
    routes: socket.routes(),
    rules: socket.rules(),
    forwarding: socket.forwardingEntries().filter(entry => entry.via !== undefined),
  });
  const empty = { routes: socket.routes(), rules: socket.rules() };
  socket.apply([
    { do: 'link-add', kind: 'bridge', name: dev, multicastSnooping: false },
    { do: 'link-add', kind: 'vxlan', name: 'vx0', id: 4242, port: 8472, local: '192.0.2.9' },
    { do: 'link-add', kind: 'veth', name: 'port0', peer: { name: 'far0' }, master: dev, up: true },
    { do: 'link-set', dev: 'far0', up: true },
    ...additions,
  ]);
  // The kernel still adds routes of its own for a link that has just come up (multicast, link-local).
  const own = () => ({
    ...state(),
    addresses: state().addresses.filter(one => !one.address.startsWith('fe80')),
    routes: state().routes.filter(one => one.protocol === 98),
  });
  const first = own();
  assert.equal(first.routes.length, 4);
  assert.equal(first.forwarding.length, 1);
  socket.apply(additions);
  assert.deepEqual(own(), first);
  assert.equal(socket.link('port0')?.master, socket.link(dev)?.index);
  socket.apply(removals);
  socket.apply(removals);
  assert.deepEqual(
    { routes: socket.routes().filter(one => one.protocol === 98), rules: socket.rules() },
    { ...empty, routes: [] },
  );
});

test('a link is renamed, given another master and moved to another namespace', context => {
  const here = temporaryNamespace(context, 'move-a');
  const there = temporaryNamespace(context, 'move-b');
  using atHere = RouteSocket.open(here);
  using atThere = RouteSocket.open(there);
  atHere.apply([
    { do: 'link-add', kind: 'bridge', name: 'br0' },
    { do: 'link-add', kind: 'veth', name: 'a0', peer: { name: 'a1' } },
    { do: 'link-set', dev: 'a0', name: 'b0', master: 'br0' },
    { do: 'link-set', dev: 'b0', master: null, mtu: 1400, mac: macs.host },
    { do: 'link-set', dev: 'b0', namespace: there },
  ]);
  assert.equal(atHere.link('b0'), undefined);
  const moved = atThere.link('b0');
  assert.deepEqual([moved?.mtu, moved?.mac, moved?.master], [1400, macs.host, undefined]);
});

test('a link is made directly in another namespace', context => {
  const here = temporaryNamespace(context, 'make-a');
  const there = temporaryNamespace(context, 'make-b');
  using atHere = RouteSocket.open(here);
  using atThere = RouteSocket.open(there);
  atHere.apply([{ do: 'link-add', kind: 'bridge', name: 'br0', namespace: there, up: true }]);
  assert.equal(atHere.link('br0'), undefined);
  assert.equal(atThere.link('br0')?.up, true);
});

test('a refusal names the operation, its place and the kernel’s own words', context => {
  using socket = RouteSocket.open(temporaryNamespace(context, 'refusal'));
  const refused = (operations: readonly RouteOperation[]) => {
    try {
      socket.apply(operations);
    } catch (error) {
      return error as { message: string; errno: string; operationIndex: number };
    }
    throw new Error('it was taken');
  };
  const missing = refused([
    { do: 'link-set', dev: 'lo', up: true },
    { do: 'route-replace', dst: '10.0.0.0/8', via: '192.0.2.1' },
  ]);
  assert.equal(missing.operationIndex, 1);
  assert.match(missing.message, /install the route to 10\.0\.0\.0\/8 via 192\.0\.2\.1.*ENETUNREACH.*gateway/);
  const twice = refused([
    { do: 'link-add', kind: 'bridge', name: 'br0' },
    { do: 'link-add', kind: 'bridge', name: 'br0' },
  ]);
  assert.deepEqual([twice.errno, twice.operationIndex], ['EEXIST', 1]);
  const nowhere = refused([{ do: 'address-add', dev: 'absent', address: '10.0.0.1/32' }]);
  assert.match(nowhere.message, /add the address 10\.0\.0\.1\/32 to absent.*there is no link absent/);
});

test('many operations go in few messages, and thousands are read back', context => {
  using socket = RouteSocket.open(temporaryNamespace(context, 'many'));
  const count = 5000;
  const dst = (index: number) => `10.${index >> 8}.${index & 255}.0/24`;
  socket.apply([
    { do: 'link-add', kind: 'veth', name: 'a0', peer: { name: 'a1' }, up: true },
    ...Array.from({ length: count }, (_, index): RouteOperation => ({
      do: 'route-replace',
      dst: dst(index),
      dev: 'a0',
    })),
  ]);
  const found = socket.routes().filter(route => route.protocol === 98);
  assert.equal(new Set(found.map(route => route.dst)).size, count);
});

test('a dump that changes interrupt is read again, and is whole', async context => {
  const path = temporaryNamespace(context, 'interrupted');
  using socket = RouteSocket.open(path);
  const names = Array.from({ length: 100 }, (_, index) => `l${index}`);
  socket.apply(names.map((name): RouteOperation => ({ do: 'link-add', kind: 'bridge', name })));
  const module = new URL('../../src/kernel/netlink/index.ts', import.meta.url).href;
  const program = `
    import { parentPort, workerData } from 'node:worker_threads';
    const { RouteSocket } = await import(workerData.module);
    const socket = RouteSocket.open(workerData.path);
    const stop = new Int32Array(workerData.stop);
    parentPort.postMessage('ready');
    for (let turn = 0; Atomics.load(stop, 0) === 0; turn++) {
      socket.apply([{ do: 'link-add', kind: 'veth', name: 'x0', peer: { name: 'x1' } }, { do: 'link-delete', dev: 'x0' }]);
    }`;
  const stop = new SharedArrayBuffer(4);
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`), {
    workerData: { module, path, stop },
  });
  await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  try {
    for (let turn = 0; turn < 200; turn++) {
      const seen = new Set(socket.links().map(link => link.name));
      for (const name of names) assert.ok(seen.has(name), `${name} is in dump ${turn}`);
    }
  } finally {
    Atomics.store(new Int32Array(stop), 0, 1);
    await new Promise(resolve => worker.once('exit', resolve));
  }
});

test('a closed socket says so', context => {
  const socket = RouteSocket.open(temporaryNamespace(context, 'closed'));
  socket.close();
  socket.close();
  assert.throws(() => socket.links(), { code: 'kernel/netlink-closed' });
});
