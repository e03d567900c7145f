import type { FieldError, Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import { checkClusterAddresses } from '../kinds/core/service-addresses.ts';
import { Findings } from '../kinds/validation/findings.ts';
import { rootOf } from '../kinds/validation/place.ts';
import { StatusError, invalid } from '../status.ts';
import type { Store } from '../store/store.ts';
import { AddressRange } from './address-range.ts';
import type { Allocator } from './allocator.ts';
import { familiesFor } from './ip-families.ts';
import type { Families } from './ip-families.ts';
import { isHeadless, serviceSpec, withSpec } from './service.ts';
import type { ServiceSpec } from './service.ts';

const SERVICE = { group: '', kind: 'Service' };

/** `spec.clusterIP(s)`, `ipFamilies` and `ipFamilyPolicy` of Services, from one prefix a family. */
export class ServiceAddresses implements Allocator {
  readonly #store: Store;
  readonly #ranges: readonly AddressRange[];

  /** The first prefix is of the cluster's primary family; at most one a family. */
  constructor(store: Store, prefixes: readonly string[]) {
    this.#store = store;
    this.#ranges = prefixes.map(prefix => new AddressRange(prefix));
  }

  appliesTo(kind: Kind): boolean {
    return kind.group === '' && kind.plural === 'services';
  }

  reserved(): readonly string[] {
    return this.#ranges.map(range => range.firstAddress);
  }

  rebuild(): void {
    for (const range of this.#ranges) range.clear();
    for (const entry of this.#store.newestOf('/services')) this.#take(addressesOf(entry.object));
  }

  claim(object: ApiObject | undefined, before: ApiObject | undefined): void {
    const kept = object === undefined ? [] : addressesOf(object);
    for (const address of before === undefined ? [] : addressesOf(before)) {
      if (!kept.includes(address)) for (const range of this.#ranges) range.release(address);
    }
    this.#take(kept);
  }

  assign(object: ApiObject, before: ApiObject | undefined): ApiObject {
    const asked = normalised(before === undefined ? object : carriedOver(object, before));
    const spec = serviceSpec(asked);
    // Validation refuses addresses that such a Service was given.
    if (spec.type === 'ExternalName') return asked;
    assertCoherent(asked);
    const families = familiesFor(
      spec,
      this.#ranges.map(range => range.family),
    );
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
      const range = this.#ranges.find(candidate => candidate.family === family);
      if (range === undefined) return wish;
      return wish === '' ? proposed(range) : this.#wished(range, wish, own, name);
    });
    return { clusterIP: clusterIPs[0], clusterIPs };
  }

  #wished(range: AddressRange, wish: string, own: readonly string[], name: string): string {
    const isFree = range.isFree(wish);
    if (isFree === true || own.includes(wish)) return wish;
    const why =
      isFree === false
        ? 'provided IP is already allocated'
        : `the provided IP (${wish}) is not in the valid range. The range of valid IPs is ${range.text}`;
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

function proposed(range: AddressRange): string {
  const address = range.propose();
  if (address !== undefined) return address;
  const message = `Internal error occurred: failed to allocate a serviceIP: range ${range.text} is full`;
  throw new StatusError(500, 'InternalError', message);
}

/** `clusterIP` is the older name of `clusterIPs[0]`: a change of it alone is a change of the list. */
function wishedAddresses(spec: ServiceSpec, had: ServiceSpec): readonly string[] {
  if (spec.clusterIPs.length === 0) return had.clusterIPs;
  const isSameList = spec.clusterIPs.join() === had.clusterIPs.join();
  const changed = spec.clusterIP !== '' && spec.clusterIP !== had.clusterIP && isSameList;
  return changed ? [spec.clusterIP, ...spec.clusterIPs.slice(1)] : spec.clusterIPs;
}

function assertSamePrimary(clusterIPs: readonly string[], had: ServiceSpec, name: string): void {
  const [before] = had.clusterIPs;
  if (before === undefined || before === '' || clusterIPs[0] === before) return;
  const detail = 'may not change once set';
  throw invalid(SERVICE, name, [{ type: 'Invalid', field: 'spec.clusterIPs[0]', value: clusterIPs, detail }]);
}

const nameOf = (object: ApiObject): string => object.metadata.name ?? '';

function addressesOf(object: ApiObject): readonly string[] {
  return serviceSpec(object).clusterIPs.filter(address => address !== 'None' && address !== '');
}

/**
 * What was assigned before and is not spoken of now stays: manifests do not name it. A policy that asks for one family
 * alone lets go of the second.
 */
function carriedOver(object: ApiObject, before: ApiObject): ApiObject {
  const spec = serviceSpec(object);
  const had = serviceSpec(before);
  if (spec.type === 'ExternalName' || had.type === 'ExternalName') return object;
  const clusterIPs = wishedAddresses(spec, had);
  assertSamePrimary(clusterIPs, had, nameOf(object));
  const policy = spec.ipFamilyPolicy ?? had.ipFamilyPolicy;
  const families = spec.ipFamilies.length === 0 ? had.ipFamilies : spec.ipFamilies;
  const shrinks = policy === 'SingleStack' && had.ipFamilyPolicy !== 'SingleStack';
  return withSpec(object, {
    clusterIP: clusterIPs[0],
    clusterIPs: shrinks ? clusterIPs.slice(0, 1) : clusterIPs,
    ipFamilies: shrinks ? families.slice(0, 1) : families,
    ipFamilyPolicy: policy,
  });
}
