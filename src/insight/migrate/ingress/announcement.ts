/** What of an answer may differ. */
export type Effect =
  | 'status'
  | 'location'
  | 'backend'
  | 'path'
  | 'host'
  | 'request-headers'
  | 'response-headers'
  | 'timeouts'
  | 'body-limit'
  | 'tls'
  | 'weights'
  | 'access'
  | 'limits'
  | 'affinity';

/** How bad it is to lose it: a door stands open, requests fail, they are answered otherwise, nobody sees it. */
export type Severity = 'security' | 'outage' | 'subtle' | 'cosmetic';

export type Outcome = 'same' | 'approximated' | 'refused';

/** A request that shows a difference, as a person would send it. */
export interface ShownRequest {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** With the query. */
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What becomes of one annotation, key or behaviour. */
export interface Announcement {
  /** `namespace/name`; empty: of the whole controller. */
  readonly ingress: string;
  /** Without the prefix; absent: of a behaviour that no annotation asks for. */
  readonly annotation?: string;
  readonly value?: string;
  /** The annotation, `config:KEY` of the ConfigMap, or `behaviour:CODE`: what a difference of answers is traced to. */
  readonly subject: string;
  /** Stable, kebab-case. */
  readonly code: string;
  readonly class: Outcome;
  /** Absent with `same`. */
  readonly severity?: Severity;
  readonly effects: readonly Effect[];
  readonly sentence: string;
  readonly request?: ShownRequest;
  /** The next step, as an imperative sentence. */
  readonly hint?: string;
}
