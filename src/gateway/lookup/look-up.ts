import type { ListenerIndex, PortsIndex } from './table-index.ts';
import type { Lookup, LookupRequest } from './model.ts';

const noListener: Lookup = { outcome: 'no-listener' };

/**
 * Port and name choose the listener, and only its hosts are asked: a request never falls back to a listener with a
 * wider name (Gateway API, GatewayHTTPListenerIsolation). The host chooses the rules, of which the first that matches
 * has the request.
 */
export function lookUp(index: PortsIndex, request: LookupRequest): Lookup {
  const found = listenerFor(index, request.port, request.host);
  if (request.serverName !== undefined) {
    const tls = listenerFor(index, request.port, request.serverName);
    if (found !== undefined && tls !== found)
      return { outcome: 'misdirected', listener: found.listener, tlsListener: tls?.listener };
  }
  if (found === undefined) return noListener;
  const { listener } = found;
  const rules = found.hosts.find(request.host);
  if (rules === undefined) return { outcome: 'no-host', listener };
  const rule = rules.find(request);
  if (rule === undefined) return { outcome: 'no-rule', listener, host: rules.host };
  return { outcome: 'rule', listener, host: rules.host, rule };
}

/** The listener of a port with the most specific hostname for a name, which may be ''. */
export function listenerFor(index: PortsIndex, port: number, name: string): ListenerIndex | undefined {
  return index.ports.get(port)?.listeners.find(name);
}
