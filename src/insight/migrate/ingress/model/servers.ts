import type { CanarySettings } from './canary.ts';
import type { Pattern } from './pattern/index.ts';
import type { LocationSettings } from './settings.ts';

/** What the controller makes of all Ingresses: nginx's servers with their locations, in nginx's order. */
export interface NginxServers {
  /** Names that are asked first, by the name in lower case; aliases among them. */
  readonly byName: ReadonlyMap<string, NginxServer>;
  /** Names with one star in front that stand for any number of labels: aliases only. */
  readonly byEnding: readonly { readonly ending: string; readonly server: NginxServer }[];
  /** Wildcards of rules and patterns of aliases, in the order of the hosts. */
  readonly byPattern: readonly { readonly pattern: Pattern; readonly server: NginxServer }[];
  /** For every other name. */
  readonly fallback: NginxServer;
  /** Names that are led to another one (from-to-www-redirect), by the name. */
  readonly redirects: ReadonlyMap<string, { readonly to: string; readonly ingress: string }>;
  /** Names, or `*.` and what follows their first label, that have a certificate of their own. */
  readonly certified: ReadonlySet<string>;
  /** By what follows the star of wildcards, with the dot: the first Ingress with it. */
  readonly wildcards: ReadonlyMap<string, string>;
}

export interface NginxServer {
  /** `_` for the fallback. */
  readonly host: string;
  readonly locations: readonly NginxLocation[];
  /** Locations by their path, where none is a pattern. */
  readonly exact: ReadonlyMap<string, NginxLocation>;
  readonly prefixes: ReadonlyMap<string, NginxLocation>;
  /** The annotation or behaviour that made all locations patterns; absent: they are none. */
  readonly spread: { readonly ingress: string; readonly subject: string } | undefined;
  /** A location that stands there twice: nginx takes no such configuration. */
  readonly conflict: string | undefined;
  readonly snippets: readonly { readonly ingress: string; readonly name: string }[];
  /** TLS connections go on as octets. */
  readonly passesThrough: boolean;
  readonly clientCertificates: string | undefined;
  readonly appRoot: { readonly path: string; readonly ingress: string } | undefined;
}

export interface NginxLocation {
  /** As nginx has it: of a prefix with a slash at its end. */
  readonly path: string;
  readonly isExact: boolean;
  /** Where the host is one of patterns. */
  readonly pattern: Pattern | undefined;
  /** The same as it is written, where letters have a case. */
  readonly strictPattern: Pattern | undefined;
  /** `rewrite` has this pattern, not anchored. */
  readonly rewrite: { readonly pattern: Pattern; readonly target: string } | undefined;
  readonly settings: LocationSettings;
  /** Absent: the controller's default backend. */
  readonly upstream: NginxUpstream | undefined;
  /** The path of the rule, for the report. */
  readonly written: string;
}

/** One port of one Service. */
export interface NginxUpstream {
  /** `namespace/name:port`, the port as a number where it is known. */
  readonly name: string;
  /** The canary's; only the first counts. */
  readonly alternatives: readonly NginxUpstream[];
  /** Of a canary. */
  readonly canary: CanarySettings | undefined;
  /** The canary's Ingress. */
  readonly ingress: string;
  /** Of the first Ingress that asks for it: sessions belong to the Service. */
  readonly affinity: { readonly says: string; readonly ingress: string } | undefined;
}
