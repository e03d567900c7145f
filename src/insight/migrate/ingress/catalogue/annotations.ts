import { closestOf } from '../../../../base/closest.ts';
import { ACCESS_ANNOTATIONS } from './annotations-of-access.ts';
import { BACKEND_ANNOTATIONS } from './annotations-of-backends.ts';
import { ROUTE_ANNOTATIONS } from './annotations-of-routes.ts';
import type { CatalogueEntry } from './entry.ts';

/** Every annotation that the last release (1.15) knows, without the prefix. */
export const ANNOTATIONS: readonly CatalogueEntry[] = [
  ...ROUTE_ANNOTATIONS,
  ...ACCESS_ANNOTATIONS,
  ...BACKEND_ANNOTATIONS,
];

/** Annotations of earlier releases that the last one ignores. */
export const REMOVED_ANNOTATIONS: ReadonlyMap<string, string> = new Map([
  ['secure-backends', 'backend-protocol: HTTPS'],
  ['grpc-backend', 'backend-protocol: GRPC'],
  ['secure-verify-ca-secret', 'proxy-ssl-secret'],
  ['session-cookie-hash', ''],
  ['add-base-url', ''],
  ['base-url-scheme', ''],
  ['lua-resty-waf', ''],
  ['enable-influxdb', ''],
  ['influxdb-measurement', ''],
  ['influxdb-port', ''],
  ['influxdb-host', ''],
  ['influxdb-server-name', ''],
  ['enable-opentracing', 'enable-opentelemetry'],
  ['opentracing-trust-incoming-span', 'opentelemetry-trust-incoming-span'],
  ['global-rate-limit', 'limit-rps'],
  ['global-rate-limit-window', 'limit-rps'],
  ['global-rate-limit-key', ''],
  ['global-rate-limit-ignored-cidrs', 'limit-allowlist'],
]);

const byName: ReadonlyMap<string, CatalogueEntry> = new Map(ANNOTATIONS.map(entry => [entry.name, entry]));
const names: readonly string[] = [...byName.keys()];

export const annotationEntry = (name: string): CatalogueEntry | undefined => byName.get(name);

/** So many names are compared with all that there are; more of them are nonsense, and would take long. */
const mostLookups = 2000;

/** Finds the annotation that a name most likely was meant to be; keeps what it found. */
export function createClosest(): (name: string) => string | undefined {
  const found = new Map<string, string | undefined>();
  return name => {
    if (!found.has(name) && found.size < mostLookups) found.set(name, closestOf(name, names));
    return found.get(name);
  };
}
