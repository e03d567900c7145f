/** The program on a pod's link, beside a DNS server of its own process: over real packets, restarts and verdicts of policy. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import { KernelPods } from '../../src/dns/index.ts';
import type { KernelPod } from '../../src/dns/index.ts';
import type { PodsKernel } from '../../src/dns/apply-kernel-pods.ts';
import { readCounts } from '../../src/dns/compile-kernel-counts.ts';
import { bytesOf, parseAddress } from '../../src/base/ip.ts';
import {
  attachPinnedToLinks,
  attachedToTc,
  changePinnedMaps,
  detachFromLinks,
  installBpf,
  lookUpPinnedMap,
  readPinnedMap,
  unpin,
} from '../../src/kernel/bpf/index.ts';
import { bpf } from '../../src/kernel/contract.ts';
import { libc } from '../../src/kernel/ffi/libc.ts';
import { mounts, unmount } from '../../src/kernel/mount/index.ts';
import { inNamespace } from '../../src/kernel/ns/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { ask, exchangeByTcp, questionFor } from './dns-client.ts';
import { addresses, startNode } from './dns-node.ts';
import type { DnsNode } from './dns-node.ts';
import { buildPrograms, programFile, udpChecksum } from './dns-kernel-rig.ts';
import { sendRaw } from './raw-packets.ts';

const cleanups: (() => unknown)[] = [];
const local = 'svc.cluster.local';
const podAddresses = ['10.244.0.5', 'fd00:10:244::5'];
const everybody = () => ({ 4: true, 6: true });
const nobody = () => ({ 4: false, 6: false });
let node: DnsNode;
let pods: KernelPods;
let pod: KernelPod;
let directory: string;

/** What an agent's worker does in the node's namespace. */
const kernelIn = (namespace: string): PodsKernel => {
  const inNode = <T>(work: () => T): Promise<T> =>
    new Promise(resolve => {
      resolve(inNamespace(namespace, work));
    });
  return {
    installBpf: installation => inNode(() => installBpf(installation)),
    readBpfMap: pin => inNode(() => readPinnedMap(pin)),
    lookUpBpfMap: (pin, keys) => inNode(() => lookUpPinnedMap(pin, keys)),
    changeBpfMaps: changes => inNode(() => changePinnedMaps(changes)),
    unpinBpf: pins => inNode(() => pins.forEach(unpin)),
    attachBpfToLinks: (pin, links) => inNode(() => attachPinnedToLinks(pin, links)),
    detachBpfFromLinks: links => inNode(() => detachFromLinks(links)),
  };
};

const newAgent = (): KernelPods =>
  new KernelPods({ kernel: kernelIn(node.namespace), file: programFile, directory });

before(async () => {
  buildPrograms();
  const context = { after: (work: () => unknown) => void cleanups.push(work) } as TestContext;
  const wasMounted = mounts().some(({ path, type }) => path === bpf.mount && type === 'bpf');
  node = await startNode(context);
  directory = bpf.dns(node.cluster, 'node-1');
  cleanups.push(() => {
    rmSync(bpf.cluster(node.cluster), { recursive: true, force: true });
    if (wasMounted) return;
    unmount(bpf.mount);
    rmSync(bpf.mountMarker, { force: true });
  });
  pods = newAgent();
  pod = {
    link: 'pod0',
    namespace: 'default',
    addresses: podAddresses.flatMap(text => parseAddress(text) ?? []),
  };
  await pods.start();
  const come = await pods.settle([pod], true);
  assert.deepEqual(come, podAddresses);
  await pods.allow(new Set(come), everybody);
  await untilInKernel();
});
after(async () => {
  for (const work of cleanups) await work();
});

/** Answers of the kernel since the maps were made, over both families. */
function answered(): number {
  const families = [0, 1].map(family => {
    const { values } = lookUpPinnedMap(join(directory, 'counts'), Uint8Array.of(family, 0, 0, 0));
    return readCounts(values);
  });
  return families.flatMap(({ answers }) => answers.flat()).reduce((sum, count) => sum + count, 0);
}

async function untilInKernel(): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (const from = answered(); answered() === from;) {
    assert.ok(performance.now() < deadline, `the kernel does not answer\n${node.log()}`);
    await askFor('web', 'A', addresses[0], 500).catch(() => undefined);
  }
}

const askFor = (name: string, type: string, server: string = addresses[0], milliseconds = 20_000) =>
  ask({ namespace: node.pod, server }, `${name}.default.${local}`, type, {}, milliseconds);

/** What is answered, and whether by the kernel. */
async function answerOf(name: string, type: string, server?: string): Promise<string> {
  const from = answered();
  const { rcode, answers } = await askFor(name, type, server);
  const by = answered() > from ? 'kernel' : 'server';
  return [by, rcode, ...answers.map(({ data }) => data)].join(' ');
}

for (const server of addresses)
  test(`a pod's socket takes the kernel's answers from ${server}, and the server's for the rest`, async () => {
    assert.equal(await answerOf('web', 'A', server), 'kernel NOERROR 10.96.7.7');
    assert.equal(await answerOf('WEB', 'AAAA', server), 'kernel NOERROR fd00:10:96:0:0:0:0:707');
    assert.equal(await answerOf('nobody', 'A', server), 'kernel NXDOMAIN');
    assert.equal(await answerOf('10-244-1-1.many', 'AAAA', server), 'kernel NOERROR');
    assert.match(await answerOf('many', 'A', server), /^server NOERROR/);
    assert.match(await answerOf('web', 'SRV', server), /^server NOERROR/);
    const target = { namespace: node.pod, server };
    const [byTcp] = await exchangeByTcp(target, [questionFor(`web.default.${local}`, 'A')]);
    assert.ok(byTcp !== undefined && byTcp.length > 0, 'TCP is the server’s');
  });

for (const [family, source, server] of [
  [2, '10.244.0.5', addresses[0]],
  [10, 'fd00:10:244::5', addresses[1]],
] as const)
  test(`without checksum offload the answer's checksum is whole, at ${server}`, () => {
    const message = questionFor(`web.default.${local}`, 'AAAA', { size: 1232 });
    const udp = Buffer.alloc(8 + message.length);
    udp.writeUInt16BE(4000, 0);
    udp.writeUInt16BE(53, 2);
    udp.writeUInt16BE(udp.length, 4);
    udp.set(message, 8);
    const [from, to] = [source, server].map(text => bytesOf(parseAddress(text) ?? assert.fail(text)));
    assert.ok(from && to);
    udp.writeUInt16BE(udpChecksum(from, to, udp), 6);
    const rawSocket = 3;
    const dontWait = 0x40;
    const fd = inNamespace(node.pod, () => libc().socket(family, rawSocket, 17));
    assert.ok(fd >= 0);
    try {
      using near = RouteSocket.open(node.namespace);
      const mac = near.link('pod0')?.mac ?? '';
      sendRaw(node.pod, mac, { source, destination: server, protocol: 17, payload: udp });
      const seen = new Uint8Array(2048);
      const deadline = performance.now() + 20_000;
      let length = -1;
      while (length < 0 && performance.now() < deadline)
        length = libc().recv(fd, seen, seen.length, dontWait);
      const answer = Buffer.from(seen.subarray(family === 2 ? 20 : 0, length));
      assert.deepEqual([answer.readUInt16BE(0), answer.readUInt16BE(2)], [53, 4000]);
      assert.equal(udpChecksum(to, from, answer), 0, 'a receiver that adds up finds it right');
    } finally {
      libc().close(fd);
    }
  });

test('a pod that policy lets ask no more is the server’s at once, by the family it is about', async () => {
  await pods.deny(new Set([podAddresses[0] ?? '']), () => ({ 4: false, 6: true }));
  assert.equal(await answerOf('web', 'A', addresses[0]), 'server NOERROR 10.96.7.7');
  assert.equal(await answerOf('web', 'A', addresses[1]), 'kernel NOERROR 10.96.7.7');
  await pods.deny(new Set(podAddresses), nobody);
  assert.equal(await answerOf('web', 'A', addresses[1]), 'server NOERROR 10.96.7.7');
  assert.deepEqual(pods.counts(), { pods: 1, allowed: 0 });
  await pods.allow(new Set(podAddresses), everybody);
  assert.equal(await answerOf('web', 'A', addresses[0]), 'kernel NOERROR 10.96.7.7');
});

test('names are answered while agent and server are dead, and over the start of others; none is lost', async () => {
  node.process.kill('SIGKILL');
  await once(node.process, 'exit');
  assert.equal(await answerOf('web', 'A'), 'kernel NOERROR 10.96.7.7');
  assert.equal(await answerOf('web.default', 'A'), 'kernel NXDOMAIN', 'search lists go on');
  const over = new AbortController();
  let asked = 0;
  const asking = (async () => {
    while (!over.signal.aborted) {
      await askFor('web', 'A', addresses[asked % 2]);
      asked++;
    }
  })();
  const next = newAgent();
  await next.start();
  assert.deepEqual(await next.settle([pod], true), podAddresses);
  assert.deepEqual(next.counts(), { pods: 1, allowed: 1 }, 'what the agent before said stands');
  await node.start();
  await untilInKernel();
  over.abort();
  await asking;
  assert.ok(asked > 0);
  pods = next;
});

test('a pod that is gone leaves nothing in the map, and another with its address has to be let ask anew', async () => {
  await pods.settle([], false);
  assert.equal(readPinnedMap(join(directory, 'pods')).keys.length, 0);
  assert.equal(await answerOf('web', 'A'), 'server NOERROR 10.96.7.7');
  const come = await pods.settle([pod], false);
  assert.equal(await answerOf('web', 'A'), 'server NOERROR 10.96.7.7');
  await pods.allow(new Set(come), everybody);
  assert.equal(await answerOf('web', 'A'), 'kernel NOERROR 10.96.7.7');
});

test('switched off it is gone, and the server answers; switched on again it is filled again', async () => {
  await pods.stop(['pod0', 'another-link']);
  using near = RouteSocket.open(node.namespace);
  const linkIndex = near.link('pod0')?.index ?? 0;
  assert.equal(attachedToTc({ linkIndex, direction: 'ingress', namespacePath: node.namespace }), undefined);
  assert.ok(!existsSync(directory) || readdirSync(directory).length === 0, 'no pins');
  assert.equal((await askFor('web', 'A')).rcode, 'NOERROR');
  await pods.start();
  const come = await pods.settle([pod], true);
  await pods.allow(new Set(come), everybody);
  await untilInKernel();
  assert.equal(await answerOf('web', 'A'), 'kernel NOERROR 10.96.7.7');
});
