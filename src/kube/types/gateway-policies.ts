import type { Condition, ObjectMeta } from './meta.ts';
import type { ParentReference } from './gateway-routes.ts';

/** gateway.networking.k8s.io/v1: how a gateway speaks TLS to a backend. */
export interface BackendTLSPolicy {
  readonly apiVersion: 'gateway.networking.k8s.io/v1';
  readonly kind: 'BackendTLSPolicy';
  readonly metadata: ObjectMeta;
  readonly spec: BackendTLSPolicySpec;
  readonly status?: PolicyStatus;
}

export interface BackendTLSPolicySpec {
  readonly options?: Readonly<Record<string, string>>;
  readonly targetRefs: readonly PolicyTargetReference[];
  readonly validation: BackendTLSValidation;
}

export interface PolicyTargetReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly sectionName?: string;
}

export interface BackendTLSValidation {
  readonly caCertificateRefs?: readonly {
    readonly group: string;
    readonly kind: string;
    readonly name: string;
  }[];
  readonly hostname: string;
  readonly subjectAltNames?: readonly SubjectAltName[];
  readonly wellKnownCACertificates?: string;
}

export interface SubjectAltName {
  readonly type: 'Hostname' | 'URI';
  readonly hostname?: string;
  readonly uri?: string;
}

export interface PolicyStatus {
  readonly ancestors: readonly PolicyAncestorStatus[];
}

export interface PolicyAncestorStatus {
  readonly ancestorRef: ParentReference;
  readonly conditions: readonly Condition[];
  readonly controllerName: string;
}
