import type { KubeObject } from '../../../../kube/types/meta.ts';
import type { Announcement, Effect } from '../announcement.ts';
import { answer, compileModel } from '../model/index.ts';
import type { ModelRequest, NginxModel, Outcome } from '../model/index.ts';
import type { IngressModel } from '../read.ts';
import { causesOf, plainOf } from './causes.ts';
import { compareOutcomes, shortly } from './compare.ts';
import type { Difference } from './compare.ts';
import { curlOf } from './curl.ts';
import { generateRequests } from './generate.ts';
import { minimise } from './minimise.ts';
import { answerNew, compileNewSide } from './new-side.ts';
import type { NewSide } from './new-side.ts';

export interface ProofOptions {
  /** 1 by default: the same seed asks the same. */
  readonly seed?: number;
  /** For each Ingress, 200 by default. */
  readonly requestsPerIngress?: number;
  /** Further requests, as `readAccessLog` gives them. */
  readonly logged?: readonly ModelRequest[];
}

export interface Proof {
  readonly seed: number;
  readonly counts: {
    readonly ingresses: number;
    readonly requests: number;
    /** Of the requests: answered the same on both sides. */
    readonly same: number;
    /** One side cannot be told; never counted as the same. */
    readonly undetermined: number;
    readonly different: number;
    /** Of the differences that nobody announced, those that are too many to be shown. */
    readonly unshown: number;
  };
  /** In the order of the Ingresses: what their own requests came to. */
  readonly byIngress: readonly IngressCounts[];
  /** Grouped by what differs, where, and why; what nobody announced first. */
  readonly differences: readonly ProvenDifference[];
  readonly undetermined: readonly {
    readonly reason: string;
    readonly ingress: string;
    readonly requests: number;
  }[];
  /** What is wrong with the objects themselves, in sentences. */
  readonly problems: readonly string[];
  /** There are differences that the conversion does not announce, objects that do not hold, or nothing was asked. */
  readonly failed: boolean;
}

export interface IngressCounts {
  /** `namespace/name` */
  readonly ingress: string;
  readonly same: number;
  /** Different, as it was announced. */
  readonly announced: number;
  /** Different, and nobody said so. */
  readonly unannounced: number;
  readonly undetermined: number;
}

type Verdict = Exclude<keyof IngressCounts, 'ingress'>;

export interface ProvenDifference {
  readonly effect: Effect;
  /** `namespace/name` of the Ingress that decided the old answer; empty: none did. */
  readonly ingress: string;
  /** Where both sides decided. */
  readonly oldPlace: string;
  readonly newPlace: string;
  /** Annotation, `config:KEY` or `behaviour:CODE`; the nearest cause. */
  readonly cause: string;
  /** The smallest request that shows it. */
  readonly request: ModelRequest;
  readonly curl: string;
  readonly was: string;
  readonly becomes: string;
  /** How many of the requests showed it. */
  readonly requests: number;
  /** The code of what the conversion says of it; absent: it says nothing, and the proof fails. */
  readonly announced?: string;
}

/** Groups of each kind beyond this number are counted, not shown. */
const MOST_GROUPS = 2000;
const MOST_REASONS = 200;

/**
 * Asks both sides of a move the same requests: the model of Ingress NGINX, and the tables that the converted objects come
 * to. Each difference is announced by the conversion or is a failure of it.
 */
export function prove(
  ingresses: IngressModel,
  objects: readonly KubeObject[],
  announcements: readonly Announcement[],
  { logged = [], requestsPerIngress = 200, seed = 1 }: ProofOptions = {},
): Proof {
  const model = compileModel(ingresses);
  const side = compileNewSide(objects, ingresses);
  const run = new Run(model, side, announcements);
  for (const ingress of ingresses.ingresses)
    for (const request of generateRequests(model, ingress, { seed, most: requestsPerIngress }))
      run.ask(request, ingress.id);
  for (const request of logged) run.ask(request);
  return run.conclude(seed, ingresses.ingresses.length);
}

interface Group {
  readonly difference: Difference;
  readonly key: string;
  readonly cause: string;
  readonly announced: string | undefined;
  request: ModelRequest;
  old: Outcome;
  now: Outcome;
  requests: number;
}

class Run {
  readonly #model: NginxModel;
  readonly #side: NewSide;
  readonly #announced: ReadonlyMap<string, readonly Announcement[]>;
  readonly #groups = new Map<string, Group>();
  readonly #reasons = new Map<string, { reason: string; ingress: string; requests: number }>();
  readonly #byIngress = new Map<string, { -readonly [Name in keyof IngressCounts]: IngressCounts[Name] }>();
  #requests = 0;
  #known = 0;
  #unshown = 0;
  #same = 0;
  #undetermined = 0;

  constructor(model: NginxModel, side: NewSide, announcements: readonly Announcement[]) {
    this.#model = model;
    this.#side = side;
    this.#announced = Map.groupBy(
      announcements.filter(one => one.class !== 'same'),
      ({ subject }) => subject,
    );
  }

  /** `ingress`: whose boundaries it is from. */
  ask(request: ModelRequest, ingress?: string): void {
    const verdict = this.#judge(request);
    if (ingress === undefined) return;
    const none = { ingress, same: 0, announced: 0, unannounced: 0, undetermined: 0 };
    const counts = this.#byIngress.get(ingress) ?? none;
    counts[verdict]++;
    this.#byIngress.set(ingress, counts);
  }

  #judge(request: ModelRequest): Verdict {
    this.#requests++;
    const { differences, now, old } = this.#bothOf(request);
    const unknown = [old, now].find(({ kind }) => kind === 'undetermined');
    if (unknown?.kind === 'undetermined') {
      this.#undetermined++;
      const key = `${unknown.decided.object} ${unknown.reason}`;
      const known = this.#reasons.get(key);
      if (known !== undefined) known.requests++;
      else if (this.#reasons.size < MOST_REASONS)
        this.#reasons.set(key, { reason: unknown.reason, ingress: unknown.decided.object, requests: 1 });
      return 'undetermined';
    }
    if (differences.length === 0) {
      this.#same++;
      return 'same';
    }
    const plain = plainOf(request);
    const explained = plain === undefined ? undefined : this.#bothOf(plain);
    let isAnnounced = true;
    for (const difference of differences) {
      // What a path without odd spellings shows as well, does not come from them.
      const same = explained?.differences.find(one => one.effect === difference.effect);
      if (plain === undefined || explained === undefined || same === undefined)
        isAnnounced = this.#note(difference, request, old, now) && isAnnounced;
      else isAnnounced = this.#note(same, plain, explained.old, explained.now) && isAnnounced;
    }
    return isAnnounced ? 'announced' : 'unannounced';
  }

  #bothOf(request: ModelRequest): { old: Outcome; now: Outcome; differences: readonly Difference[] } {
    const old = answer(this.#model, request);
    const now = answerNew(this.#side, request);
    return { old, now, differences: compareOutcomes(old, now) };
  }

  /** Whether the conversion announced it. */
  #note(difference: Difference, request: ModelRequest, old: Outcome, now: Outcome): boolean {
    const causes = causesOf(difference, request, old, now);
    const ingress = difference.owner ?? old.decided.object;
    const announced = this.#announcementOf(causes, difference.effect, ingress, old.decided.canary);
    const cause = announced?.subject ?? causes[0] ?? 'behaviour:unexplained';
    const key = `${announced === undefined ? '!' : ''}${difference.effect} ${old.decided.object} ${old.decided.place} ${cause} ${now.decided.place}`;
    const group = this.#groups.get(key);
    if (group === undefined) {
      const isKnown = announced !== undefined;
      if ((isKnown ? this.#known : this.#groups.size - this.#known) >= MOST_GROUPS) {
        if (!isKnown) this.#unshown++;
        return isKnown;
      }
      if (isKnown) this.#known++;
      const code = announced?.code;
      this.#groups.set(key, { difference, key, cause, announced: code, request, old, now, requests: 1 });
      return isKnown;
    }
    group.requests++;
    if (request.target.length < group.request.target.length)
      Object.assign(group, { request, old, now, difference });
    return announced !== undefined;
  }

  /** What the conversion says of one of the causes, for this Ingress or for all. */
  #announcementOf(
    causes: readonly string[],
    effect: Effect,
    ingress: string,
    canary: string | undefined,
  ): Announcement | undefined {
    for (const cause of causes)
      for (const announcement of this.#announced.get(cause) ?? []) {
        // A canary's annotations are its own, also where they act on the paths of others.
        const owner = cause.startsWith('canary') ? (canary ?? ingress) : ingress;
        const isOf = announcement.ingress === '' || announcement.ingress === owner;
        if (isOf && (announcement.effects.length === 0 || announcement.effects.includes(effect)))
          return announcement;
      }
    return undefined;
  }

  conclude(seed: number, ingresses: number): Proof {
    const differences = [...this.#groups.values()].map(group => this.#shown(group));
    differences.sort((a, b) => rankOf(a) - rankOf(b) || (keyOf(a) < keyOf(b) ? -1 : 1));
    const different = this.#requests - this.#same - this.#undetermined;
    const { problems } = this.#side;
    const isOpen = differences.some(({ announced }) => announced === undefined);
    return {
      seed,
      counts: {
        ingresses,
        requests: this.#requests,
        same: this.#same,
        undetermined: this.#undetermined,
        different,
        unshown: this.#unshown,
      },
      byIngress: [...this.#byIngress.values()],
      differences,
      undetermined: [...this.#reasons.values()].toSorted((a, b) => b.requests - a.requests),
      problems,
      failed: isOpen || problems.length > 0 || this.#requests === 0,
    };
  }

  #shown(group: Group): ProvenDifference {
    const { difference, old: found } = group;
    const shows = (smaller: ModelRequest): boolean => this.#differenceLike(group, smaller) !== undefined;
    // What is announced is known already: its request is shown as it is.
    const request = group.announced === undefined ? minimise(group.request, shows) : group.request;
    const old = answer(this.#model, request);
    const now = answerNew(this.#side, request);
    const { becomes, was } = this.#differenceLike(group, request) ?? difference;
    return {
      effect: difference.effect,
      ingress: found.decided.object,
      oldPlace: old.decided.place,
      newPlace: now.decided.place,
      cause: group.cause,
      request,
      curl: curlOf(request),
      was: difference.effect === 'status' && difference.subject === undefined ? shortly(old) : was,
      becomes: difference.effect === 'status' && difference.subject === undefined ? shortly(now) : becomes,
      requests: group.requests,
      ...(group.announced === undefined ? {} : { announced: group.announced }),
    };
  }

  /** The same kind of difference, of the same Ingress, for the same reason. */
  #differenceLike(group: Group, request: ModelRequest): Difference | undefined {
    const { differences, now, old } = this.#bothOf(request);
    if (old.kind !== group.old.kind || old.decided.object !== group.old.decided.object) return undefined;
    return differences.find(
      one =>
        one.effect === group.difference.effect &&
        causesOf(one, request, old, now)[0] ===
          causesOf(group.difference, group.request, group.old, group.now)[0],
    );
  }
}

const rankOf = ({ announced }: ProvenDifference): number => (announced === undefined ? 0 : 1);
const keyOf = ({ cause, effect, ingress, oldPlace, request }: ProvenDifference): string =>
  `${ingress} ${oldPlace} ${effect} ${cause} ${request.target}`;
