import { contains, parseAddress, parsePrefix } from '../../../base/ip.ts';
import type { Prefix } from '../../../base/ip.ts';
import { equalJson } from '../codec/json.ts';
import { timestamp } from '../context.ts';
import type { Context } from '../context.ts';
import { isFields, valueAt } from '../object.ts';
import type { ApiObject, Fields } from '../object.ts';
import type { Decision } from '../store/store.ts';
import { addressesOf } from './service.ts';
import type { ServiceAddresses } from './service-addresses.ts';

const SERVICE_CIDRS = 'networking.k8s.io/servicecidrs';
const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
/** The range that the cluster was made with. */
export const DEFAULT_RANGE = 'kubernetes';

/**
 * What ServiceCIDRs say, put into force: the ranges that are ready are what Services get their addresses from; one that
 * is deleted gives out no more, and goes when no Service has an address that is of no other range.
 */
export class ServiceRanges {
  readonly #context: Context;
  readonly #addresses: ServiceAddresses;

  constructor(context: Context, addresses: ServiceAddresses) {
    this.#context = context;
    this.#addresses = addresses;
  }

  /** Follows the ranges and the Services in them; returns how to stop. */
  start(): () => void {
    const { store } = this.#context;
    this.#follow();
    const stops = [
      store.watch(SERVICE_CIDRS, () => this.#follow()),
      store.watch('/services', ({ before }) => {
        // A range may go with the last address that was of it.
        if (before !== undefined && this.#going().length > 0) this.#follow();
      }),
    ];
    return () => stops.forEach(stop => stop());
  }

  #all(): readonly ApiObject[] {
    return this.#context.store.newestOf(SERVICE_CIDRS).map(({ object }) => object);
  }

  #going(): readonly ApiObject[] {
    return this.#all().filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  }

  #follow(): void {
    const ready = this.#all().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    this.#addresses.setFurther(
      ready.filter(({ metadata }) => metadata.name !== DEFAULT_RANGE).flatMap(cidrsOf),
    );
    const staying = ready.flatMap(prefixesOf);
    for (const range of this.#all()) {
      const isGoing = range.metadata.deletionTimestamp !== undefined;
      const isHeld = isGoing && this.#holds(prefixesOf(range), staying);
      this.#settle(range, isGoing && !isHeld).catch((error: unknown) => {
        const { name } = range.metadata;
        this.#context.log.error({ range: name, err: error }, 'A ServiceCIDR could not be settled');
      });
    }
  }

  /** Whether a Service has an address of these prefixes that is of no range that stays. */
  #holds(prefixes: readonly Prefix[], staying: readonly Prefix[]): boolean {
    return this.#context.store.newestOf('/services').some(({ object }) =>
      addressesOf(object).some(text => {
        const address = parseAddress(text);
        if (address === undefined) return false;
        const isIn = (prefix: Prefix) => contains(prefix, address);
        return prefixes.some(isIn) && !staying.some(isIn);
      }),
    );
  }

  async #settle(range: ApiObject, mayGo: boolean): Promise<void> {
    const { store, clock } = this.#context;
    const name = range.metadata.name ?? '';
    await store.write(SERVICE_CIDRS, name, current => {
      const object = current?.object;
      if (object === undefined) return { do: 'keep', object: range } satisfies Decision;
      const settled = settledRange(object, mayGo, timestamp(clock.now()));
      if (equalJson(settled, object)) return { do: 'keep', object } satisfies Decision;
      const isGone = mayGo && (settled.metadata.finalizers ?? []).length === 0;
      return { do: isGone ? 'remove' : 'put', object: settled } satisfies Decision;
    });
  }
}

const cidrsOf = (range: ApiObject): readonly string[] => {
  const cidrs = valueAt(range, ['spec', 'cidrs']);
  return Array.isArray(cidrs) ? cidrs.filter(text => typeof text === 'string') : [];
};

const prefixesOf = (range: ApiObject): readonly Prefix[] =>
  cidrsOf(range).flatMap(text => parsePrefix(text) ?? []);

/** The range with the finalizer and the condition that it ought to have. */
function settledRange(range: ApiObject, mayGo: boolean, now: string): ApiObject {
  const { finalizers = [], deletionTimestamp, name } = range.metadata;
  const isGoing = deletionTimestamp !== undefined;
  const others = finalizers.filter(finalizer => finalizer !== FINALIZER);
  const wanted = mayGo ? others : isGoing ? finalizers : [...others, FINALIZER];
  const { finalizers: _given, ...metadata } = range.metadata;
  return {
    ...range,
    metadata: { ...metadata, ...(wanted.length === 0 ? {} : { finalizers: wanted }) },
    status: withReady(range['status'], isGoing ? TERMINATING : readyOf(name ?? ''), now),
  };
}

const TERMINATING = {
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message:
    'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

const readyOf = (name: string) => ({
  type: 'Ready',
  status: 'True',
  reason: '',
  message:
    name === DEFAULT_RANGE ? 'Kubernetes default Service CIDR is ready' : 'Kubernetes Service CIDR is ready',
});

function withReady(status: unknown, wanted: Fields, now: string): Fields {
  const present = isFields(status) ? status : {};
  const conditions: readonly unknown[] = Array.isArray(present['conditions']) ? present['conditions'] : [];
  const isReady = (condition: unknown) => isFields(condition) && condition['type'] === 'Ready';
  const found = conditions.find(isReady);
  const had = isFields(found) ? found : {};
  const isSame = had['status'] === wanted['status'] && had['reason'] === wanted['reason'];
  if (isSame && had['message'] === wanted['message']) return present;
  const since = had['status'] === wanted['status'] ? had['lastTransitionTime'] : now;
  const ready = { ...wanted, lastTransitionTime: since };
  return { ...present, conditions: [...conditions.filter(one => !isReady(one)), ready] };
}
