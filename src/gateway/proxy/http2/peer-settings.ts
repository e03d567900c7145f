import { code, ConnectionError, firstWindow, largestWindow, longestFrame, setting } from './frames.ts';

/** What we take, as a frame's payload in latin1. */
export function ownSettings(own: {
  readonly isServer: boolean;
  readonly streams: number;
  readonly streamWindow: number;
}): string {
  const settings: readonly (readonly [number, number])[] = [
    own.isServer ? [setting.streams, own.streams] : [setting.push, 0],
    [setting.window, own.streamWindow],
  ];
  const payload = Buffer.alloc(settings.length * 6);
  for (const [index, [name, value]] of settings.entries()) {
    payload.writeUInt16BE(name, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return payload.toString('latin1');
}

/** What the other side takes (RFC 9113 section 6.5.2); of what it does not say, the protocol's own values hold. */
export class PeerSettings {
  /** Streams that it lets us open at once. */
  streams = 100;
  /** Octets of a stream before it says that it takes more. */
  window = firstWindow;

  read(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at += 6) this.#set(bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  }

  #set(name: number, value: number): void {
    switch (name) {
      case setting.streams:
        this.streams = value;
        return;
      case setting.window:
        if (value > largestWindow) throw new ConnectionError(code.flowControl, 'a window is too large');
        this.window = value;
        return;
      case setting.push:
        if (value > 1) throw new ConnectionError(code.protocol, 'a setting has no such value');
        return;
      case setting.frameSize:
        if (value < longestFrame || value > 0xff_ff_ff)
          throw new ConnectionError(code.protocol, 'a setting has no such value');
        return;
      default:
        // Names that nobody knows are read over (section 6.5.2); our encoder keeps no table to be bounded.
        return;
    }
  }
}
