import type { DeleteOptions, ObjectMeta } from './meta.ts';
import type { ObjectReference } from './reference.ts';
import type { Timestamp } from './scalars.ts';

/** Bodies of subresources: what is sent to, or read from, a part of another object. */

/** POST pods/NAME/binding: puts a pod on a node. */
export interface Binding {
  readonly apiVersion: 'v1';
  readonly kind: 'Binding';
  readonly metadata: ObjectMeta;
  readonly target: ObjectReference;
}

/** POST pods/NAME/eviction. */
export interface Eviction {
  readonly apiVersion: 'policy/v1';
  readonly kind: 'Eviction';
  readonly metadata: ObjectMeta;
  readonly deleteOptions?: DeleteOptions;
}

/** GET and PUT of deployments/NAME/scale and replicasets/NAME/scale. */
export interface Scale {
  readonly apiVersion: 'autoscaling/v1';
  readonly kind: 'Scale';
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly replicas?: number };
  readonly status?: { readonly replicas: number; readonly selector?: string };
}

/** POST serviceaccounts/NAME/token. */
export interface TokenRequest {
  readonly apiVersion: 'authentication.k8s.io/v1';
  readonly kind: 'TokenRequest';
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec: {
    readonly audiences: readonly string[];
    readonly boundObjectRef?: ObjectReference;
    readonly expirationSeconds?: number;
  };
  readonly status?: { readonly token: string; readonly expirationTimestamp: Timestamp };
}
