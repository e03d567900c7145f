import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import { formatAddress } from '../../base/ip.ts';
import type { Address, Family } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import { isConflict, isNotFound } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Informer } from '../../kube/informer.ts';
import { SERVICES, keyOf } from '../../kube/resources.ts';
import type { Service } from '../../kube/types/service.ts';
import type { AddressPool, Claim } from './pool.ts';
import { addressesOf, ingressOf, readWishes } from './wishes.ts';
import type { Wishes } from './wishes.ts';

export interface LoadBalancersOptions {
  readonly client: KubeClient;
  readonly services: Informer<Service>;
  readonly pool: AddressPool;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
}

const ASSIGNED = 'LoadBalancerAddressAssigned';
const EXHAUSTED = 'LoadBalancerPoolExhausted';
const UNUSABLE = 'LoadBalancerAddressUnusable';

/**
 * Gives Services of type LoadBalancer their addresses. The statuses of the Services are the only record: at the start
 * all are adopted, oldest first, before anything new is handed out.
 */
export class LoadBalancers {
  readonly #options: LoadBalancersOptions;
  readonly #queue: WorkQueue<string>;
  /** By Service, what it was told last; nothing is told twice. */
  readonly #told = new Map<string, string>();
  /** Services that lack an address that someone else may give back. */
  readonly #waiting = new Set<string>();

  constructor(options: LoadBalancersOptions) {
    this.#options = options;
    this.#queue = new WorkQueue(key => this.#reconcile(key), {
      clock: options.clock,
      onError: (service, error, retryInMilliseconds) =>
        options.log.warn(
          { service, retryInMilliseconds, reason: sentenceOf(error) },
          `cannot give load balancer addresses to Service ${service}`,
        ),
    });
  }

  /** Runs until the signal is aborted; the informer has to be started by the caller. Resolves when all is adopted. */
  async start(signal: AbortSignal): Promise<void> {
    const { services, pool } = this.#options;
    await services.synced;
    const oldestFirst = services.cache.list().toSorted((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1));
    for (const service of oldestFirst)
      if (readWishes(service) !== undefined)
        for (const address of addressesOf(service)) pool.claim(keyOf(service), address);
    const end = services.onChange(({ before, after }) => {
      const service = after ?? before;
      if (service !== undefined) this.#queue.add(keyOf(service));
    });
    const stop = () => {
      end();
      void this.#queue.close();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  async #reconcile(key: string): Promise<void> {
    const service = this.#options.services.cache.get(key);
    const wishes = service === undefined ? undefined : readWishes(service);
    if (service === undefined || wishes === undefined) {
      if (service !== undefined) await this.#takeBack(service);
      this.#release(key);
      return;
    }
    const problems = wishes.problems.map(note => ({ reason: UNUSABLE, note }));
    const addresses: Address[] = [];
    this.#waiting.delete(key);
    for (const family of wishes.families) {
      const { address, problem } = this.#addressFor(key, family, wishes);
      if (address !== undefined) addresses.push(address);
      if (problem !== undefined) problems.push(problem);
    }
    for (const held of this.#options.pool.heldBy(key))
      if (!addresses.includes(held)) this.#giveBack(key, held);
    this.#tell(service, problems);
    await this.#write(service, addresses);
  }

  /** The one that it has stays, unless it asks for another that it can have. */
  #addressFor(
    key: string,
    family: Family,
    wishes: Wishes,
  ): { readonly address?: Address | undefined; readonly problem?: { reason: string; note: string } } {
    const { pool } = this.#options;
    const held = pool.heldBy(key).find(address => address.family === family);
    const asked = wishes.asked.get(family);
    if (asked === undefined && held !== undefined) return { address: held };
    if (asked !== undefined && held?.value === asked.value) return { address: held };
    const claim = asked === undefined ? pool.take(key, family) : pool.claim(key, asked);
    if (claim.outcome === 'claimed') return { address: claim.address };
    if (claim.outcome !== 'outside') this.#waiting.add(key);
    const reason = claim.outcome === 'exhausted' ? EXHAUSTED : UNUSABLE;
    return { address: held, problem: { reason, note: sentenceFor(claim, family, asked, held) } };
  }

  /** Says what is wrong once, and again when it changes. */
  #tell(service: Service, problems: readonly { readonly reason: string; readonly note: string }[]): void {
    const key = keyOf(service);
    const text = problems.map(({ note }) => note).join('\n');
    if (text === (this.#told.get(key) ?? '')) return;
    if (text === '') this.#told.delete(key);
    else this.#told.set(key, text);
    for (const { reason, note } of problems) {
      this.#options.log.warn({ service: key }, note);
      this.#options.events.record(service, { type: 'Warning', reason, note });
    }
  }

  /** Bound to the version that was read: where someone else has written, the watch brings us back. */
  async #write(service: Service, addresses: readonly Address[]): Promise<void> {
    const { client, events, log } = this.#options;
    const { name, namespace = '', resourceVersion } = service.metadata;
    const ingress = ingressOf(addresses);
    if (JSON.stringify(ingress) === JSON.stringify(service.status?.loadBalancer?.ingress ?? [])) return;
    const patch = { metadata: { resourceVersion }, status: { loadBalancer: { ingress } } };
    try {
      await client.patch(SERVICES, { namespace, name }, patch, { type: 'merge', subresource: 'status' });
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return;
      throw error;
    }
    if (addresses.length === 0) return;
    const texts = addresses.map(formatAddress);
    const note = `The load balancer's address is ${texts.join(' and ')}.`;
    log.info(
      { service: keyOf(service), addresses: texts },
      `Service ${keyOf(service)} has ${texts.join(', ')}`,
    );
    events.record(service, { type: 'Normal', reason: ASSIGNED, note });
  }

  /** A Service that is no load balancer any more must not go on telling an address that another one gets. */
  async #takeBack(service: Service): Promise<void> {
    const addresses = addressesOf(service);
    const isOurs = addresses.length > 0 && addresses.every(address => this.#options.pool.has(address));
    if (isOurs && service.spec.type !== 'LoadBalancer') await this.#write(service, []);
  }

  #release(key: string): void {
    this.#told.delete(key);
    this.#waiting.delete(key);
    if (this.#options.pool.releaseAll(key)) this.#wakeWaiting();
  }

  #giveBack(key: string, address: Address): void {
    this.#options.pool.release(key, address);
    this.#wakeWaiting();
  }

  #wakeWaiting(): void {
    for (const waiting of this.#waiting) this.#queue.add(waiting);
  }
}

function sentenceFor(
  claim: Exclude<Claim, { outcome: 'claimed' }>,
  family: Family,
  asked: Address | undefined,
  held: Address | undefined,
): string {
  const wanted = asked === undefined ? '' : formatAddress(asked);
  const instead =
    held === undefined
      ? `The Service gets no IPv${family} address until it asks for another.`
      : `It keeps ${formatAddress(held)}.`;
  switch (claim.outcome) {
    case 'exhausted':
      return `No load balancer address is free in IPv${family}: give the controller another prefix, or delete a Service.`;
    case 'taken':
      return `${wanted} belongs to Service ${claim.by}. ${instead}`;
    case 'outside':
      return `${wanted} is in none of the load balancer's prefixes. ${instead}`;
  }
}

const ageOf = ({ metadata }: Service): string =>
  `${metadata.creationTimestamp ?? ''} ${metadata.uid ?? ''} ${metadata.name}`;
