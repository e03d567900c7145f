/** What becomes of a request, in words that both sides of a move can be put in. */
export type Outcome =
  | ResponseOutcome
  | BackendOutcome
  | PassthroughOutcome
  /** No answer: the TLS handshake is refused, or nothing listens. */
  | { readonly kind: 'refused'; readonly sentence: string; readonly decided: Decision }
  /** It cannot be told from what is known; it is never guessed. */
  | { readonly kind: 'undetermined'; readonly reason: string; readonly decided: Decision };

/** The answer is the gateway's own. */
export interface ResponseOutcome {
  readonly kind: 'response';
  readonly status: number;
  /** Of a redirect. */
  readonly location?: string;
  /** Those that matter to clients; names in lower case. */
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly decided: Decision;
}

/** The request goes to Services. */
export interface BackendOutcome {
  readonly kind: 'backend';
  /** With a share above 0, in order of their names; shares add up to 1. */
  readonly backends: readonly BackendShare[];
  /** Path and query as the backend gets them. */
  readonly target: string;
  /** The Host header that the backend gets. */
  readonly host: string;
  readonly protocol: BackendProtocol;
  /** What the gateway sets for this rule; names in lower case. */
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly rule: RuleSettings;
  readonly decided: Decision;
}

/** The connection goes to a Service as octets, by the name of the handshake. */
export interface PassthroughOutcome {
  readonly kind: 'passthrough';
  readonly backends: readonly BackendShare[];
  readonly decided: Decision;
}

export interface BackendShare {
  /** `namespace/name:port` */
  readonly backend: string;
  /** From 0 to 1. */
  readonly share: number;
}

export type BackendProtocol = 'HTTP' | 'HTTPS' | 'GRPC' | 'GRPCS' | 'FCGI' | 'AUTO_HTTP';

/** What cannot be seen from one request, and holds for all of a rule. */
export interface RuleSettings {
  /** Seconds for a whole exchange, however busy it is; absent: no limit. */
  readonly totalTimeout?: number;
  /** By what it is about; absent: the rule has none. */
  readonly timeouts?: RuleSetting;
  /** Who is asked before a request may go on. */
  readonly access?: RuleSetting;
  readonly limits?: RuleSetting;
  /** `cookie NAME`. */
  readonly affinity?: RuleSetting;
  /** Errors of backends that another Service replaces. */
  readonly errors?: RuleSetting;
  readonly mirror?: RuleSetting;
}

export interface RuleSetting {
  /** Annotation, or `config:KEY`. */
  readonly subject: string;
  /** The Ingress that has it, where it is another one than that of the location. */
  readonly owner?: string;
  /** What it says, as words that can be compared. */
  readonly says: string;
}

/** Who decided, for the report and for finding the cause of a difference. */
export interface Decision {
  /** `namespace/name` of the Ingress or route; empty: nobody's. */
  readonly object: string;
  /** The Ingress of the canary that has a part in it. */
  readonly canary?: string;
  /** `namespace/name` of the Gateway that answers; absent: it is not one. */
  readonly gateway?: string;
  /** The server and its location, or the listener and its rule. */
  readonly place: string;
  /** Annotation, `config:KEY` or `behaviour:CODE` that shaped the outcome, the strongest first. */
  readonly subjects: readonly string[];
}
