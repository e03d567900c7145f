import { inNamespace } from '../../src/kernel/ns/index.ts';
import { constants, libc } from '../../src/kernel/ffi/libc.ts';
import type { TestEnd } from '../../test/netns/kernel-fixture.ts';
import { framesOf } from '../../test/netns/raw-packets.ts';
import type { RawPacket } from '../../test/netns/raw-packets.ts';

/** struct sockaddr_ll */
const addressLength = 20;

/** Puts packets on a pod's cable by a socket that stays open: to close one takes the kernel longer than a thousand packets. */
export class Sender {
  readonly #namespace: string;
  readonly #gatewayMac: string;
  readonly #fd: number;

  constructor(context: TestEnd, namespace: string, gatewayMac: string) {
    this.#namespace = namespace;
    this.#gatewayMac = gatewayMac;
    const { link } = framesOf(namespace, gatewayMac, []);
    const address = new Uint8Array(addressLength);
    const view = new DataView(address.buffer);
    view.setUint16(0, constants.AF_PACKET, true);
    view.setInt32(4, link, true);
    const type = constants.SOCK_RAW | constants.SOCK_CLOEXEC;
    this.#fd = inNamespace(namespace, () => libc().socket(constants.AF_PACKET, type, 0));
    const calls = libc();
    if (this.#fd < 0 || calls.bind(this.#fd, address, addressLength) !== 0)
      throw new Error(`packets cannot be put on the cable of ${namespace}`);
    context.after(() => calls.close(this.#fd));
  }

  /** Microseconds for each: the call returns when it has been forwarded. */
  send(packets: readonly RawPacket[]): number {
    const { frames } = framesOf(this.#namespace, this.#gatewayMac, packets);
    return this.sendFrames(frames);
  }

  framesOf(packets: readonly RawPacket[]): readonly Uint8Array[] {
    return framesOf(this.#namespace, this.#gatewayMac, packets).frames;
  }

  sendFrames(frames: readonly Uint8Array[]): number {
    const calls = libc();
    const started = process.hrtime.bigint();
    for (const frame of frames) calls.send(this.#fd, frame, frame.length, 0);
    return Number(process.hrtime.bigint() - started) / 1000 / frames.length;
  }
}
