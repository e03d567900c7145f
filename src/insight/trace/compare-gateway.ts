import type { Result } from './compare.ts';
import { wordsOf } from './compare-words.ts';
import type { GatewayHop } from './hops.ts';
import type { ObservedConnection } from './observed.ts';

/** What the proxy did with the request, by the line that it wrote, or by its answer alone. */
export function compareGateway(hop: GatewayHop, connection: ObservedConnection): Result {
  const { failure, proxy, response, tls } = connection;
  const expected = expectedOf(hop);
  if (hop.outcome === 'no-handshake') {
    const isRefused = failure !== undefined && tls === undefined;
    return { result: isRefused ? 'agrees' : 'differs', expected, seen: wordsOf(connection) };
  }
  if (proxy === undefined) {
    if (response === undefined)
      return { result: failure === undefined ? 'unseen' : 'differs', expected, seen: wordsOf(connection) };
    const seen = `HTTP ${response.status}; the proxies' logs have no line of it`;
    if (hop.outcome === 'forwarded') return { result: 'unseen', expected, seen };
    return { result: response.status === hop.status ? 'agrees' : 'differs', expected, seen };
  }
  const { backend, by, endpoint, field, milliseconds, pod, route, status, why } = proxy;
  const rule = route === undefined ? 'no rule' : `${route} ${field ?? ''}`;
  const to =
    endpoint === undefined ? '' : `, ${backend ?? ''} at ${endpoint}${pod === undefined ? '' : ` (${pod})`}`;
  const reason = why === '' ? '' : ` (${why})`;
  const seen = `${by}: ${rule}${to}, HTTP ${status}${reason} in ${milliseconds.toFixed(1)} ms`;
  const isRule = hop.rule === undefined || (route === hop.rule.object && field === hop.rule.field);
  const isBackend =
    backend === undefined || hop.backends.some(({ service, share }) => service === backend && share > 0);
  const isStatus = hop.outcome === 'forwarded' || status === hop.status;
  return { result: isRule && isBackend && isStatus ? 'agrees' : 'differs', expected, seen };
}

function expectedOf({ backends, outcome, rule, sentence }: GatewayHop): string {
  if (outcome !== 'forwarded' || rule === undefined) return sentence;
  const services = backends.flatMap(({ service, share }) => (share > 0 ? (service ?? []) : []));
  return `${rule.object} ${rule.field} to ${services.join(' or ')}`;
}
