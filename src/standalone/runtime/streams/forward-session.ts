import type { Socket } from 'node:net';

export interface ForwardSessionOptions {
  /** Nothing more is taken from the client until `resume`: on one connection that holds up everybody. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** How long a port that takes nothing at all may hold up others. */
  readonly patienceMilliseconds?: number;
}

/** Bytes that wait for one port, before its client has to. */
const MOST_WAITING = 4 << 20;
const PATIENCE = 5000;

/**
 * The connections to ports of one client, which come in by one connection without windows: what a port does not take
 * waits here, up to a limit, and the others go on. Beyond it the client waits; and where a port takes nothing at all
 * while others of the session are held up by it, its own connection is given up.
 */
export class ForwardSession {
  readonly #options: ForwardSessionOptions;
  readonly #targets = new Set<ForwardTarget>();
  readonly #full = new Set<ForwardTarget>();

  constructor(options: ForwardSessionOptions) {
    this.#options = options;
  }

  get patienceMilliseconds(): number {
    return this.#options.patienceMilliseconds ?? PATIENCE;
  }

  /** `givenUp` is told before the connection is ended. */
  open(givenUp: () => void): ForwardTarget {
    const target = new ForwardTarget(this, givenUp);
    this.#targets.add(target);
    return target;
  }

  /** Whether others than this one are held up. */
  holdsUpOthers(target: ForwardTarget): boolean {
    return this.#targets.size > (this.#targets.has(target) ? 1 : 0);
  }

  setFull(target: ForwardTarget, isFull: boolean): void {
    if (this.#full.has(target) === isFull) return;
    if (isFull) this.#full.add(target);
    else this.#full.delete(target);
    if (isFull && this.#full.size === 1) this.#options.pause();
    if (!isFull && this.#full.size === 0) this.#options.resume();
  }

  close(target: ForwardTarget): void {
    this.#targets.delete(target);
    this.setFull(target, false);
  }
}

/** One connection to a port, and what the client has sent to it. */
export class ForwardTarget {
  readonly #session: ForwardSession;
  readonly #givenUp: () => void;
  readonly #early: Buffer[] = [];
  #socket: Socket | undefined;
  #waiting = 0;
  #hasEnded = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: ForwardSession, givenUp: () => void) {
    this.#session = session;
    this.#givenUp = givenUp;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** The port has answered: what came before goes to it. */
  connect(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.close());
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    for (const bytes of this.#early.splice(0)) this.#pass(socket, bytes);
    if (this.#hasEnded) socket.end();
  }

  write(bytes: Buffer): void {
    if (this.#isClosed || this.#hasEnded || bytes.length === 0) return;
    this.#waiting += bytes.length;
    if (this.#socket === undefined) this.#early.push(bytes);
    else this.#pass(this.#socket, bytes);
    if (this.#waiting <= MOST_WAITING) return;
    this.#session.setFull(this, true);
    this.#expectProgress();
  }

  /** The client sends no more. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#socket?.end();
  }

  /** The connection is over, or never came about. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#early.length = 0;
    this.#socket?.destroy();
    this.#session.close(this);
  }

  #pass(socket: Socket, bytes: Buffer): void {
    socket.write(bytes, () => {
      this.#waiting -= bytes.length;
      if (this.#isClosed) return;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      if (this.#waiting <= MOST_WAITING / 2) this.#session.setFull(this, false);
      else if (this.#waiting > MOST_WAITING) this.#expectProgress();
    });
  }

  #expectProgress(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!this.#session.holdsUpOthers(this)) {
        this.#expectProgress();
        return;
      }
      this.#givenUp();
      this.close();
    }, this.#session.patienceMilliseconds).unref();
  }
}
