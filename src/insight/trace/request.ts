import type { Family } from '../../base/ip.ts';
import type { Protocol } from '../../kube/types/scalars.ts';

/** Where a request begins. */
export type Origin =
  /** A client outside the cluster. */
  | { readonly kind: 'world' }
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  /** A process in the network of a node. */
  | { readonly kind: 'node'; readonly name: string };

/** Whom a request is for, as a client would be told. */
export interface Target {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** Only addresses of this family are used; absent: of both. */
  readonly family?: Family;
  /** What is said once there is a connection; absent for a target that is no URL. */
  readonly http?: HttpTarget;
}

export interface HttpTarget {
  readonly scheme: 'http' | 'https';
  readonly method: string;
  /** With the query: `/cart?item=1`. */
  readonly path: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}
