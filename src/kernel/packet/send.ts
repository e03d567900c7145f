import { checked } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';

/** struct sockaddr_ll */
const addressLength = 20;

/** Puts whole Ethernet frames on a link of the calling thread's network namespace. */
export function sendFrames(linkIndex: number, frames: readonly Uint8Array[]): void {
  const c = libc();
  // Protocol 0: nothing is received.
  const fd = checked(
    c.socket(constants.AF_PACKET, constants.SOCK_RAW | constants.SOCK_CLOEXEC, 0),
    'socket',
    'No packet socket can be opened',
  );
  try {
    const address = new Uint8Array(addressLength);
    const view = new DataView(address.buffer);
    view.setUint16(0, constants.AF_PACKET, true);
    view.setInt32(4, linkIndex, true);
    checked(c.bind(fd, address, addressLength), 'bind', 'A packet socket cannot be bound to its link');
    for (const frame of frames)
      checked(c.send(fd, frame, frame.length, 0), 'send', 'A frame cannot be put on its link');
  } finally {
    c.close(fd);
  }
}
