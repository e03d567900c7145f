import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Log } from '../../base/log.ts';
import { formatAddress, parseAddress } from '../../base/ip.ts';
import type { DnsMetrics } from '../metrics.ts';

/** An address that a name has, as it goes to the agent. */
export interface NamedAddress {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

export interface NameGateOptions {
  /** Where the agent listens. */
  readonly path: string;
  readonly metrics: Pick<DnsMetrics, 'gateWaits' | 'gateTimeouts'>;
  readonly now: () => number;
  readonly log: Log;
}

const waitMilliseconds = 1000;
const reconnectMilliseconds = 500;
const mostPatterns = 10_000;
const mostWaiting = 1000;
/** Of one name; the agent takes lines of 64 KiB. */
const mostAddresses = 512;
const longestLine = 2 * 1024 * 1024;

/**
 * Tells the agent the addresses of names that policies wait for, and holds an answer until they are in force. Lines of
 * JSON over the agent's socket: it sends `{"patterns": […]}`, the whole list, whenever it changes; we send `{"id", "chain", "addresses"}`,
 * and it says `{"done": id}`. Where it says nothing for a second the answer goes out all the
 * same: the connection is closed to it then, and opens when the agent has caught up.
 */
export class NameGate {
  readonly #options: NameGateOptions;
  readonly #exact = new Set<string>();
  readonly #below = new Set<string>();
  readonly #waiting = new Map<number, { readonly line: string; readonly done: () => void }>();
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #next = 1;
  #onPatterns: () => void = () => undefined;

  constructor(options: NameGateOptions) {
    this.#options = options;
    this.#connect();
  }

  get isIdle(): boolean {
    return this.#exact.size === 0 && this.#below.size === 0;
  }

  /** Calls one follower when policies wait for other names. */
  onPatterns(changed: () => void): void {
    this.#onPatterns = changed;
  }

  /** Names in lower case, without a dot at the end. */
  waitsFor(names: readonly string[]): boolean {
    return names.some(name => {
      if (this.#exact.has(name)) return true;
      for (let at = name.indexOf('.'); at >= 0; at = name.indexOf('.', at + 1))
        if (this.#below.has(name.slice(at + 1))) return true;
      return false;
    });
  }

  /** Resolves when the agent has confirmed, or after a second. */
  async announce(names: readonly string[], addresses: readonly NamedAddress[]): Promise<void> {
    if (this.#waiting.size >= mostWaiting) {
      this.#options.metrics.gateTimeouts.add();
      return;
    }
    const id = this.#next++;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const canonical = addresses.slice(0, mostAddresses).flatMap(({ address, ttl }) => {
      const parsed = parseAddress(address);
      return parsed === undefined ? [] : [{ address: formatAddress(parsed), ttl }];
    });
    const line = `${JSON.stringify({ id, chain: names, addresses: canonical })}\n`;
    const started = this.#options.now();
    const timer = setTimeout(() => resolve(false), waitMilliseconds);
    this.#waiting.set(id, { line, done: () => resolve(true) });
    this.#socket?.write(line);
    const isDone = await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    this.#options.metrics.gateWaits.observe((this.#options.now() - started) / 1000);
    if (!isDone) this.#options.metrics.gateTimeouts.add();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #connect(): void {
    const socket = connect(this.#options.path);
    let pending = '';
    socket.setEncoding('utf8');
    socket.unref();
    socket.once('connect', () => {
      this.#socket = socket;
      for (const { line } of this.#waiting.values()) socket.write(line);
    });
    socket.on('data', (chunk: string) => {
      pending += chunk;
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      if (pending.length > longestLine) socket.destroy();
      for (const line of lines) this.#hear(line, socket);
    });
    socket.once('error', () => undefined); // `close` follows
    socket.once('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
      if (this.#isClosed) return;
      this.#timer = setTimeout(() => this.#connect(), reconnectMilliseconds);
      this.#timer.unref();
    });
  }

  #hear(line: string, socket: Socket): void {
    const message = parseLine(line);
    if (message === undefined) {
      this.#options.log.warn({ line: line.slice(0, 200) }, 'the agent says what is not understood');
      socket.destroy();
      return;
    }
    if (message.done !== undefined) this.#waiting.get(message.done)?.done();
    if (message.patterns === undefined) return;
    this.#exact.clear();
    this.#below.clear();
    for (const pattern of message.patterns.slice(0, mostPatterns)) {
      if (pattern.startsWith('*.')) this.#below.add(pattern.slice(2));
      else this.#exact.add(pattern);
    }
    this.#onPatterns();
  }
}

function parseLine(line: string): { patterns?: readonly string[]; done?: number } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined; // the caller says so
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { patterns, done } = value as { readonly patterns?: unknown; readonly done?: unknown };
  if (Array.isArray(patterns) && patterns.every(pattern => typeof pattern === 'string')) return { patterns };
  return typeof done === 'number' ? { done } : undefined;
}
