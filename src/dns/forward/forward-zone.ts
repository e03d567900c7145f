import type { ForwardConfig } from '../config/config.ts';
import { isWithin, keyOfName, rcodes } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';
import { Deadline } from './deadline.ts';
import { UpstreamClient } from './upstream-client.ts';
import type { UpstreamObserver } from './upstream-client.ts';
import type { UpstreamQuestion } from './upstream-message.ts';

export type Forwarded =
  | { readonly kind: 'answered'; readonly message: Buffer }
  /** As many are asked as may be: the client is better off elsewhere. */
  | { readonly kind: 'busy' }
  /** No upstream answered in time. */
  | { readonly kind: 'failed' };

export interface ZoneObserver extends UpstreamObserver {
  probed(upstream: string, isAlive: boolean): void;
  /** All upstreams count as dead; one is asked all the same. */
  allBroken(): void;
  rejected(): void;
}

export interface ForwardZoneOptions {
  readonly config: ForwardConfig;
  readonly random: () => number;
  readonly now: () => number;
  readonly observer: ZoneObserver;
}

/** Upstreams that a question is given to; each once, and the first ones again. */
const mostTries = 4;
/** A second upstream is asked when the first one takes this many times as long as it does otherwise. */
const patience = 4;
const leastPatienceMilliseconds = 50;
/** What an upstream says of itself, not of the name: another one may do better. */
const failureCodes: ReadonlySet<number> = new Set([rcodes.SERVFAIL, rcodes.REFUSED, rcodes.NOTIMP]);
const rootProbe: UpstreamQuestion = {
  key: keyOfName('.'),
  type: 2,
  recursionDesired: true,
  checkingDisabled: false,
  dnssecOk: false,
};

/**
 * Asks the upstreams of some zones. One that is slow does not make the client wait: the next is asked besides, and the
 * first good answer counts. One that fails again and again is left out until it answers a probe.
 */
export class ForwardZone {
  readonly zones: readonly NameKey[];
  readonly #except: readonly NameKey[];
  readonly #options: ForwardZoneOptions;
  readonly #upstreams: readonly UpstreamClient[];
  readonly #probes = new Map<UpstreamClient, NodeJS.Timeout>();
  /** Ends of the questions under way. */
  readonly #endings = new Set<() => void>();
  #underWay = 0;
  #next = 0;

  constructor(options: ForwardZoneOptions) {
    const { config, random, now, observer } = options;
    this.#options = options;
    this.zones = config.zones.map(keyOfName);
    this.#except = config.except.map(keyOfName);
    this.#upstreams = config.to.map(
      upstream =>
        new UpstreamClient(
          {
            upstream,
            random,
            now,
            timeoutMilliseconds: config.timeoutSeconds * 1000,
            forceTcp: config.forceTcp,
            randomCase: config.randomCase,
          },
          observer,
        ),
    );
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** How long the longest zone is that the name is in; undefined where it is in none. */
  matches(key: NameKey): number | undefined {
    if (this.#except.some(zone => isWithin(key, zone))) return undefined;
    const lengths = this.zones.filter(zone => isWithin(key, zone)).map(zone => zone.length);
    return lengths.length === 0 ? undefined : Math.max(...lengths);
  }

  async ask(question: UpstreamQuestion): Promise<Forwarded> {
    if (this.#underWay >= this.#options.config.maxConcurrent) {
      this.#options.observer.rejected();
      return { kind: 'busy' };
    }
    this.#underWay++;
    try {
      return await this.#race(question);
    } finally {
      this.#underWay--;
    }
  }

  close(): void {
    for (const timer of this.#probes.values()) clearInterval(timer);
    for (const end of this.#endings) end();
    for (const upstream of this.#upstreams) upstream.close();
  }

  /** The first good answer; else the first bad one. */
  #race(question: UpstreamQuestion): Promise<Forwarded> {
    const candidates = this.#candidates();
    const { promise, resolve } = Promise.withResolvers<Forwarded>();
    const until = new Deadline();
    let [started, ended] = [0, 0];
    let second: Buffer | undefined;
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    const finish = (forwarded: Forwarded) => {
      isOver = true;
      this.#endings.delete(end);
      clearTimeout(timer);
      resolve(forwarded);
      until.end();
    };
    const end = () => finish({ kind: 'failed' });
    this.#endings.add(end);
    const start = () => {
      const upstream = candidates[started];
      if (upstream === undefined || isOver) return;
      started++;
      clearTimeout(timer);
      if (started < candidates.length) timer = setTimeout(start, this.#patienceWith(upstream));
      void upstream.ask(question, until).then(answer => {
        this.#watch(upstream);
        ended++;
        if (answer !== undefined && !failureCodes.has(answer.readUInt8(3) & 0xf)) {
          finish({ kind: 'answered', message: answer });
          return;
        }
        second ??= answer;
        if (started < candidates.length) start();
        else if (ended === started)
          finish(second === undefined ? { kind: 'failed' } : { kind: 'answered', message: second });
      });
    };
    start();
    return promise;
  }

  #patienceWith({ milliseconds = 0 }: UpstreamClient): number {
    const longest = this.#options.config.timeoutSeconds * 1000;
    // Nobody knows yet how long this one takes.
    if (milliseconds === 0) return longest / 3;
    return Math.min(longest, Math.max(leastPatienceMilliseconds, patience * milliseconds));
  }

  #candidates(): readonly UpstreamClient[] {
    const alive = this.#upstreams.filter(upstream => !this.#probes.has(upstream));
    if (alive.length === 0) this.#options.observer.allBroken();
    const ordered = this.#ordered(alive.length === 0 ? this.#upstreams : alive);
    const tries = Math.min(mostTries, ordered.length * 2);
    return Array.from({ length: tries }, (_, index) => ordered[index % ordered.length] ?? ordered[0]).filter(
      upstream => upstream !== undefined,
    );
  }

  #ordered(upstreams: readonly UpstreamClient[]): readonly UpstreamClient[] {
    const { config, random } = this.#options;
    if (config.policy === 'sequential') return upstreams;
    const from =
      config.policy === 'round_robin'
        ? this.#next++ % upstreams.length
        : Math.floor(random() * upstreams.length);
    return [...upstreams.slice(from), ...upstreams.slice(0, from)];
  }

  /** Probes one that failed too often until it answers. */
  #watch(upstream: UpstreamClient): void {
    const { config, observer } = this.#options;
    if (config.maxFails === 0 || upstream.failures < config.maxFails || this.#probes.has(upstream)) return;
    const probe = () => {
      void upstream.ask(rootProbe).then(answer => {
        observer.probed(upstream.name, answer !== undefined);
        if (answer === undefined) return;
        clearInterval(this.#probes.get(upstream));
        this.#probes.delete(upstream);
      });
    };
    const timer = setInterval(probe, config.healthCheckSeconds * 1000);
    timer.unref();
    this.#probes.set(upstream, timer);
  }
}
