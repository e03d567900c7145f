import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import {
  bindUdpIn,
  connectIn,
  createNamespace,
  deleteNamespace,
  inNamespace,
  inScratchNamespace,
  listenIn,
  listNamespaces,
  namespacePath,
  spawnIn,
} from '../../src/kernel/ns/index.ts';
import { getSysctl, setSysctl } from '../../src/kernel/sysctl/index.ts';
import { mounts, mountsBelow } from '../../src/kernel/mount/index.ts';
import { temporaryNamespace, testName } from './kernel-fixture.ts';

const home = () => readlinkSync('/proc/thread-self/ns/net');

test('a namespace is made as iproute2 makes it, and iproute2 can use and delete it', context => {
  const path = temporaryNamespace(context, 'a');
  const name = testName('a');
  assert.match(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }), new RegExp(`^${name}`, 'm'));
  const loopback = execFileSync('ip', ['-n', name, 'link', 'show', 'lo'], { encoding: 'utf8' });
  assert.match(loopback, /LOOPBACK,UP/);
  assert.ok(mounts().some(mount => mount.path === '/run/netns' && mount.shared));
  assert.deepEqual(mountsBelow(path), [path]);
  assert.deepEqual(listNamespaces(name), [name]);
  execFileSync('ip', ['netns', 'delete', name]);
  assert.ok(!existsSync(path));
});

test('a namespace of iproute2 can be deleted, and deleting twice is fine', () => {
  const name = testName('iproute');
  execFileSync('ip', ['netns', 'add', name]);
  deleteNamespace(name);
  deleteNamespace(name);
  assert.deepEqual(listNamespaces(name), []);
});

test('a half-made namespace is deleted', () => {
  const name = testName('half');
  writeFileSync(namespacePath(name), '');
  deleteNamespace(name);
  assert.ok(!existsSync(namespacePath(name)));
});

test('a name that is taken, and one that is no name, are refused', context => {
  temporaryNamespace(context, 'taken');
  assert.throws(() => createNamespace(testName('taken')), { code: 'kernel/namespace-exists' });
  for (const name of ['', '.', '..', 'a/b', 'x'.repeat(256)]) {
    assert.throws(() => namespacePath(name), { code: 'kernel/namespace-name' });
  }
});

test('a thread always comes back: after work, after an error, and after a namespace that is none', context => {
  const path = temporaryNamespace(context, 'enter');
  const before = home();
  const inside = inNamespace(path, home);
  assert.notEqual(inside, before);
  assert.equal(home(), before);
  const failure = new Error('inside');
  assert.throws(
    () =>
      inNamespace(path, () => {
        throw failure;
      }),
    failure,
  );
  assert.equal(home(), before);
  assert.throws(() => inNamespace('/proc/self/status', () => 1), {
    code: 'kernel/system-call',
    errno: 'EINVAL',
  });
  assert.throws(() => inNamespace('/run/netns/fairlead-absent', () => 1), {
    code: 'kernel/namespace-missing',
  });
  assert.equal(home(), before);
  assert.equal(
    inNamespace(path, () => inNamespace(path, home)),
    inside,
    'also one inside another',
  );
  assert.equal(home(), before);
});

test('asynchronous work in a namespace is refused, because most of it would run outside', context => {
  const path = temporaryNamespace(context, 'async');
  assert.throws(() => inNamespace(path, () => Promise.resolve()), { code: 'kernel/namespace-async' });
});

test('a scratch namespace has no name and is gone afterwards', () => {
  const before = home();
  assert.notEqual(inScratchNamespace(home), before);
  assert.equal(home(), before);
});

test('a server listens and a client connects inside a namespace, in both families, and nobody outside', async context => {
  const path = temporaryNamespace(context, 'tcp');
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer(socket => socket.end('hello'));
    server.listen({ fd: listenIn(path, { host, port: 0 }) });
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = await connectIn(path, { host, port, timeoutMilliseconds: 5000 });
    const [text] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
    assert.equal(text, 'hello');
    const outside = spawnSync('bash', ['-c', `exec 3<>/dev/tcp/${host}/${port}`]);
    assert.notEqual(outside.status, 0, 'the port is not open outside');
    socket.destroy();
    server.close();
    await once(server, 'close');
  }
});

test('a port that is taken, a closed port and a name for an address are clear errors', async context => {
  const path = temporaryNamespace(context, 'errors');
  const fd = listenIn(path, { host: '127.0.0.1', port: 8080 });
  assert.throws(() => listenIn(path, { host: '127.0.0.1', port: 8080 }), {
    code: 'kernel/system-call',
    errno: 'EADDRINUSE',
  });
  closeSync(fd);
  const closed = connectIn(path, { host: '127.0.0.1', port: 9, timeoutMilliseconds: 5000 });
  await assert.rejects(closed, { code: 'kernel/connect' });
  assert.throws(() => listenIn(path, { host: 'localhost', port: 1 }), { code: 'kernel/address' });
});

test('datagrams are received inside a namespace', async context => {
  const path = temporaryNamespace(context, 'udp');
  const server = createSocket('udp4').bind({ fd: bindUdpIn(path, { host: '127.0.0.1', port: 5300 }) });
  const received = once(server, 'message');
  spawnIn(path, 'bash', ['-c', 'echo -n hi > /dev/udp/127.0.0.1/5300'], { stdio: 'ignore' });
  const [message] = (await received) as [Buffer];
  assert.equal(message.toString(), 'hi');
  server.close();
});

test('a process is born in the namespace, with the mounts of its parent', async context => {
  const path = temporaryNamespace(context, 'spawn');
  const child = spawnIn(path, 'readlink', ['/proc/self/ns/net', '/proc/self/ns/mnt'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  await once(child, 'close');
  assert.equal(output, `${inNamespace(path, home)}\n${readlinkSync('/proc/self/ns/mnt')}\n`);
});

test('kernel settings are those of the namespace, with keys whose parts have dots', context => {
  const path = temporaryNamespace(context, 'sysctl');
  const outside = getSysctl(undefined, 'net.ipv4.ip_forward');
  setSysctl(path, 'net.ipv4.ip_forward', 1);
  setSysctl(path, 'net/ipv6/conf/lo/accept_ra', 0);
  assert.equal(getSysctl(path, 'net.ipv4.ip_forward'), '1');
  assert.equal(getSysctl(path, 'net.ipv6.conf.lo.accept_ra'), '0');
  assert.equal(readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim(), outside);
  assert.throws(() => setSysctl(path, 'net.ipv4.no_such_setting', 1), { code: 'kernel/sysctl-missing' });
  assert.throws(() => setSysctl(path, 'net/../../etc/passwd', 1), { code: 'kernel/sysctl-key' });
  assert.throws(() => setSysctl(path, 'net.ipv4.ip_forward', 'x'), { code: 'kernel/sysctl' });
});
