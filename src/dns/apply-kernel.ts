import { getRandomValues, randomInt } from 'node:crypto';
import { sentenceOf } from '../base/errors.ts';
import type { Address } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import { Generation, PinnedMaps } from './apply-kernel-maps.ts';
import type { ClusterNames } from './compile-cluster.ts';
import { hashName } from './compile-kernel-hash.ts';
import { clientKey, compileKernelName, compileSettings, labelIn } from './compile-kernel.ts';
import type { KernelName } from './compile-kernel.ts';
import { readCounts } from './compile-kernel-counts.ts';
import type { KernelFamilies } from './compile-kernel-counts.ts';
import { isWithin, textOfName } from './wire/index.ts';
import type { NameKey } from './wire/index.ts';

/** What is answered, and how. */
export interface KernelSource {
  readonly names: ClusterNames;
  /** The cluster's names come first, and nothing has to be known of who asks: else every question is the server's. */
  readonly isPlain: boolean;
  /** The names are what the API server says now, not a last state. */
  readonly isSynced: boolean;
  readonly autopath: boolean;
  /** Octets of an answer by UDP at most. */
  readonly largest: number;
}

export interface KernelAnswersOptions {
  /** Where the agent pins the maps; it may do so later, or never. */
  readonly directory: string;
  /** The server's. */
  readonly addresses: readonly string[];
  /** A policy waits for the addresses of this name: the server tells them. */
  readonly isHeld: (name: string) => boolean;
  /** When the API server last confirmed the names, in milliseconds since the epoch; undefined: never. */
  readonly confirmedAt: () => number | undefined;
  /** Seconds of CLOCK_MONOTONIC, which is the kernel's clock, too; for tests. */
  readonly seconds?: () => number;
  readonly log: Log;
}

const lookMilliseconds = 250;
/** So long the kernel goes on without a server: what it says gets wrong, and nobody would ever take it back. */
const aloneSeconds = 3600;
/** Not with every look: questions that meet a change of settings are the server's. */
const renewSeconds = 60;
const monotonicSeconds = (): number => Number(process.hrtime.bigint() / 1_000_000_000n);
/** Others have to be answered meanwhile. */
const namesAtOnce = 64;

/**
 * Keeps the kernel's answers to those of this server. What the server does not say by the names alone, and what is being
 * changed, the kernel leaves to it.
 *
 *   first sight of the maps, other names ──▶ a new generation, filled beside the old one, swapped in whole
 *   one name changed ──▶ its own element, within the same turn of the loop
 */
export class KernelAnswers {
  readonly #options: KernelAnswersOptions;
  readonly #timer: NodeJS.Timeout;
  #source: KernelSource | undefined;
  #unwatch: () => void = () => undefined;
  #maps: PinnedMaps | undefined;
  #generation: Generation | undefined;
  #secret: Uint8Array = new Uint8Array(16);
  readonly #dirty = new Set<NameKey>();
  /** What changed since a new generation is being filled. */
  #late: Set<NameKey> | undefined;
  /** Names that policies wait for. */
  readonly #held = new Set<NameKey>();
  #isFlushDue = false;
  #rebuilding: Promise<void> | undefined;
  #isRebuildDue = true;
  /** The generation in the kernel is one of other names: nothing is answered from it. */
  #isForeign = false;
  /** It is an earlier server's. */
  #isTaken = false;
  #written = '';
  #until = 0;
  #told = '';
  #isClosed = false;

  constructor(options: KernelAnswersOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#guarded(() => this.#look()), lookMilliseconds);
    this.#timer.unref();
  }

  /** From now on the kernel answers by this; what it must not answer any more it does not when this returns. */
  use(source: KernelSource): void {
    const before = this.#source;
    this.#source = source;
    if (before?.names !== source.names) {
      this.#unwatch();
      this.#unwatch = source.names.tree.watch(key => this.#touch(key));
      this.#isForeign = before !== undefined;
      this.#isRebuildDue = true;
    }
    this.#guarded(() => this.#look());
  }

  /** Policies wait for other names than before. */
  heldChanged(): void {
    const names = this.#source?.names;
    // Names of a generation that is being filled may have been read before.
    if (names === undefined || (this.#generation === undefined && this.#late === undefined)) return;
    for (const [key] of names.tree.entries())
      if (this.#options.isHeld(textOfName(key)) !== this.#held.has(key)) this.#touch(key);
  }

  /** What the kernel has answered since the maps were made; undefined while there are none. */
  counts(): KernelFamilies | undefined {
    const { counts } = this.#maps ?? {};
    if (counts === undefined) return undefined;
    const [four, six] = [0, 1].map(family => counts.lookup(Uint8Array.of(family, 0, 0, 0)));
    if (four === undefined || six === undefined) return undefined;
    return [readCounts(four), readCounts(six)];
  }

  /** Of a pod of this node; undefined for everybody else, and while the agent tells nobody's. */
  namespaceOf(client: Address): string | undefined {
    try {
      const found = this.#maps?.clients.lookup(clientKey(client));
      return found === undefined ? undefined : labelIn(found);
    } catch {
      return undefined; // a map that cannot be read is found by the next look
    }
  }

  /** Resolves when everything that was told is in the kernel; for tests. */
  async settled(): Promise<void> {
    while (this.#rebuilding !== undefined || this.#isFlushDue) {
      await (this.#rebuilding ?? new Promise(setImmediate));
    }
  }

  /** Leaves what is in the kernel: it goes on answering. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#unwatch();
    this.#maps?.[Symbol.dispose]();
    this.#generation?.[Symbol.dispose]();
    this.#maps = undefined;
    this.#generation = undefined;
  }

  #look(): void {
    if (this.#isClosed) return;
    if (this.#maps !== undefined && !this.#maps.isCurrent) this.#forget();
    if (this.#maps === undefined && PinnedMaps.arePinned(this.#options.directory)) this.#open();
    const { maps, source } = { maps: this.#maps, source: this.#source };
    if (maps === undefined || source === undefined) return;
    if (!source.isPlain || this.#isForeign) this.#writeSettings(false);
    if (this.#isRebuildDue && this.#mayRebuild(source) && this.#rebuilding === undefined) {
      this.#isRebuildDue = false;
      this.#rebuilding = this.#rebuild(maps, source)
        .catch((error: unknown) => this.#failed(error))
        .finally(() => (this.#rebuilding = undefined));
    }
    if (this.#generation === undefined || this.#isForeign) return;
    this.#writeSettings(source.isPlain);
    maps.writeState(this.#options.confirmedAt() ?? 0, this.#generation.size);
  }

  /** What an earlier server told the kernel until its end is newer than the last state that it left. */
  #mayRebuild({ names, isSynced }: KernelSource): boolean {
    return names.isComplete && (isSynced || !this.#isTaken);
  }

  #open(): void {
    this.#maps = new PinnedMaps(this.#options.directory);
    this.#isRebuildDue = true;
    const secret = this.#maps.readSettings().slice(8, 24);
    this.#secret = secret.some(octet => octet !== 0) ? secret : getRandomValues(new Uint8Array(16));
    this.#isTaken = this.#maps.hasNames() && this.#generation === undefined;
    this.#options.log.info({ taken: this.#isTaken }, 'names go into the kernel');
  }

  #forget(): void {
    this.#maps?.[Symbol.dispose]();
    this.#maps = undefined;
    this.#generation?.[Symbol.dispose]();
    this.#generation = undefined;
    this.#written = '';
  }

  async #rebuild(maps: PinnedMaps, source: KernelSource): Promise<void> {
    const { names } = source;
    const [zone] = names.zones;
    const keys = [...names.tree.entries()].flatMap(([key]) =>
      zone !== undefined && isWithin(key, zone.key) ? [key] : [],
    );
    if (!Generation.fits(keys.length)) {
      this.#options.log.warn({ names: keys.length }, 'there are more names than the kernel takes');
      this.#generation?.[Symbol.dispose]();
      this.#generation = undefined;
      this.#writeSettings(false);
      return;
    }
    // What an earlier server left is older than what this one knows.
    if (this.#generation === undefined) this.#writeSettings(false);
    const late = (this.#late = new Set<NameKey>());
    const generation = new Generation(keys.length);
    try {
      for (let at = 0; at < keys.length; at += namesAtOnce) {
        const entries = keys.slice(at, at + namesAtOnce).flatMap(key => this.#compile(names, key) ?? []);
        generation.fill(entries);
        await new Promise(setImmediate);
        if (this.#isClosed || this.#maps !== maps || this.#source?.names !== names) {
          generation[Symbol.dispose]();
          return;
        }
      }
    } catch (error) {
      generation[Symbol.dispose]();
      throw error;
    }
    this.#late = undefined;
    this.#dirty.clear();
    // What changed while it was filled is in it before anybody is answered from it.
    this.#bring(generation, names, late);
    generation.putInto(maps);
    const before = this.#generation;
    this.#generation = generation;
    before?.[Symbol.dispose]();
    this.#isForeign = this.#isTaken = false;
    this.#writeSettings(this.#source?.isPlain === true);
    maps.writeState(this.#options.confirmedAt() ?? 0, generation.size);
    const told = `${generation.size > 0}`;
    if (told !== this.#told) this.#options.log.info({ names: generation.size }, 'names are in the kernel');
    this.#told = told;
  }

  #touch(key: NameKey): void {
    this.#late?.add(key);
    if (this.#generation === undefined) return;
    this.#dirty.add(key);
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      const { generation, source } = { generation: this.#generation, source: this.#source };
      if (generation === undefined || source === undefined) this.#dirty.clear();
      else this.#guarded(() => this.#bring(generation, source.names, this.#dirty));
      this.#dirty.clear();
    });
  }

  #bring(generation: Generation, names: ClusterNames, keys: ReadonlySet<NameKey>): void {
    for (const key of keys) {
      const entry = this.#compile(names, key);
      if (entry === undefined) generation.remove(hashName(this.#secret, key));
      else generation.set(entry);
      if (generation.isFull) this.#isRebuildDue = true;
    }
  }

  #compile(names: ClusterNames, key: NameKey): KernelName | undefined {
    const isHeld = this.#options.isHeld(textOfName(key));
    if (isHeld) this.#held.add(key);
    else this.#held.delete(key);
    return compileKernelName(names, key, this.#secret, isHeld);
  }

  #writeSettings(answers: boolean): void {
    const { maps, source } = { maps: this.#maps, source: this.#source };
    if (maps === undefined || source === undefined) return;
    const { names, autopath, largest } = source;
    const complete = names.isComplete && this.#generation !== undefined;
    const { addresses } = this.#options;
    const now = (this.#options.seconds ?? monotonicSeconds)();
    if (this.#until < now + aloneSeconds - renewSeconds) this.#until = now + aloneSeconds;
    const wanted = { answers, complete, autopath, addresses, largest, until: this.#until };
    const text = Buffer.from(compileSettings(names, this.#secret, 0, wanted)).toString('latin1');
    if (text === this.#written) return;
    maps.writeSettings(compileSettings(names, this.#secret, randomInt(1, 2 ** 32 - 1), wanted));
    this.#written = text;
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** What the kernel did not take makes all of it doubtful: the server answers, and everything is told anew. */
  #failed(error: unknown): void {
    const reason = sentenceOf(error);
    if (reason !== this.#told)
      this.#options.log.error(
        { reason },
        'names cannot be told to the kernel; the server answers all questions',
      );
    this.#told = reason;
    try {
      this.#writeSettings(false);
    } catch {
      // The maps are gone: nothing answers from them.
    }
    this.#forget();
    this.#isRebuildDue = true;
  }
}
