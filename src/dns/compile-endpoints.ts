import type { PlacedEndpoint } from './decide.ts';
import { serviceKey } from './model.ts';
import type { SliceNames } from './model.ts';

/**
 * The slices of all Services, with what is looked up in them. The look-ups of endpoints by label and by address are made
 * when first asked for: few clients ask, and a hundred thousand endpoints are much to index for nobody.
 */
export class EndpointIndex {
  readonly #slices = new Map<string, Map<string, SliceNames>>();
  readonly #byLabel = new Map<string, ReadonlyMap<string, readonly PlacedEndpoint[]>>();
  #byAddress: Map<string, Set<SliceNames>> | undefined;

  put(slice: SliceNames): void {
    const key = serviceKey(slice);
    const slices = this.#slices.get(key) ?? new Map<string, SliceNames>();
    this.#slices.set(key, slices);
    this.#unindex(key, slices.get(slice.name));
    slices.set(slice.name, slice);
    if (this.#byAddress !== undefined) addTo(this.#byAddress, slice);
  }

  remove(slice: SliceNames): void {
    const key = serviceKey(slice);
    const slices = this.#slices.get(key);
    this.#unindex(key, slices?.get(slice.name));
    slices?.delete(slice.name);
    if (slices?.size === 0) this.#slices.delete(key);
  }

  /** Of a Service, by `serviceKey`. */
  slices(key: string): readonly SliceNames[] {
    return [...(this.#slices.get(key)?.values() ?? [])];
  }

  all(): readonly SliceNames[] {
    return [...this.#slices.values()].flatMap(slices => [...slices.values()]);
  }

  endpoints(key: string): readonly PlacedEndpoint[] {
    return this.slices(key).flatMap(slice => slice.endpoints.map(endpoint => ({ slice, endpoint })));
  }

  hasEndpoints(key: string): boolean {
    return this.slices(key).some(({ endpoints }) => endpoints.length > 0);
  }

  withLabel(key: string, label: string): readonly PlacedEndpoint[] {
    const kept = this.#byLabel.get(key);
    if (kept !== undefined) return kept.get(label) ?? [];
    if (!this.#slices.has(key)) return [];
    const made = Map.groupBy(this.endpoints(key), ({ endpoint }) => endpoint.label);
    this.#byLabel.set(key, made);
    return made.get(label) ?? [];
  }

  at(address: string): readonly PlacedEndpoint[] {
    if (this.#byAddress === undefined) {
      this.#byAddress = new Map();
      for (const slice of this.all()) addTo(this.#byAddress, slice);
    }
    return [...(this.#byAddress.get(address) ?? [])].flatMap(slice =>
      slice.endpoints.filter(endpoint => endpoint.address === address).map(endpoint => ({ slice, endpoint })),
    );
  }

  #unindex(key: string, slice: SliceNames | undefined): void {
    this.#byLabel.delete(key);
    if (slice === undefined || this.#byAddress === undefined) return;
    for (const { address } of slice.endpoints) {
      const slices = this.#byAddress.get(address);
      slices?.delete(slice);
      if (slices?.size === 0) this.#byAddress.delete(address);
    }
  }
}

function addTo(index: Map<string, Set<SliceNames>>, slice: SliceNames): void {
  for (const { address } of slice.endpoints) {
    const present = index.get(address);
    if (present === undefined) index.set(address, new Set([slice]));
    else present.add(slice);
  }
}
