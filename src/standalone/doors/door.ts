import { createServer, type Server, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { LOOPBACK_HOST } from './annotation.ts';

/** Opens a TCP connection to where the door leads. Rejects when nobody answers there. */
export type Dial = (address: string, port: number) => Promise<Socket>;

export interface DoorTarget {
  readonly address: string;
  readonly port: number;
}

const mostConnections = 512;
/** A peer that is gone without a word is found after this time. */
const keepAliveMilliseconds = 60_000;

/**
 * A loopback port that leads to a load-balancer address: bytes both ways, as fast as the slower side takes them, and an
 * end of one direction ends that direction only. Who comes while `mostConnections` are open is turned away at once; where
 * nobody answers behind the door, the connection is reset.
 */
export class Door {
  readonly #server: Server;
  readonly #dial: Dial;
  readonly #open = new Set<Socket>();
  #target: DoorTarget;

  /** Rejects with the system's error, EADDRINUSE among them. */
  static open(localPort: number, target: DoorTarget, dial: Dial): Promise<Door> {
    const door = new Door(target, dial);
    return new Promise((resolve, reject) => {
      door.#server.once('error', reject);
      door.#server.listen({ host: LOOPBACK_HOST, port: localPort, exclusive: true }, () => {
        door.#server.off('error', reject);
        resolve(door);
      });
    });
  }

  private constructor(target: DoorTarget, dial: Dial) {
    this.#target = target;
    this.#dial = dial;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    this.#server.maxConnections = mostConnections;
    this.#server.on('connection', socket => void this.#lead(socket));
  }

  /** Those who come from now on are led elsewhere. */
  retarget(target: DoorTarget): void {
    this.#target = target;
  }

  /** Nobody comes in any more, and who is in is shown out. */
  async close(): Promise<void> {
    const closed = new Promise<void>(resolve => {
      this.#server.close(() => resolve());
    });
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  async #lead(client: Socket): Promise<void> {
    this.#keep(client);
    let upstream: Socket;
    try {
      upstream = await this.#dial(this.#target.address, this.#target.port);
    } catch {
      // What a client of the address itself would see, as near as can be: its connection is refused.
      client.resetAndDestroy();
      return;
    }
    if (client.destroyed) {
      upstream.destroy();
      return;
    }
    this.#keep(upstream);
    upstream.allowHalfOpen = true;
    upstream.setNoDelay(true);
    // An error of one side ends both; there is nobody else to tell.
    pipeline(client, upstream, error => void (error && upstream.destroy()));
    pipeline(upstream, client, error => void (error && client.destroy()));
  }

  #keep(socket: Socket): void {
    socket.setKeepAlive(true, keepAliveMilliseconds);
    socket.on('error', () => undefined); // the pipelines end both sides
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }
}
