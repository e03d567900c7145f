import type { Log } from '../../base/log.ts';
import type { ForwardZone } from '../forward/forward-zone.ts';
import { keyOfName } from '../wire/index.ts';
import type { NameKey } from '../wire/index.ts';

/** A question that comes back shows that an upstream asks us: then every question would go round for ever. */
export class LoopCheck {
  readonly #zones: ReadonlyMap<NameKey, ForwardZone>;
  readonly #looping = new Set<ForwardZone>();
  readonly #seen = new Set<NameKey>();
  readonly #log: Log;
  readonly #timers: readonly NodeJS.Timeout[];

  constructor(options: {
    readonly zones: readonly ForwardZone[];
    readonly random: () => number;
    readonly log: Log;
  }) {
    const { zones, random, log } = options;
    const label = () => Math.floor(random() * 2 ** 48).toString(36);
    this.#log = log;
    this.#zones = new Map(
      zones.map(zone => [
        (keyOfName(`${label()}.${label()}`).slice(0, -1) + (zone.zones[0] ?? '\0')) as NameKey,
        zone,
      ]),
    );
    const first = setTimeout(() => this.#probe(), firstMilliseconds);
    const again = setInterval(() => this.#probe(), intervalMilliseconds);
    for (const timer of [first, again]) timer.unref();
    this.#timers = [first, again];
  }

  /** Whether this is a question of ours that has come back; notes it. */
  isOurs(key: NameKey): boolean {
    if (!this.#zones.has(key)) return false;
    this.#seen.add(key);
    return true;
  }

  isLooping(zone: ForwardZone): boolean {
    return this.#looping.has(zone);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #probe(): void {
    for (const [key, zone] of this.#zones) {
      this.#seen.delete(key);
      const question = {
        key,
        type: hostInformation,
        recursionDesired: true,
        checkingDisabled: false,
        dnssecOk: false,
      };
      void zone.ask(question).then(() => this.#judge(key, zone));
    }
  }

  #judge(key: NameKey, zone: ForwardZone): void {
    const cameBack = this.#seen.has(key);
    if (cameBack === this.#looping.has(zone)) return;
    const zones = zone.zones.map(String);
    if (cameBack) {
      this.#looping.add(zone);
      this.#log.error({ zones }, 'an upstream asks us in turn: its names are SERVFAIL until it does not');
    } else {
      this.#looping.delete(zone);
      this.#log.info({ zones }, 'the upstream asks us no more');
    }
  }
}

const hostInformation = 13;
const firstMilliseconds = 200;
const intervalMilliseconds = 30_000;
