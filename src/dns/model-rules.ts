/** What a cluster's names are like where the specification leaves a choice; in the words of CoreDNS's plugin. */
export interface NameRules {
  /** Seconds for which an answer may be kept, 0 to 3600. */
  readonly ttl: number;
  /** Seconds for which "there is none" may be kept. */
  readonly negativeTtl: number;
  /**
   * `10-244-1-7.NAMESPACE.pod.…`: never, for any address in a namespace that there is, or for those that a pod of the
   * namespace has.
   */
  readonly pods: 'disabled' | 'insecure' | 'verified';
  /** An endpoint without a hostname is named after its pod. */
  readonly endpointPodNames: boolean;
  /** Endpoints have names, and headless Services addresses. */
  readonly endpoints: boolean;
  /** Endpoints of Services with a cluster address have names and reverse names, too. */
  readonly clusterEndpoints: boolean;
  /** A Service with a cluster address and no ready endpoint does not exist. */
  readonly ignoreEmptyServices: boolean;
  /** `ZONE.pin._zone.SERVICE…` and `ZONE.prefer._zone.SERVICE…` for headless Services. */
  readonly zonal: boolean;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Zones, in which a name that does not exist is others' to answer. */
  readonly fallthrough: readonly string[];
}

export const defaultRules: NameRules = {
  ttl: 5,
  negativeTtl: 5,
  pods: 'insecure',
  endpointPodNames: false,
  endpoints: true,
  clusterEndpoints: true,
  ignoreEmptyServices: false,
  zonal: false,
  namespaces: [],
  fallthrough: [],
};
