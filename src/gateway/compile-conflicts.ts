import type { Listener } from '../kube/types/gateway.ts';
import { bad, good, isStream } from './model.ts';
import type { Verdict } from './model.ts';

interface Port {
  /** The first of each protocol. */
  readonly byProtocol: Map<string, Listener>;
  readonly byHostname: Map<string, Listener>;
}

/**
 * What listeners claim. A Gateway may have thousands, by its sets: whether one more is distinct from all of them costs the same
 * however many they are.
 */
export class Claims {
  readonly #ports = new Map<string, Port>();

  constructor(listeners: Iterable<Listener> = []) {
    for (const listener of listeners) this.add(listener);
  }

  add(listener: Listener): void {
    const key = portKey(listener);
    const port = this.#ports.get(key) ?? { byProtocol: new Map(), byHostname: new Map() };
    this.#ports.set(key, port);
    const { protocol } = listener;
    if (!port.byProtocol.has(protocol)) port.byProtocol.set(protocol, listener);
    const hostname = nameOf(listener) ?? '';
    if (!port.byHostname.has(hostname)) port.byHostname.set(hostname, listener);
  }

  /**
   * Holds where the listener cannot be told from one of these (Gateway API, spec.listeners: distinct listeners). HTTPS and TLS
   * share a port: the name of the handshake tells them apart.
   */
  conflict(listener: Listener): Verdict {
    const none = bad('NoConflicts', 'No other listener claims the same');
    const { port, protocol } = listener;
    const claimed = this.#ports.get(portKey(listener));
    if (claimed === undefined) return none;
    for (const [other, { name }] of claimed.byProtocol)
      if (!doShare(protocol, other))
        return good('ProtocolConflict', `Port ${port} is claimed for ${other} by listener ${name} as well`);
    const isOfPort = isStream({ listener });
    const [first] = claimed.byProtocol.values();
    const same = isOfPort ? first : claimed.byHostname.get(nameOf(listener) ?? '');
    if (same === undefined) return none;
    if (isOfPort) return good('ListenerConflict', `Port ${port} is claimed by listener ${same.name} as well`);
    const name = nameOf(listener) ?? 'every hostname';
    return good('HostnameConflict', `${name} on port ${port} is claimed by listener ${same.name} as well`);
  }
}

/** Lower case; undefined for every name. */
export function nameOf({ hostname }: Listener): string | undefined {
  return hostname === undefined || hostname === '' ? undefined : hostname.toLowerCase();
}

/** UDP has ports of its own. */
const portKey = ({ port, protocol }: Listener): string => `${protocol === 'UDP' ? 'udp' : 'tcp'} ${port}`;

const beginsWithTls = (protocol: string): boolean => protocol === 'HTTPS' || protocol === 'TLS';

const doShare = (a: string, b: string): boolean => a === b || (beginsWithTls(a) && beginsWithTls(b));
