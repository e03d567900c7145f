/** What the Gateways will be served by, as far as it says what it can. */
export interface Target {
  readonly className: string;
  /** Names of GatewayClass.status.supportedFeatures. */
  readonly features: ReadonlySet<string>;
  /** Whether the features were said by the class itself; else only what every class must do is used. */
  readonly known: boolean;
}

/** What a class may be known to have beyond the names that the API's conformance suite has for features. */
export const BEYOND = {
  /** Matches of paths by RE2, against the whole path, the longer pattern first. */
  regularPaths: 'HTTPRoutePathRegularExpression',
  /** HTTPRouteRule.sessionPersistence, of the experimental channel. */
  sessions: 'HTTPRouteSessionPersistence',
} as const;

/** What every implementation has to support (core), so that it need not be said. */
const CORE: readonly string[] = ['Gateway', 'HTTPRoute', 'ReferenceGrant'];

export const targetOf = (className: string, features: readonly string[] | undefined): Target => ({
  className,
  features: new Set([...CORE, ...(features ?? [])]),
  known: features !== undefined,
});

/** The feature that a redirect's status asks for; undefined: none, `absent`: no class can answer it. */
export function featureOfStatus(code: number): string | undefined {
  if (code === 301 || code === 302) return undefined;
  return code === 303 || code === 307 || code === 308 ? `HTTPRoute${code}RedirectStatusCode` : 'absent';
}
