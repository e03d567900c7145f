import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { bytesOf, parseAddress } from '../../src/base/ip.ts';
import { KernelAnswers } from '../../src/dns/apply-kernel.ts';
import type { KernelAnswersOptions, KernelSource } from '../../src/dns/apply-kernel.ts';
import { kernelMaps } from '../../src/dns/apply-kernel-maps.ts';
import type { ClusterNames } from '../../src/dns/index.ts';
import { BpfMap, BpfObject, testRun } from '../../src/kernel/bpf/index.ts';
import { internetChecksum } from '../../src/kernel/packet/frames.ts';
import { silentLog } from '../../src/base/log.ts';
import { temporaryBpfFileSystem } from './kernel-fixture.ts';

const root = new URL('../../', import.meta.url).pathname;
export const programFile = join(root, 'build/bpf/dns-answers.o');
export const dnsAddresses = ['10.96.0.10', 'fd00:10:96::a'] as const;
const podAddresses = { 4: '10.244.0.5', 6: 'fd00:10:244::5' } as const;
const loopback = 1;
const redirected = 7;

export const buildPrograms = (): Buffer =>
  execFileSync('make', ['-s', '-C', join(root, 'bpf')], { stdio: ['ignore', 'inherit', 'inherit'] });

/** The program without any link: frames go in, and what it makes of them comes out. */
export interface KernelRig {
  readonly answers: KernelAnswers;
  readonly directory: string;
  /** The message that comes back; undefined: the question goes on to the server. Whatever comes back is a sound packet. */
  ask(message: Uint8Array, family?: 4 | 6): Buffer | undefined;
  /** Of a whole frame. */
  run(frame: Uint8Array): ReturnType<typeof testRun>;
  allow(flags: number, namespace?: string): void;
}

export async function kernelRig(
  context: TestContext,
  names: ClusterNames,
  more: Partial<KernelSource> & Partial<Pick<KernelAnswersOptions, 'isHeld' | 'seconds'>> = {},
): Promise<KernelRig> {
  const directory = temporaryBpfFileSystem(context);
  const maps = Object.fromEntries(kernelMaps.map(name => [name, { pin: join(directory, name) }]));
  const object = BpfObject.load(programFile, { maps });
  const answers = new KernelAnswers({
    directory,
    addresses: dnsAddresses,
    isHeld: more.isHeld ?? (() => false),
    confirmedAt: () => 1000,
    ...(more.seconds === undefined ? {} : { seconds: more.seconds }),
    log: silentLog,
  });
  const pods = BpfMap.openPinned(join(directory, 'pods'));
  context.after(() => {
    answers.close();
    pods.close();
    object.close();
  });
  answers.use({ names, isPlain: true, isSynced: true, autopath: false, largest: 1232, ...more });
  await answers.settled();
  const program = object.program('answer');
  const allow = (flags: number, namespace = 'default') => {
    const value = new Uint8Array(72);
    value[0] = flags;
    value[8] = namespace.length;
    value.set(Buffer.from(namespace), 9);
    pods.update(Uint8Array.of(loopback, 0, 0, 0), value);
  };
  allow(3);
  return {
    answers,
    directory,
    allow,
    run: frame => testRun(program, frame),
    ask: (message, family = 4) => {
      const frame = frameOf(message, family);
      const { verdict, frame: out } = testRun(program, frame);
      if (verdict !== redirected) {
        assert.equal(verdict, 0, 'nothing is dropped');
        assert.deepEqual(Buffer.from(out), Buffer.from(frame), 'what goes on is as it came');
        return undefined;
      }
      return checkedMessage(out, family);
    },
  };
}

/** A question's frame, with right checksums, from a pod to the DNS address. */
export function frameOf(message: Uint8Array, family: 4 | 6): Buffer {
  const octets = (text: string) => bytesOf(parseAddress(text) ?? assert.fail(text));
  const from = octets(podAddresses[family]);
  const to = octets(dnsAddresses[family === 4 ? 0 : 1]);
  const length = 8 + message.length;
  const udp = Buffer.alloc(length);
  udp.writeUInt16BE(5353, 0);
  udp.writeUInt16BE(53, 2);
  udp.writeUInt16BE(length, 4);
  udp.set(message, 8);
  udp.writeUInt16BE(udpChecksum(from, to, udp) || 0xffff, 6);
  const head =
    family === 4
      ? Buffer.from([
          0x45,
          0,
          (20 + length) >> 8,
          (20 + length) & 255,
          0,
          1,
          0,
          0,
          64,
          17,
          0,
          0,
          ...from,
          ...to,
        ])
      : Buffer.from([0x60, 0, 0, 0, length >> 8, length & 255, 17, 64, ...from, ...to]);
  if (family === 4) head.writeUInt16BE(internetChecksum([head]), 10);
  // Loopback's hardware address is zeros: the frame is for this host.
  const type = family === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 5, ...type]), head, udp]);
}

function checkedMessage(out: Uint8Array, family: 4 | 6): Buffer {
  const frame = Buffer.from(out);
  const head = family === 4 ? 20 : 40;
  const udp = frame.subarray(14 + head);
  assert.deepEqual([...frame.subarray(0, 12)], [2, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0], 'it goes back');
  const [from, to] =
    family === 4
      ? [frame.subarray(26, 30), frame.subarray(30, 34)]
      : [frame.subarray(22, 38), frame.subarray(38, 54)];
  const octets = (text: string) => [...bytesOf(parseAddress(text) ?? assert.fail(text))];
  assert.deepEqual([...from], octets(dnsAddresses[family === 4 ? 0 : 1]));
  assert.deepEqual([...to], octets(podAddresses[family]));
  if (family === 4) {
    assert.equal(internetChecksum([frame.subarray(14, 34)]), 0, 'the sum of the IP header');
    assert.equal(frame.readUInt16BE(16), frame.length - 14, 'the length in the IP header');
  } else assert.equal(frame.readUInt16BE(18), frame.length - 54, 'the length in the IP header');
  assert.deepEqual([udp.readUInt16BE(0), udp.readUInt16BE(2)], [53, 5353]);
  assert.equal(udp.readUInt16BE(4), udp.length, 'the length in the UDP header');
  assert.notEqual(udp.readUInt16BE(6), 0);
  assert.equal(udpChecksum(from, to, udp), 0, 'the sum of the UDP packet');
  return Buffer.from(udp.subarray(8));
}

/** 0 for a packet whose sum is right. */
export function udpChecksum(from: Uint8Array, to: Uint8Array, udp: Uint8Array): number {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(udp.length, 0);
  tail.writeUInt32BE(17, 4);
  return internetChecksum([from, to, tail, udp]);
}
