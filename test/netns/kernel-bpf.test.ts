import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import {
  BpfMap,
  BpfObject,
  attachToTc,
  attachedToTc,
  detachFromTc,
  installBpf,
  unpin,
} from '../../src/kernel/bpf/index.ts';
import type { BpfInstallation } from '../../src/kernel/bpf/index.ts';
import { RouteSocket } from '../../src/kernel/netlink/index.ts';
import { inNamespace } from '../../src/kernel/ns/index.ts';
import { KernelWorker } from '../../src/kernel/worker/index.ts';
import { temporaryBpfFileSystem, temporaryCgroup, temporaryNamespace } from './kernel-fixture.ts';

const root = new URL('../../', import.meta.url).pathname;
const file = join(root, 'build/bpf/packet-count.o');
const word = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const toLink = 1;
const fromCgroup = 2;
const loopback = 1;

before(() => execFileSync('make', ['-s', '-C', join(root, 'bpf')], { stdio: 'inherit' }));

/** Packets counted at a place; one datagram over loopback is seen once on its way out. */
function packets(map: BpfMap, place: number): number {
  const value = map.lookup(word(place));
  return value === undefined ? 0 : Number(new DataView(value.buffer).getBigUint64(0, true));
}

const sendDatagram = (path: string, prelude = '') =>
  inNamespace(path, () => execFileSync('bash', ['-c', `${prelude} echo hi > /dev/udp/127.0.0.1/9`]));

test('a program is attached to a link and to a cgroup, counts, and stays when its loader is gone', context => {
  const path = temporaryNamespace(context, 'bpf-attach');
  const pins = temporaryBpfFileSystem(context);
  const group = temporaryCgroup(context, 'bpf-attach');
  const hook = { linkIndex: loopback, direction: 'egress', namespacePath: path } as const;
  const installation: BpfInstallation = {
    file,
    maps: { packet_count: { pin: `${pins}/node/packet_count` } },
    attachments: [
      { program: 'to_link', to: 'tc', ...hook },
      { program: 'from_cgroup', to: 'cgroup', directory: group.directory, pin: `${pins}/node/link` },
    ],
  };
  installBpf(installation);
  using map = BpfMap.openPinned(`${pins}/node/packet_count`);
  sendDatagram(path, `echo $$ > ${group.directory}/cgroup.procs;`);
  assert.equal(packets(map, fromCgroup), 1);
  const counted = packets(map, toLink);
  assert.ok(counted >= 1, 'the datagram, and perhaps the refusal of its port');
  const first = attachedToTc(hook);
  installBpf(installation);
  assert.notEqual(attachedToTc(hook), first, 'a new program is in the same place');
  assert.ok(packets(map, toLink) >= counted, 'the map keeps its entries');
  sendDatagram(path, `echo $$ > ${group.directory}/cgroup.procs;`);
  assert.equal(packets(map, fromCgroup), 2, 'one program counts, not two');
  detachFromTc(hook);
  detachFromTc(hook);
  assert.equal(attachedToTc(hook), undefined);
  unpin(`${pins}/node/link`);
  unpin(`${pins}/node/link`);
  sendDatagram(path, `echo $$ > ${group.directory}/cgroup.procs;`);
  assert.equal(packets(map, fromCgroup), 2, 'without its pin the link has ended');
});

test('a map is filled, read and emptied in batches, and wrong lengths are refused before the kernel reads them', context => {
  const pins = temporaryBpfFileSystem(context);
  using object = BpfObject.load(file, {
    maps: { packet_count: { maxEntries: 20_000, pin: `${pins}/count` } },
    programs: ['to_link'],
  });
  const map = object.map('packet_count');
  assert.deepEqual(
    [map.name, map.keyLength, map.valueLength, map.maxEntries],
    ['packet_count', 4, 16, 20_000],
  );
  const count = 10_000;
  const keys = new Uint8Array(Uint32Array.from({ length: count }, (_, index) => index).buffer);
  map.updateBatch(keys, new Uint8Array(count * 16).fill(7));
  const seen = new Map(
    Array.from(map.entries(), ([key, value]) => [new DataView(key.buffer).getUint32(0, true), value]),
  );
  assert.equal(seen.size, count);
  assert.deepEqual(seen.get(4711), new Uint8Array(16).fill(7));
  map.deleteBatch(keys.subarray(0, 4000));
  assert.equal([...map.entries()].length, count - 1000);
  map.delete(word(5000));
  map.delete(word(5000));
  assert.equal(map.lookup(word(5000)), undefined);
  for (const wrong of [
    () => map.lookup(new Uint8Array(3)),
    () => map.update(word(1), new Uint8Array(15)),
    () => map.updateBatch(word(1), new Uint8Array(8)),
  ]) {
    assert.throws(wrong, { code: 'kernel/bpf-length' });
  }
  assert.throws(
    () =>
      map.updateBatch(
        new Uint8Array(new Uint32Array(30_000).map((_, index) => index).buffer),
        new Uint8Array(30_000 * 16),
      ),
    /entries are done/,
  );
});

test('a refused program is explained by the verifier’s line and the line of source', context => {
  const directory = mkdtempSync(join(tmpdir(), 'fairlead-test-'));
  context.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(
    join(directory, 'bad.bpf.c'),
    `#include <linux/bpf.h>
     #include <bpf/bpf_helpers.h>
     SEC("tc") int reads_too_far(struct __sk_buff *skb)
     {
       void *data = (void *)(long)skb->data;
       return *(int *)data;
     }
     char _license[] SEC("license") = "GPL";`,
  );
  const triple = execFileSync('clang', ['-print-target-triple'], { encoding: 'utf8' })
    .trim()
    .replace('-pc-', '-');
  const output = join(directory, 'bad.o');
  execFileSync('clang', [
    '-O2',
    '-g',
    '-target',
    'bpf',
    '-idirafter',
    `/usr/include/${triple}`,
    '-c',
    join(directory, 'bad.bpf.c'),
    '-o',
    output,
  ]);
  assert.throws(() => BpfObject.load(output), {
    code: 'kernel/bpf',
    message:
      /the verifier says of reads_too_far: .*outside of the packet at "return \*\(int \*\)data;.*more lines/,
  });
});

test('what is no object, is missing, or does not fit its pin, is a clear error', context => {
  const pins = temporaryBpfFileSystem(context);
  assert.throws(() => BpfObject.load('/absent.o'), { code: 'kernel/bpf-missing' });
  assert.throws(() => BpfObject.load(join(root, 'package.json')), /not valid.*not a proper ELF/);
  const load = (maxEntries: number) =>
    BpfObject.load(file, { maps: { packet_count: { pin: `${pins}/count`, maxEntries } } });
  using object = load(100);
  assert.throws(() => load(200), /couldn't reuse pinned map.*parameter mismatch/);
  assert.throws(() => object.program('absent'), { code: 'kernel/bpf-name' });
  assert.throws(() => BpfMap.openPinned(`${pins}/absent`), { code: 'kernel/bpf', errno: 'ENOENT' });
  assert.throws(
    () => attachToTc(object.program('to_link'), { linkIndex: 999_999, direction: 'ingress' }),
    /link 999999/,
  );
});

test('the worker installs programs and changes maps', async context => {
  const path = temporaryNamespace(context, 'bpf-worker');
  const pins = temporaryBpfFileSystem(context);
  using socket = RouteSocket.open(path);
  assert.equal(socket.link('lo')?.index, loopback);
  await using worker = new KernelWorker();
  const hook = { linkIndex: loopback, direction: 'ingress', namespacePath: path } as const;
  await worker.installBpf({
    file,
    maps: { packet_count: { pin: `${pins}/count` } },
    attachments: [{ program: 'from_link', to: 'tc', ...hook }],
  });
  assert.equal(await worker.bpfMapCapacity(`${pins}/count`), 1024);
  assert.equal(await worker.bpfMapCapacity(`${pins}/absent`), undefined);
  await worker.changeBpfMaps([
    {
      pin: `${pins}/count`,
      remove: word(8),
      set: { keys: word(9), values: new Uint8Array(16).fill(1) },
    },
  ]);
  const found = await worker.lookUpBpfMap(`${pins}/count`, Buffer.concat([word(8), word(9)]));
  assert.deepEqual([...found.present], [0, 1]);
  assert.deepEqual([...found.values], [...new Uint8Array(16), ...new Uint8Array(16).fill(1)]);
  const { keys, values } = await worker.readBpfMap(`${pins}/count`);
  assert.deepEqual([...keys], [9, 0, 0, 0]);
  assert.equal(values.length, 16);
  await worker.changeBpfMaps([{ pin: `${pins}/count`, remove: word(9) }]);
  assert.equal((await worker.readBpfMap(`${pins}/count`)).keys.length, 0);
  await worker.unpinBpf([`${pins}/count`, `${pins}/absent`]);
  assert.equal(await worker.bpfMapCapacity(`${pins}/count`), undefined);
});
