import type { CompiledAnswer } from '../compile-answer.ts';
import type { CacheConfig } from '../config/config.ts';
import { flags, isWithin, keyOfName, parentKey, rcodes, types } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { writeRecords } from '../wire/message.ts';
import type { RawMessage, RawRecord } from '../wire/message.ts';

/** What is asked, as far as answers differ by it. */
export interface CacheQuestion {
  readonly key: NameKey;
  readonly type: number;
  readonly dnssecOk: boolean;
  readonly checkingDisabled: boolean;
}

export interface CacheHit {
  readonly answer: CompiledAnswer;
  /** Seconds since it was heard. */
  readonly age: number;
  readonly kind: 'success' | 'denial';
  /** It has run out: to be given only when nobody knows better. */
  readonly isStale: boolean;
  /** It is asked for so often that it should be asked again before it runs out. */
  readonly isDue: boolean;
}

interface Entry {
  readonly answer: CompiledAnswer;
  readonly kind: 'success' | 'denial';
  /** Milliseconds of the clock. */
  readonly at: number;
  /** Seconds. */
  readonly ttl: number;
  readonly bytes: number;
  /** The records behind a denial, to be said of names below it. */
  readonly authorities: readonly RawRecord[];
  hits: number;
  isDue: boolean;
}

/** What an entry costs besides its octets and its key's. */
const entryOverhead = 400;
/** What a record costs that is kept besides, in objects. */
const recordOverhead = 300;

/**
 * Answers of upstreams, the least recently asked ones dropped first. That a name does not exist is kept for all its types
 * (RFC 2308 section 5), and for all names below it (RFC 8020).
 */
export class AnswerCache {
  readonly #config: CacheConfig;
  readonly #now: () => number;
  readonly #except: readonly NameKey[];
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();
  #absentNames = 0;
  #bytes = 0;
  #evictions = 0;

  /** `now`: milliseconds that only go forward. */
  constructor(config: CacheConfig, now: () => number) {
    this.#config = config;
    this.#now = now;
    this.#except = config.except.map(keyOfName);
  }

  get evictions(): number {
    return this.#evictions;
  }

  get bytes(): number {
    return this.#bytes;
  }

  count(kind: 'success' | 'denial'): number {
    let count = 0;
    for (const entry of this.#entries.values()) if (entry.kind === kind) count++;
    return count;
  }

  /** `within`: whether a name above is the same upstreams' to answer; what others deny says nothing of theirs. */
  get(question: CacheQuestion, within: (above: NameKey) => boolean = () => true): CacheHit | undefined {
    if (this.#except.some(zone => isWithin(question.key, zone))) return undefined;
    const own = this.#look(slotOf(question, question.key, question.type));
    if (own?.isStale === false) return own;
    // That the name has gone since is newer than what it was.
    return this.#look(slotOf(question, question.key)) ?? this.#above(question, within) ?? own;
  }

  /** Takes an answer in for as long as its records say; returns it as it is given to clients. */
  put(question: CacheQuestion, message: RawMessage, canKeep: boolean): CompiledAnswer {
    const { key } = question;
    const life = lifeOf(message, this.#config);
    const made = compiled(key, message, this.#config, life);
    const isTruncated = (message.flags & flags.TC) !== 0;
    if (!canKeep || isTruncated || life === undefined || life.ttl <= 0) return made;
    if (this.#except.some(zone => isWithin(key, zone))) return made;
    const isAbsent = message.rcode === rcodes.NXDOMAIN && message.answers.length === 0;
    const slot = isAbsent ? slotOf(question, key) : slotOf(question, key, question.type);
    // A failure says nothing of the name: what was found before is better (RFC 8767 section 4).
    if (message.rcode === rcodes.SERVFAIL && this.#entries.get(slot)?.kind === 'success') return made;
    const { kind, ttl } = life;
    const authorities = isAbsent ? message.authorities.map(withOwnData) : [];
    const bytes = made.bytes.length + 2 * slot.length + entryOverhead + recordOverhead * authorities.length;
    this.#remove(slot);
    this.#entries.set(slot, {
      answer: { ...made, bytes: ownCopy(made.bytes) },
      kind,
      at: this.#now(),
      ttl,
      bytes,
      authorities,
      hits: 0,
      isDue: false,
    });
    this.#bytes += bytes;
    if (isAbsent) this.#absentNames++;
    this.#shrink();
    return made;
  }

  #look(slot: string): CacheHit | undefined {
    const entry = this.#entries.get(slot);
    if (entry === undefined) return undefined;
    const age = (this.#now() - entry.at) / 1000;
    const isStale = age >= entry.ttl;
    const isPast = isStale && (entry.kind === 'denial' || age >= entry.ttl + this.#config.serveStale);
    if (isPast) {
      this.#remove(slot);
      return undefined;
    }
    this.#entries.delete(slot);
    this.#entries.set(slot, entry);
    entry.hits++;
    const { prefetchHits, prefetchPercent } = this.#config;
    const isRunningOut = (100 * (entry.ttl - age)) / entry.ttl <= prefetchPercent;
    const isDue = prefetchHits > 0 && !isStale && !entry.isDue && entry.hits > prefetchHits && isRunningOut;
    if (isDue) entry.isDue = true; // once: what comes takes its place
    return { answer: entry.answer, age: Math.floor(age), kind: entry.kind, isStale, isDue };
  }

  /** Nothing is below a name that does not exist. */
  #above(question: CacheQuestion, within: (above: NameKey) => boolean): CacheHit | undefined {
    if (this.#absentNames === 0) return undefined;
    for (let key = parentKey(question.key); key.length > 1; key = parentKey(key)) {
      const slot = slotOf(question, key);
      const entry = this.#entries.get(slot);
      if (entry === undefined || !within(key)) continue;
      const hit = this.#look(slot);
      if (hit === undefined) continue;
      const body = writeRecords(question.key, entry.authorities);
      return {
        ...hit,
        answer: { ...hit.answer, bytes: clamped(body, entry.ttl), ends: body.ends, ttls: body.ttls },
      };
    }
    return undefined;
  }

  #remove(slot: string): void {
    const entry = this.#entries.get(slot);
    if (entry === undefined) return;
    this.#entries.delete(slot);
    this.#bytes -= entry.bytes;
    if (entry.authorities.length > 0) this.#absentNames--;
  }

  #shrink(): void {
    const { entries, bytes } = this.#config;
    for (const slot of this.#entries.keys()) {
      if (this.#entries.size <= entries && this.#bytes <= bytes) return;
      this.#remove(slot);
      this.#evictions++;
    }
  }
}

/** A key ends where it says itself; behind it DO and CD, and a type, or none for what is said of all types. */
const slotOf = (question: CacheQuestion, key: NameKey, type?: number): string => {
  const bits = (question.dnssecOk ? 1 : 0) + (question.checkingDisabled ? 2 : 0);
  return key + (type === undefined ? String.fromCharCode(bits) : String.fromCharCode(bits, type));
};

/** Not a slice of the allocator's pool, of which a few octets would keep the whole. */
function ownCopy(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

const withOwnData = (record: RawRecord): RawRecord => ({ ...record, data: ownCopy(record.data) });

interface Life {
  readonly kind: 'success' | 'denial';
  /** Seconds. */
  readonly ttl: number;
}

/** Undefined: not to be kept. */
function lifeOf(message: RawMessage, config: CacheConfig): Life | undefined {
  const { rcode, answers, authorities } = message;
  if (rcode === rcodes.SERVFAIL) return { kind: 'denial', ttl: config.failureTtl };
  if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN) return undefined;
  const soa = authorities.find(record => record.type === types.SOA);
  if (rcode === rcodes.NOERROR && answers.length > 0 && soa === undefined) {
    const least = Math.min(...answers.map(record => record.ttl));
    return { kind: 'success', ttl: Math.min(Math.max(least, config.minTtl), config.maxTtl) };
  }
  if (soa === undefined) return undefined; // RFC 2308 section 5: without a SOA nobody says how long
  const minimum = soa.data.length >= 4 ? soa.data.readUInt32BE(soa.data.length - 4) : 0;
  const least = Math.min(soa.ttl, minimum, ...answers.map(record => record.ttl));
  return { kind: 'denial', ttl: Math.min(Math.max(least, config.minTtl), config.maxNegativeTtl) };
}

/** An answer of somebody else's as it is given to clients, for as long as it says. */
export const compileMessage = (key: NameKey, message: RawMessage): CompiledAnswer =>
  compiled(key, message, passing, undefined);

const passing = { minTtl: 0, maxTtl: 2 ** 31 - 1 };

function compiled(
  key: NameKey,
  message: RawMessage,
  config: Pick<CacheConfig, 'minTtl' | 'maxTtl'>,
  life: Life | undefined,
): CompiledAnswer {
  const { answers, authorities, additional } = message;
  const most = life?.kind === 'denial' ? life.ttl : config.maxTtl;
  const least = life === undefined ? 0 : Math.min(config.minTtl, most);
  const capped = (records: readonly RawRecord[]) =>
    records.map(record => ({ ...record, ttl: Math.min(Math.max(record.ttl, least), most) }));
  const body = writeRecords(key, [...capped(answers), ...capped(authorities), ...capped(additional)]);
  return {
    rcode: message.rcode & 0xf,
    authoritative: (message.flags & flags.AA) !== 0,
    bits: message.flags & (flags.RA | flags.AD | flags.TC),
    bytes: body.bytes,
    ends: body.ends,
    ttls: body.ttls,
    answers: answers.length,
    authorities: authorities.length,
    additional: additional.length,
    stride: 0,
  };
}

function clamped({ bytes, ttls }: { bytes: Buffer; ttls: readonly number[] }, most: number): Buffer {
  for (const at of ttls) bytes.writeUInt32BE(Math.min(bytes.readUInt32BE(at), most), at);
  return bytes;
}
