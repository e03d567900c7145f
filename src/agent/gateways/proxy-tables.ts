import type { Pod } from '../../kube/types/pod.ts';
import type { Told } from './proxy-link.ts';

/** A table, up to date, and the key with which its proxies are known. */
export interface ReadTable {
  readonly table: Told;
  readonly revision: number;
  readonly key: Buffer;
}

/** The tables of one kind of owners of proxies (Gateways, classes of Ingresses), followed while a proxy of one is here. */
export interface ProxyTables {
  /** Is the pod a proxy of such an owner? */
  serves(pod: Pod): boolean;
  /** Begins to follow what the tables are made of; `wake` hears of what changes. */
  follow(): void;
  /** Whose proxy the pod is; undefined while that is not known. */
  ownerOf(pod: Pod): string | undefined;
  /** Of these owners proxies are here. */
  want(owners: ReadonlySet<string>): void;
  /** Undefined while not everything that the table is made of is known. */
  read(owner: string): ReadTable | undefined;
  /** The revision that is up to date. */
  revision(owner: string): number | undefined;
  /** Follows nothing any more. */
  leave(): void;
}

/** Proxies of these owners, or all, are to be looked at again; also those whose owner is not known yet. */
export type Wake = (owners?: readonly string[]) => void;
