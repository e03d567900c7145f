/**
 * Load balancer addresses of the node's links, wired.
 *
 * ```
 *   front ends of a Service ─┐                          ┌─▶ routes and proxy entries that make the kernel answer
 *   Nodes ──informer─────────┴─▶ announcerOf = this node? ─▶ gratuitous ARP, unsolicited neighbour advertisements
 * ```
 */
import { bigNumbersAsText } from '../base/big-numbers.ts';
import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import { contains, formatAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { Log } from '../base/log.ts';
import { WorkQueue } from '../base/work-queue.ts';
import type { Change } from '../kube/cache.ts';
import type { Informer } from '../kube/informer.ts';
import type { Node } from '../kube/types/node.ts';
import { Announcements, announcerOf, readCandidate } from '../services/index.ts';
import type { AnnouncingKernel, AnnouncingLink, Frontend } from '../services/index.ts';

export interface AnnounceOptions {
  readonly node: string;
  readonly kernel: AnnouncingKernel;
  /** Started by the caller. */
  readonly nodes: Informer<Node>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Announcer {
  /** What leads to a Service from outside now; nothing for one that is gone, or another's. */
  change(service: string, frontends: readonly Frontend[]): void;
  /** Everything has been told by `change` once: from now on, what is not wanted is taken away. */
  begin(): void;
  /** Addresses that this node answers for. */
  announced(): readonly string[];
  /** Compares with the kernel soon. */
  reconcile(): void;
  close(): Promise<void>;
}

/** Frames get lost: everybody is told again after these times. */
const repeatMilliseconds = [1000, 3000] as const;
const WORK = 'announce';

export function followAnnouncements(options: AnnounceOptions): Announcer {
  const { clock, log, nodes, signal } = options;
  const announcements = new Announcements(options.kernel);
  const frontendsOf = new Map<string, readonly Frontend[]>();
  const state = { begun: false, announced: [] as readonly string[], isFirst: true };
  const queue = new WorkQueue<typeof WORK>(work, {
    clock,
    onError: (_, error, retryInMilliseconds) => {
      announcements.forget();
      log.error(
        { reason: sentenceOf(error), retryInMilliseconds },
        'load balancer addresses could not be announced',
      );
    },
  });

  async function work(): Promise<void> {
    const links = await announcements.links();
    const mine = wanted(links);
    const { come, gone } = await announcements.set(mine, links);
    state.announced = mine.map(formatAddress);
    // After a start nobody knows whether another node has told something else in between.
    const news = state.isFirst ? mine : come;
    state.isFirst = false;
    if (come.length > 0)
      log.info({ addresses: come.map(formatAddress) }, 'this node answers for load balancer addresses');
    if (gone.length > 0)
      log.info({ addresses: gone }, 'this node no longer answers for load balancer addresses');
    if (news.length > 0) await tell(news, links);
  }

  /** The addresses that fall to this node. */
  function wanted(links: readonly AnnouncingLink[]): readonly Address[] {
    const candidates = nodes.cache.list().flatMap(node => readCandidate(node) ?? []);
    // Of all Services together: two that have one address must not choose a node each.
    const all = [...frontendsOf.values()].flat();
    const byAddress = Map.groupBy(all, ({ address }) => formatAddress(address));
    return [...byAddress.values()].flatMap((own): readonly Address[] => {
      const address = own[0]?.address;
      const link = links.find(({ prefix }) => address !== undefined && contains(prefix, address));
      if (address === undefined || link === undefined) return [];
      return announcerOf(address, own, candidates, link.prefix) === options.node ? [address] : [];
    });
  }

  async function tell(addresses: readonly Address[], links: readonly AnnouncingLink[]): Promise<void> {
    await announcements.tell(addresses, links);
    for (const milliseconds of repeatMilliseconds)
      void clock
        .sleep(milliseconds, signal)
        .then(() => {
          const still = addresses.filter(address => state.announced.includes(formatAddress(address)));
          return announcements.tell(still, links);
        })
        .catch((error: unknown) => {
          if (!signal.aborted)
            log.warn({ reason: sentenceOf(error) }, 'load balancer addresses could not be told again');
        });
  }

  const soon = () => {
    if (state.begun) queue.add(WORK);
  };
  void nodes.synced.then(
    () =>
      nodes.onChange(change => {
        if (matters(change)) soon();
      }),
    () => undefined, // stopped before
  );
  return {
    change: (service, frontends) => {
      if (frontends.length === 0 && !frontendsOf.has(service)) return;
      if (frontends.length === 0) frontendsOf.delete(service);
      else frontendsOf.set(service, frontends);
      soon();
    },
    begin: () => {
      if (state.begun) return;
      void nodes.synced.then(
        () => {
          state.begun = true;
          soon();
        },
        () => undefined, // stopped before
      );
    },
    announced: () => state.announced,
    reconcile: () => {
      announcements.forget();
      soon();
    },
    close: () => queue.close(),
  };
}

/** Most changes of Nodes are heartbeats. */
function matters({ before, after }: Change<Node>): boolean {
  const text = (node: Node | undefined) =>
    node === undefined ? '' : JSON.stringify(readCandidate(node), bigNumbersAsText);
  return text(before) !== text(after);
}
