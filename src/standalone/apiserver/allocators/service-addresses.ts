import type { FieldError, Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import { valueAt } from '../object.ts';
import { checkClusterAddresses } from '../kinds/core/service-addresses.ts';
import { Findings } from '../kinds/validation/findings.ts';
import { rootOf } from '../kinds/validation/place.ts';
import { StatusError, invalid } from '../status.ts';
import type { Store } from '../store/store.ts';
import { AddressRange } from './address-range.ts';
import type { Allocator } from './allocator.ts';
import { familiesFor } from './ip-families.ts';
import type { Families } from './ip-families.ts';
import { addressesOf, isHeadless, serviceSpec, specOf, withSpec } from './service.ts';
import type { ServiceSpec } from './service.ts';

const IP_ADDRESSES = 'networking.k8s.io/ipaddresses';
const SERVICE = { group: '', kind: 'Service' };

/** `spec.clusterIP(s)`, `ipFamilies` and `ipFamilyPolicy` of Services, from one prefix a family and further ranges after it. */
export class ServiceAddresses implements Allocator {
  readonly #store: Store;
  readonly #own: readonly AddressRange[];
  /** Those of the cluster itself, then the further ones in the order of their ServiceCIDRs. */
  #ranges: readonly AddressRange[];
  /** Addresses that somebody took by an IPAddress of his own. */
  readonly #foreign: () => readonly string[];

  /** The first prefix is of the cluster's primary family; at most one a family. */
  constructor(store: Store, prefixes: readonly string[]) {
    this.#store = store;
    this.#own = prefixes.map(prefix => new AddressRange(prefix));
    this.#ranges = this.#own;
    store.watch(IP_ADDRESSES, ({ type, after }) => {
      if (isOfService(after.object)) return;
      if (type === 'DELETED') this.rebuild();
      else this.#take([after.key]);
    });
    this.#foreign = () =>
      store
        .newestOf(IP_ADDRESSES)
        .filter(({ object }) => !isOfService(object))
        .map(({ key }) => key);
  }

  /** The prefixes of all ServiceCIDRs beside the cluster's own; those that are too small to hand out from are left out. */
  setFurther(prefixes: readonly string[]): void {
    const further = prefixes.flatMap(prefix => usableRange(prefix) ?? []);
    const texts = (ranges: readonly AddressRange[]) => ranges.map(range => range.text).join();
    if (texts([...this.#own, ...further]) === texts(this.#ranges)) return;
    this.#ranges = [...this.#own, ...further];
    this.rebuild();
  }

  appliesTo(kind: Kind): boolean {
    return kind.group === '' && kind.plural === 'services';
  }

  reserved(): readonly string[] {
    return this.#own.map(range => range.firstAddress);
  }

  rebuild(): void {
    for (const range of this.#ranges) range.clear();
    for (const entry of this.#store.newestOf('/services')) this.#take(addressesOf(entry.object));
    this.#take(this.#foreign());
  }

  claim(object: ApiObject | undefined, before: ApiObject | undefined): void {
    const kept = object === undefined ? [] : addressesOf(object);
    for (const address of before === undefined ? [] : addressesOf(before)) {
      if (!kept.includes(address)) for (const range of this.#ranges) range.release(address);
    }
    this.#take(kept);
  }

  assign(object: ApiObject, before: ApiObject | undefined): ApiObject {
    const asked = normalised(before === undefined ? object : carriedOver(withList(object, before), before));
    const spec = serviceSpec(asked);
    // Validation refuses addresses that such a Service was given.
    if (spec.type === 'ExternalName') return asked;
    assertCoherent(asked);
    const families = familiesFor(spec, [...new Set(this.#ranges.map(range => range.family))]);
    if (!('policy' in families)) throw invalid(SERVICE, nameOf(object), families);
    return withSpec(asked, {
      clusterIP: undefined,
      ...this.#addresses(spec, families, nameOf(object), before),
      ipFamilies: families.families,
      ipFamilyPolicy: families.policy,
    });
  }

  #addresses(spec: ServiceSpec, families: Families, name: string, before: ApiObject | undefined): object {
    if (isHeadless(spec)) return { clusterIP: 'None', clusterIPs: ['None'] };
    const own = before === undefined ? [] : addressesOf(before);
    const clusterIPs = families.families.map((family, index) => {
      const wish = spec.clusterIPs[index] ?? '';
      const ranges = this.#ranges.filter(candidate => candidate.family === family);
      if (ranges.length === 0) return wish;
      return wish === '' ? proposed(ranges) : this.#wished(ranges, wish, own, name);
    });
    return { clusterIP: clusterIPs[0], clusterIPs };
  }

  #wished(ranges: readonly AddressRange[], wish: string, own: readonly string[], name: string): string {
    const known = ranges.map(range => range.isFree(wish)).filter(answer => answer !== undefined);
    const isFree = known.length === 0 ? undefined : known.every(Boolean);
    if (isFree === true || own.includes(wish)) return wish;
    const why =
      isFree === false
        ? 'provided IP is already allocated'
        : 'the provided network does not match the current range';
    const error: FieldError = {
      type: 'Invalid',
      field: 'spec.clusterIPs',
      value: [wish],
      detail: `failed to allocate IP ${wish}: ${why}`,
    };
    throw invalid(SERVICE, name, [error]);
  }

  #take(addresses: readonly string[]): void {
    for (const address of addresses) for (const range of this.#ranges) range.take(address);
  }
}

/** `clusterIP` alone stands for a list of one. */
function normalised(object: ApiObject): ApiObject {
  const { clusterIP, clusterIPs } = serviceSpec(object);
  return withSpec(object, {
    clusterIP: clusterIP === '' ? undefined : clusterIP,
    clusterIPs: clusterIPs.length === 0 ? undefined : clusterIPs,
  });
}

/** What contradicts itself is refused as it was written, before anything is filled in beside it. */
function assertCoherent(object: ApiObject): void {
  const found = new Findings();
  checkClusterAddresses(found, rootOf(object).child('spec'));
  if (found.errors.length > 0) throw invalid(SERVICE, nameOf(object), found.errors);
}

function proposed(ranges: readonly AddressRange[]): string {
  for (const range of ranges) {
    const address = range.propose();
    if (address !== undefined) return address;
  }
  const all = ranges.map(range => range.text).join(', ');
  const message = `Internal error occurred: failed to allocate a serviceIP: range ${all} is full`;
  throw new StatusError(500, 'InternalError', message);
}

/** `clusterIP` is the older name of `clusterIPs[0]`: a change of it alone is a change of the list. */
function wishedAddresses(spec: ServiceSpec, had: ServiceSpec): readonly string[] {
  if (spec.clusterIPs.length === 0) return had.clusterIPs;
  const isSameList = spec.clusterIPs.join() === had.clusterIPs.join();
  const changed = spec.clusterIP !== '' && spec.clusterIP !== had.clusterIP && isSameList;
  return changed ? [spec.clusterIP, ...spec.clusterIPs.slice(1)] : spec.clusterIPs;
}

/** A client that knows `clusterIP` alone leaves out the list, and means no change by that. */
function withList(object: ApiObject, before: ApiObject): ApiObject {
  const [had, { clusterIP, clusterIPs }] = [serviceSpec(before), specOf(object)];
  const isWithout = !Array.isArray(clusterIPs) || clusterIPs.length === 0;
  return isWithout && clusterIP === had.clusterIP && clusterIP !== ''
    ? withSpec(object, { clusterIPs: had.clusterIPs })
    : object;
}

/** The second address and family go by the policy alone. */
function assertReleased(object: ApiObject, spec: ServiceSpec, had: ServiceSpec): void {
  if (spec.ipFamilyPolicy === 'SingleStack') return;
  const lost = [
    ...(had.clusterIPs.length > 1 && spec.clusterIPs.length === 1 ? ['cluster IP'] : []),
    ...(had.ipFamilies.length > 1 && spec.ipFamilies.length === 1 ? ['IP family'] : []),
  ];
  if (lost.length === 0) return;
  const value = spec.ipFamilyPolicy ?? null;
  const errors = lost.map((what): FieldError => ({
    type: 'Invalid',
    field: 'spec.ipFamilyPolicy',
    value,
    detail: `must be 'SingleStack' to release the secondary ${what}`,
  }));
  throw invalid(SERVICE, nameOf(object), errors);
}

function assertSamePrimary(clusterIPs: readonly string[], had: ServiceSpec, name: string): void {
  const [before] = had.clusterIPs;
  if (before === undefined || before === '' || clusterIPs[0] === before) return;
  const detail = 'may not change once set';
  throw invalid(SERVICE, name, [{ type: 'Invalid', field: 'spec.clusterIPs[0]', value: clusterIPs, detail }]);
}

const nameOf = (object: ApiObject): string => object.metadata.name ?? '';

function usableRange(prefix: string): AddressRange | undefined {
  try {
    return new AddressRange(prefix);
  } catch {
    return undefined; // a prefix of one address is valid, and there is nothing in it to hand out
  }
}

const isOfService = (object: ApiObject): boolean =>
  valueAt(object, ['spec', 'parentRef', 'resource']) === 'services';

/**
 * What was assigned before and is not spoken of now stays: manifests do not name it. A policy that asks for one family
 * alone lets go of the second.
 */
function carriedOver(object: ApiObject, before: ApiObject): ApiObject {
  const spec = serviceSpec(object);
  const had = serviceSpec(before);
  if (spec.type === 'ExternalName' || had.type === 'ExternalName') return object;
  const clusterIPs = wishedAddresses(spec, had);
  const policy = spec.ipFamilyPolicy ?? had.ipFamilyPolicy;
  assertReleased(object, { ...spec, clusterIPs, ipFamilyPolicy: policy }, had);
  assertSamePrimary(clusterIPs, had, nameOf(object));
  const families = spec.ipFamilies.length === 0 ? had.ipFamilies : spec.ipFamilies;
  const shrinks = policy === 'SingleStack' && had.ipFamilyPolicy !== 'SingleStack';
  return withSpec(object, {
    clusterIP: clusterIPs[0],
    clusterIPs: shrinks ? clusterIPs.slice(0, 1) : clusterIPs,
    ipFamilies: shrinks ? families.slice(0, 1) : families,
    ipFamilyPolicy: policy,
  });
}
