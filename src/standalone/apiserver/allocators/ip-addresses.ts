import { equalJson } from '../codec/json.ts';
import type { Context } from '../context.ts';
import { apiVersionOf } from '../kind.ts';
import type { Kind } from '../kind.ts';
import { valueAt } from '../object.ts';
import type { ApiObject } from '../object.ts';
import { createObject, ownersBy } from '../resource/create.ts';
import { ownWriter } from '../resource/ownership.ts';
import { StatusError } from '../status.ts';
import { NOTHING } from '../store/store.ts';
import type { Change } from '../store/entry.ts';
import { addressesOf } from './service.ts';

const IP_ADDRESSES = 'networking.k8s.io/ipaddresses';
const MANAGED_BY = 'ipaddress.kubernetes.io/managed-by';
const ALLOCATOR = 'ipallocator.k8s.io';

/**
 * Shows the addresses of Services as IPAddress objects: they follow the Services, which say themselves what they have. One
 * that somebody deletes comes back, and one that no Service has any more goes.
 */
export class IpAddresses {
  readonly #context: Context;
  readonly #kind: Kind;

  constructor(context: Context, kind: Kind) {
    this.#context = context;
    this.#kind = kind;
  }

  /** Undefined in a server without the kind. Compares everything once, then follows. Returns how to stop. */
  static start(context: Context): (() => void) | undefined {
    const kind = context.registry.find('networking.k8s.io', 'v1', 'ipaddresses');
    return kind === undefined ? undefined : new IpAddresses(context, kind).#start();
  }

  #start(): () => void {
    const { store } = this.#context;
    const services = store.newestOf('/services').map(({ object }) => object);
    const wanted = new Set(services.flatMap(addressesOf));
    for (const service of services) this.#follow(undefined, service);
    for (const { key, object } of store.newestOf(IP_ADDRESSES)) {
      if (isOurs(object) && !wanted.has(key)) this.#remove(key, parentOf(object));
    }
    const stops = [
      store.watch('/services', change => this.#onService(change)),
      store.watch(IP_ADDRESSES, change => this.#onAddress(change)),
    ];
    return () => stops.forEach(stop => stop());
  }

  #onService({ type, before, after }: Change): void {
    this.#follow(before?.object, type === 'DELETED' ? undefined : after.object);
  }

  /** A Service that still has the address gets it shown again. */
  #onAddress({ type, after }: Change): void {
    if (type !== 'DELETED') return;
    const owner = this.#context.store.newest('/services', ownerKey(after.object))?.object;
    if (owner !== undefined && addressesOf(owner).includes(after.key)) this.#make(after.key, owner);
  }

  #follow(before: ApiObject | undefined, after: ApiObject | undefined): void {
    const [had, has] = [before, after].map(service => (service === undefined ? [] : addressesOf(service)));
    if (after !== undefined) {
      for (const address of has ?? []) if (had?.includes(address) !== true) this.#make(address, after);
    }
    if (before === undefined) return;
    for (const address of had ?? []) {
      if (has?.includes(address) !== true) this.#remove(address, parentFor(before));
    }
  }

  #make(address: string, service: ApiObject): void {
    const present = this.#context.store.newest(IP_ADDRESSES, address)?.object;
    if (present !== undefined && equalJson(parentOf(present), parentFor(service))) return;
    const create = async () => {
      if (present !== undefined) await this.#removeNow(address, parentOf(present));
      const owners = ownersBy(this.#kind, ownWriter(this.#context, this.#kind));
      const object = addressObject(this.#kind, address, service);
      await createObject(this.#context, this.#kind, object, { dryRun: false, owners });
    };
    this.#watched(address, create());
  }

  #remove(address: string, parent: unknown): void {
    this.#watched(address, this.#removeNow(address, parent));
  }

  /** Only what still speaks of the same Service: the address may have another one by now. */
  async #removeNow(address: string, parent: unknown): Promise<void> {
    const { store } = this.#context;
    if (store.newest(IP_ADDRESSES, address) === undefined) return;
    await store.write(IP_ADDRESSES, address, current => {
      const object = current?.object ?? NOTHING;
      const isSame = current !== undefined && equalJson(parentOf(object), parent);
      return { do: isSame ? 'remove' : 'keep', object };
    });
  }

  #watched(address: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (error instanceof StatusError && error.reason === 'AlreadyExists') return;
      this.#context.log.error({ address, err: error }, 'An IPAddress could not be kept in step');
    });
  }
}

const parentOf = (object: ApiObject): unknown => valueAt(object, ['spec', 'parentRef']);

const parentFor = ({ metadata }: ApiObject) => ({
  resource: 'services',
  namespace: metadata.namespace ?? '',
  name: metadata.name ?? '',
});

const isOurs = ({ metadata }: ApiObject): boolean => metadata.labels?.[MANAGED_BY] === ALLOCATOR;

const ownerKey = (object: ApiObject): string =>
  `${String(valueAt(object, ['spec', 'parentRef', 'namespace']))}/${String(valueAt(object, ['spec', 'parentRef', 'name']))}`;

function addressObject(kind: Kind, address: string, service: ApiObject): ApiObject {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  const labels = { 'ipaddress.kubernetes.io/ip-family': family, [MANAGED_BY]: ALLOCATOR };
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name: address, labels },
    spec: { parentRef: parentFor(service) },
  };
}
