import type { Prefix } from '../../base/ip.ts';
import { defaultRules } from '../model-rules.ts';
import type { NameRules } from '../model-rules.ts';

/** A resolver that answers for the names that are not the cluster's. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
}

/** Who is asked for the names in some zones. */
export interface ForwardConfig {
  /** Without a dot at the end; `.` is everything. */
  readonly zones: readonly string[];
  readonly except: readonly string[];
  readonly to: readonly Upstream[];
  readonly policy: 'random' | 'round_robin' | 'sequential';
  readonly forceTcp: boolean;
  /** Questions under way at once, of all upstreams together; past it they are REFUSED. */
  readonly maxConcurrent: number;
  /** Failures in a row after which an upstream is left out until a probe succeeds; 0: never. */
  readonly maxFails: number;
  readonly healthCheckSeconds: number;
  /** For one try. */
  readonly timeoutSeconds: number;
  /** Letters of the name are sent in random case, and the answer has to bring them back. */
  readonly randomCase: boolean;
}

export interface CacheConfig {
  readonly entries: number;
  readonly bytes: number;
  /** Seconds. */
  readonly maxTtl: number;
  readonly maxNegativeTtl: number;
  readonly minTtl: number;
  /** For how long SERVFAIL is kept. */
  readonly failureTtl: number;
  /** For how long an answer is given that has run out while no upstream answers; 0: not at all. */
  readonly serveStale: number;
  /** A name asked for so often in its time is asked for again before that ends; 0: none. */
  readonly prefetchHits: number;
  /** How much of the time may be left for that, in percent. */
  readonly prefetchPercent: number;
  /** Zones whose answers are not kept. */
  readonly except: readonly string[];
}

export interface HostsConfig {
  /** Lines as in hosts(5). */
  readonly file?: string;
  readonly entries: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  readonly ttl: number;
  /** Addresses have their names. */
  readonly reverse: boolean;
}

export interface RewriteConfig {
  readonly match: 'exact' | 'prefix' | 'suffix' | 'substring' | 'regex' | 'type';
  readonly from: string;
  readonly to: string;
  /** Later rules apply to what this one made. */
  readonly continue: boolean;
}

export interface AclConfig {
  readonly action: 'allow' | 'block' | 'filter' | 'drop';
  readonly zones: readonly string[];
  /** Empty: all. */
  readonly types: readonly string[];
  /** Empty: everybody. */
  readonly from: readonly Prefix[];
}

export interface LimitsConfig {
  readonly tcpConnections: number;
  readonly tcpConnectionsPerClient: number;
  readonly tcpIdleSeconds: number;
  /** Of answers by UDP, in octets. */
  readonly udpSize: number;
}

export interface DnsConfig {
  readonly rules: NameRules;
  /** Label selectors of Services and EndpointSlices, and of namespaces; empty: all. */
  readonly labels: string;
  readonly namespaceLabels: string;
  /** Who may transfer the cluster's zones. */
  readonly transferTo: readonly Prefix[];
  readonly forward: readonly ForwardConfig[];
  readonly cache: CacheConfig | undefined;
  readonly hosts: HostsConfig | undefined;
  readonly rewrite: readonly RewriteConfig[];
  readonly acl: readonly AclConfig[];
  /** Search lists of pods are completed at their first entry. */
  readonly autopath: boolean;
  readonly log: 'none' | 'all' | 'denial' | 'error' | 'success';
  /** A question of our own that comes back ends forwarding to where it came from. */
  readonly loopDetection: boolean;
  /** Between "not ready" and the end. */
  readonly lameduckSeconds: number;
  readonly limits: LimitsConfig;
}

export const defaultForward: Omit<ForwardConfig, 'to'> = {
  zones: ['.'],
  except: [],
  policy: 'random',
  forceTcp: false,
  maxConcurrent: 1000,
  maxFails: 2,
  healthCheckSeconds: 0.5,
  timeoutSeconds: 1.5,
  randomCase: false,
};

export const defaultCache: CacheConfig = {
  entries: 20_000,
  bytes: 8 * 1024 * 1024,
  maxTtl: 3600,
  maxNegativeTtl: 1800,
  minTtl: 5,
  failureTtl: 5,
  serveStale: 3600,
  prefetchHits: 0,
  prefetchPercent: 10,
  except: [],
};

export const defaultHosts: HostsConfig = { entries: [], ttl: 3600, reverse: true };

export const defaultLimits: LimitsConfig = {
  tcpConnections: 256,
  tcpConnectionsPerClient: 64,
  tcpIdleSeconds: 10,
  udpSize: 1232,
};

/** What a server without a configuration does. */
export const defaultConfig: DnsConfig = {
  rules: defaultRules,
  labels: '',
  namespaceLabels: '',
  transferTo: [],
  forward: [],
  cache: defaultCache,
  hosts: undefined,
  rewrite: [],
  acl: [],
  autopath: false,
  log: 'none',
  loopDetection: true,
  lameduckSeconds: 0,
  limits: defaultLimits,
};
