import type { EndpointSlice } from '../../kube/types/discovery.ts';
import type { Ingress, IngressClass } from '../../kube/types/networking.ts';
import { compileBackend } from '../compile-backends.ts';
import { diffTables, emptyTable, mergeChanges } from '../compile-delta.ts';
import type { RouteTable, TableBackend, TableChange } from '../table.ts';
import { compileIngresses } from './compile-ingress.ts';
import type { IngressRouting, IngressSources } from './compile-ingress.ts';
import { isOurIngressClass } from './model.ts';

/** What the table of a class is made of, as it is now. */
export interface LiveIngressSources extends IngressSources {
  ingressClass(name: string): IngressClass | undefined;
  /** Those that name the class. */
  ingressesOf(className: string): readonly Ingress[];
  slices(serviceKey: string): readonly EndpointSlice[];
}

/** Changes that are remembered; who is further behind gets the whole table. */
const REMEMBERED = 64;

/**
 * The table of one class of Ingresses, kept up to date. A change of an Ingress compiles them all again, and tells what came out
 * differently; a change of endpoints costs what changed.
 */
export class LiveIngressTable {
  readonly #className: string;
  readonly #sources: LiveIngressSources;
  #routing: IngressRouting | undefined;
  #table: RouteTable = emptyTable;
  #revision = 0;
  #changes: readonly TableChange[] = [];
  #isDirty = true;
  readonly #dirtyServices = new Set<string>();

  constructor(className: string, sources: LiveIngressSources) {
    this.#className = className;
    this.#sources = sources;
  }

  /** The class, an Ingress of it, a Service or a certificate may be another. */
  changed(): void {
    this.#isDirty = true;
  }

  /** The Service, `namespace/name`, has other endpoints. */
  endpointsChanged(service: string): void {
    this.#dirtyServices.add(service);
  }

  /** The revision that is up to date with the sources; undefined while there is no such class of ours. */
  revision(): number | undefined {
    const ingressClass = this.#sources.ingressClass(this.#className);
    if (ingressClass === undefined || !isOurIngressClass(ingressClass)) return undefined;
    if (this.#isDirty || this.#routing === undefined)
      this.#routing = compileIngresses(
        ingressClass,
        this.#sources.ingressesOf(this.#className),
        this.#sources,
      );
    else if (this.#dirtyServices.size === 0) return this.#revision;
    const { certificates, hosts, listeners } = this.#routing;
    const backends = this.#backends(this.#routing);
    this.#isDirty = false;
    this.#dirtyServices.clear();
    this.#take({ listeners, hosts, certificates, backends });
    return this.#revision;
  }

  /** The table of the last revision. */
  table(): RouteTable {
    return this.#table;
  }

  /** What turns the table of an earlier revision into that of the last one; undefined where it is too long ago. */
  since(revision: number): TableChange | undefined {
    const behind = this.#revision - revision;
    if (behind < 1 || behind > this.#changes.length) return undefined;
    return this.#changes.slice(-behind).reduce(mergeChanges);
  }

  #backends({ backends }: IngressRouting): RouteTable['backends'] {
    const all = [...backends].map(([key, { port, service }]): readonly [string, TableBackend] => {
      const known = this.#table.backends[key];
      if (known !== undefined && !this.#isDirty && !this.#dirtyServices.has(service)) return [key, known];
      const found = compileBackend(service, port, { clientCertificate: undefined }, this.#sources);
      return [key, found ?? { service, port, endpoints: [] }];
    });
    return Object.fromEntries(all.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #take(next: RouteTable): void {
    const change = diffTables(this.#table, next);
    const isFirst = this.#revision === 0;
    if (change === undefined && !isFirst) return;
    this.#table = next;
    this.#revision++;
    this.#changes = isFirst || change === undefined ? [] : [...this.#changes, change].slice(-REMEMBERED);
  }
}
