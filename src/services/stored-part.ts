/**
 * What is kept of every Service: as little as can be. A cluster's Services and endpoints stand in memory already, as the
 * objects that they came from; what the kernel has of them is kept as one text a group, and endpoints are read again where
 * somebody asks for them.
 */
import type { Element, ElementGroup, Draw, SetName } from './compile-nft.ts';
import type { Provenance } from '../base/provenance.ts';
import { frontendKey } from './model.ts';
import type { Endpoint, Frontend, ServicePart } from './model.ts';

/** A group of one Service, with its elements as one text. */
export class StoredGroup implements ElementGroup {
  readonly key: string;
  readonly part: ServicePart;
  readonly provenance: Provenance;
  readonly choices: number;
  readonly draws: readonly Draw[];
  readonly #text: string;

  constructor(key: string, part: ServicePart, group: ElementGroup) {
    this.key = key;
    this.part = part;
    this.provenance = group.provenance;
    this.choices = group.choices;
    this.draws = group.draws.length === 0 ? none : group.draws;
    this.#text = group.elements.map(({ set, key: own, value }) => `${set}\t${own}\t${value}`).join('\n');
  }

  get elements(): readonly Element[] {
    return this.#text.split('\n').map(line => {
      const [set = '', key = '', value = ''] = line.split('\t');
      return { set: set as SetName, key, value }; // written by the constructor
    });
  }
}

const none: readonly Draw[] = [];

/** The part without its endpoints, which are read when they are asked for. */
export function storedPart(part: ServicePart, read: () => ServicePart | undefined): ServicePart {
  const frontends = part.frontends.map(frontend => new StoredFrontend(frontend, read));
  return { ...part, frontends, problems: part.problems.length === 0 ? [] : part.problems };
}

class StoredFrontend implements Frontend {
  readonly address: Frontend['address'];
  readonly protocol: Frontend['protocol'];
  readonly port: number;
  readonly portName: string;
  readonly service: Provenance;
  readonly exposure: Frontend['exposure'];
  declare readonly affinity?: NonNullable<Frontend['affinity']>;
  readonly #read: () => ServicePart | undefined;

  constructor(frontend: Frontend, read: () => ServicePart | undefined) {
    this.address = frontend.address;
    this.protocol = frontend.protocol;
    this.port = frontend.port;
    this.portName = frontend.portName;
    this.service = frontend.service;
    this.exposure = frontend.exposure;
    if (frontend.affinity !== undefined) this.affinity = frontend.affinity;
    this.#read = read;
  }

  /** As the objects are now. */
  get endpoints(): readonly Endpoint[] {
    const key = frontendKey(this.address, this.protocol, this.port);
    const same = this.#read()?.frontends.find(
      ({ address, port, protocol }) => frontendKey(address, protocol, port) === key,
    );
    return same?.endpoints ?? [];
  }
}
