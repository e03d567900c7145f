import { isIP } from 'node:net';
import type { Definition } from '../define.ts';
import { statusOf } from '../define.ts';
import { AGE, NAME, ageOf, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';
import { checkBackendPort } from './http-filters.ts';
import { checkParents } from './parents.ts';

/** Routes that see connections, and no requests: TCPRoute, UDPRoute and TLSRoute. */
function streamRoute(
  kind: string,
  plural: string,
  validate: (found: Findings, spec: Place) => void = () => undefined,
): Definition {
  return {
    group: 'gateway.networking.k8s.io',
    version: 'v1',
    kind,
    plural,
    schema: `io.k8s.networking.gateway.v1.${kind}`,
    namespaced: true,
    categories: ['gateway-api'],
    subresources: [statusOf(kind)],
    validate: (found, object) => {
      const spec = object.child('spec');
      checkParents(found, spec.child('parentRefs'));
      for (const rule of spec.child('rules').items())
        for (const backend of rule.child('backendRefs').items()) checkBackendPort(found, backend);
      validate(found, spec);
    },
    strategy: { statusFields: ['status'], countsGenerations: true, allowsUnconditionalUpdate: false },
    table: { columns: [NAME, AGE], cells: (object, now) => [nameOf(object), ageOf(object, now)] },
  };
}

export const TCP_ROUTE = streamRoute('TCPRoute', 'tcproutes');
export const UDP_ROUTE = streamRoute('UDPRoute', 'udproutes');
// Names are what the schema's pattern says; what it lets through beside them are addresses.
export const TLS_ROUTE = streamRoute('TLSRoute', 'tlsroutes', (found, spec) => {
  const hostnames = spec.child('hostnames');
  if (hostnames.texts.some(hostname => isIP(hostname) > 0))
    found.invalid(hostnames, 'Hostnames cannot contain an IP', 'array');
});
