import type { Problem } from '../base/provenance.ts';
import type { SocketTranslation } from './apply-ebpf.ts';
import { compileSockets, encodePlace } from './compile-ebpf.ts';
import type { SocketGroup } from './compile-ebpf.ts';
import type { EndpointCounter } from './apply-counters.ts';
import { frontendKey } from './model.ts';
import type { Frontend, Place, ServicePart } from './model.ts';

const partsAtOnce = 200;

/** Who has what, as the node's Services know it. */
export interface FrontendOwners {
  readonly parts: Iterable<ServicePart>;
  /** Whose a front end is, of those who ask for it. */
  readonly ownerOf: (key: string) => ServicePart | undefined;
}

/** Keeps the socket hooks to what the Services of a node ask for. */
export class SocketServices {
  readonly #translation: SocketTranslation;
  /** Addresses that others answer for: cluster DNS. */
  readonly #skipped: ReadonlySet<string>;

  /** Told what the hooks were given up for: then the rules translate everything. */
  readonly #onFailure: (error: unknown) => void;
  /** Front ends that changed since `adopt` began to gather all of them. */
  #overtaken: Set<string> | undefined;

  constructor(
    translation: SocketTranslation,
    skipped: ReadonlySet<string>,
    onFailure: (error: unknown) => void,
  ) {
    this.#translation = translation;
    this.#skipped = skipped;
    this.#onFailure = onFailure;
  }

  /**
   * Everything; returns how many entries were not as they have to be.
   * @param meanwhile - `change` may be called in it.
   */
  async adopt(
    owners: FrontendOwners,
    place: Place,
    meanwhile: () => Promise<void> = () => Promise.resolve(),
  ): Promise<number> {
    if (this.#translation.state === 'off') return 0;
    const overtaken = new Set<string>();
    this.#overtaken = overtaken;
    const groups = new Map<string, SocketGroup>();
    let count = 0;
    try {
      for (const part of owners.parts) {
        for (const [key, group] of compileSockets(part, place, this.#skipped))
          if (owners.ownerOf(key) === part) groups.set(key, group);
        if (++count % partsAtOnce !== 0) continue;
        // Others have to be answered meanwhile.
        await new Promise(setImmediate);
        await meanwhile();
      }
    } finally {
      this.#overtaken = undefined;
    }
    const groupOf = this.#compiler(owners, place);
    for (const key of overtaken) {
      const group = groupOf(key);
      if (group === undefined) groups.delete(key);
      else groups.set(key, group);
    }
    return this.#orGiveUp(() => this.#translation.adopt(groups));
  }

  /** Front ends that one Service had, or has now. */
  async change(frontends: readonly Frontend[], owners: FrontendOwners, place: Place): Promise<void> {
    if (this.#translation.state === 'off') return;
    const groupOf = this.#compiler(owners, place);
    const byKey = new Map(
      frontends.map(one => [frontendKey(one.address, one.protocol, one.port), one] as const),
    );
    for (const key of byKey.keys()) this.#overtaken?.add(key);
    const changes = [...byKey].map(([key, frontend]) => ({
      key: encodePlace(frontend),
      group: groupOf(key),
    }));
    const hasRoom = await this.#orGiveUp(async () => ((await this.#translation.change(changes)) ? 1 : 0));
    // Where everything is being gathered, everything is told soon.
    if (hasRoom === 0 && this.#overtaken === undefined) await this.adopt(owners, place);
  }

  /** Front ends as their owners have them now, each owner compiled once. */
  #compiler(owners: FrontendOwners, place: Place): (key: string) => SocketGroup | undefined {
    const compiled = new Map<ServicePart, ReadonlyMap<string, SocketGroup>>();
    return key => {
      const owner = owners.ownerOf(key);
      if (owner === undefined) return undefined;
      const groups = compiled.get(owner) ?? compileSockets(owner, place, this.#skipped);
      compiled.set(owner, groups);
      return groups.get(key);
    };
  }

  /** Front ends of a Service that the hooks had no room for: one sentence, however many they are. */
  problems(owners: Pick<FrontendOwners, 'ownerOf'>): ReadonlyMap<string, Problem> {
    const left = new Map<string, { readonly part: ServicePart; count: number }>();
    for (const key of this.#translation.withoutRoom) {
      const part = owners.ownerOf(key);
      if (part === undefined) continue;
      const one = left.get(part.key) ?? { part, count: 0 };
      left.set(part.key, one);
      one.count++;
    }
    return new Map(
      [...left].map(([service, { count, part }]): [string, Problem] => {
        const sentence = `the maps of the hooks at sockets have no room for ${count} of its addresses and ports; nftables translates them`;
        return [service, { provenance: part.service, sentence }];
      }),
    );
  }

  /** What the hooks led to each endpoint of a front end. */
  counters(key: string, owners: FrontendOwners, place: Place): Promise<readonly EndpointCounter[]> {
    const owner = owners.ownerOf(key);
    const group = owner === undefined ? undefined : compileSockets(owner, place, this.#skipped).get(key);
    return this.#translation.counters(group);
  }

  /** Hooks that cannot be told of a change would lead to where nobody is any more: none is better than these. */
  async #orGiveUp(work: () => Promise<number>): Promise<number> {
    try {
      return await work();
    } catch (error) {
      try {
        await this.#translation.stop();
      } finally {
        this.#onFailure(error);
      }
      return 0;
    }
  }
}
