import type { Log } from '../../base/log.ts';
import type { CacheConfig, ForwardConfig } from '../config/config.ts';
import { ForwardZone } from '../forward/forward-zone.ts';
import { questionEndOf } from '../forward/upstream-message.ts';
import type { UpstreamQuestion } from '../forward/upstream-message.ts';
import type { DnsMetrics } from '../metrics.ts';
import { rcodes, textOfName } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { readMessage } from '../wire/message.ts';
import { AnswerCache, compileMessage } from './cache.ts';
import type { CacheHit } from './cache.ts';
import { LoopCheck } from './loop-check.ts';
import { codeOnly } from './reply.ts';
import type { Reply } from './reply.ts';

export interface ResolverOptions {
  readonly forward: readonly ForwardConfig[];
  readonly cache: CacheConfig | undefined;
  readonly loopDetection: boolean;
  readonly random: () => number;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
  readonly metrics: DnsMetrics;
  readonly log: Log;
}

/** An upstream that takes longer leaves clients with what the cache has (RFC 8767 section 5). */
const staleAfterMilliseconds = 1800;

/** Answers for names that are others': from the cache, or from upstreams. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #zones: readonly ForwardZone[];
  readonly #cache: AnswerCache | undefined;
  readonly #loops: LoopCheck | undefined;
  /** Questions under way: whoever asks the same waits for the same answer. */
  readonly #underWay = new Map<string, Promise<Reply>>();
  #isTold = false;
  #asked = 0;

  constructor(options: ResolverOptions) {
    const { forward, cache, random, now, metrics, log } = options;
    this.#options = options;
    const observer = {
      answered: (to: string, rcode: number | undefined, milliseconds: number) =>
        metrics.upstreamAnswered(to, rcode, milliseconds),
      connected: (to: string, transport: 'udp' | 'tcp', isReused: boolean) =>
        metrics.upstreamConnected(to, transport, isReused),
      probed: (to: string, isAlive: boolean) => metrics.upstreamProbed(to, isAlive),
      allBroken: () => metrics.allBroken.add(),
      rejected: () => metrics.rejected.add(),
    };
    this.#zones = forward.map(config => new ForwardZone({ config, random, now, observer }));
    this.#cache = cache === undefined ? undefined : new AnswerCache(cache, now);
    if (options.loopDetection && this.#zones.length > 0)
      this.#loops = new LoopCheck({ zones: this.#zones, random, log });
  }

  /** Questions that upstreams were asked. */
  get asked(): number {
    return this.#asked;
  }

  get hasUpstreams(): boolean {
    return this.#zones.length > 0;
  }

  get cache(): AnswerCache | undefined {
    return this.#cache;
  }

  resolve(question: UpstreamQuestion): Reply | Promise<Reply> {
    if (this.#loops?.isOurs(question.key) === true) return codeOnly(rcodes.NXDOMAIN, 'loop');
    const zone = this.#zoneOf(question.key);
    if (zone === undefined) return this.#nobody(question);
    const { metrics } = this.#options;
    const hit = this.#cache?.get(question, above => this.#zoneOf(above) === zone);
    if (this.#cache !== undefined) {
      metrics.cacheRequests.value++;
      if (hit === undefined || hit.isStale) metrics.cacheMisses.value++;
      else metrics.cacheHits.with(metrics.listen, hit.kind, '.', '').value++;
    }
    if (hit !== undefined && !hit.isStale) {
      if (hit.isDue) {
        metrics.cachePrefetches.value++;
        void this.#askOnce(question, zone);
      }
      return { answer: hit.answer, age: hit.age, by: 'cache' };
    }
    const asking = this.#askOnce(question, zone);
    return hit === undefined ? asking : this.#orStale(asking, hit);
  }

  close(): void {
    this.#loops?.close();
    for (const zone of this.#zones) zone.close();
  }

  /** The one with the longest zone that the name is in; of equals the first. */
  #zoneOf(key: NameKey): ForwardZone | undefined {
    let best: { zone: ForwardZone; length: number } | undefined;
    for (const zone of this.#zones) {
      const length = zone.matches(key);
      if (length !== undefined && length > (best?.length ?? 0)) best = { zone, length };
    }
    return best?.zone;
  }

  #nobody({ key }: UpstreamQuestion): Reply {
    if (!this.#isTold) {
      const sentence = 'names outside the cluster are refused: no upstream resolver is given for them';
      this.#options.log.warn({ name: textOfName(key) }, sentence);
    }
    this.#isTold = true;
    return codeOnly(rcodes.REFUSED, 'forward');
  }

  #askOnce(question: UpstreamQuestion, zone: ForwardZone): Promise<Reply> {
    const { key, type, dnssecOk, checkingDisabled, recursionDesired } = question;
    const slot =
      key +
      String.fromCharCode(
        type,
        Number(dnssecOk) + 2 * Number(checkingDisabled) + 4 * Number(recursionDesired),
      );
    const present = this.#underWay.get(slot);
    if (present !== undefined) return present;
    const asking = this.#ask(question, zone).finally(() => this.#underWay.delete(slot));
    this.#underWay.set(slot, asking);
    return asking;
  }

  async #ask(question: UpstreamQuestion, zone: ForwardZone): Promise<Reply> {
    if (this.#loops?.isLooping(zone) === true) return codeOnly(rcodes.SERVFAIL, 'loop');
    this.#asked++;
    const forwarded = await zone.ask(question);
    if (forwarded.kind === 'busy') return codeOnly(rcodes.REFUSED, 'forward');
    if (forwarded.kind === 'failed') return codeOnly(rcodes.SERVFAIL, 'forward');
    const { message } = forwarded;
    const questionEnd = questionEndOf(question);
    if (message.length < questionEnd) return codeOnly(message.readUInt8(3) & 0xf, 'forward');
    const read = readMessage(message, questionEnd);
    if (read === undefined) {
      this.#options.metrics.cacheDrops.value++;
      return codeOnly(rcodes.SERVFAIL, 'forward');
    }
    const answer =
      this.#cache === undefined
        ? compileMessage(question.key, read)
        : this.#cache.put(question, read, question.recursionDesired);
    return { answer, age: 0, by: 'forward' };
  }

  /** What has run out is better than nothing: when upstreams fail, or take too long. */
  async #orStale(asking: Promise<Reply>, hit: CacheHit): Promise<Reply> {
    const stale: Reply = { answer: hit.answer, age: Infinity, by: 'cache' };
    const late = Promise.withResolvers<Reply>();
    const timer = setTimeout(() => late.resolve(stale), staleAfterMilliseconds);
    const reply = await Promise.race([asking, late.promise]);
    clearTimeout(timer);
    const isGood = reply.answer.rcode === rcodes.NOERROR || reply.answer.rcode === rcodes.NXDOMAIN;
    if (isGood && reply !== stale) return reply;
    this.#options.metrics.cacheStale.value++;
    return stale;
  }
}
