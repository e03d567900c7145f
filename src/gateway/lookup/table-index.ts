import type { RouteTable, TableListener } from '../table.ts';
import { NameIndex } from './names.ts';
import { RuleIndex } from './rule-index.ts';

/** What a look-up asks. */
export interface PortsIndex {
  /** By port: the listeners by their hostname. */
  readonly ports: ReadonlyMap<number, PortIndex>;
}

/** A table, ready to be asked. */
export interface TableIndex extends PortsIndex {
  readonly table: RouteTable;
}

export interface PortIndex {
  readonly port: number;
  /** TLS where HTTPS and TLS share the port: then the name of the handshake says whose a connection is. */
  protocol: TableListener['protocol'];
  /** The same for all listeners that end TLS. */
  clientValidation: TableListener['clientValidation'];
  readonly options: TableListener['options'];
  readonly listeners: NameIndex<ListenerIndex>;
}

export interface ListenerIndex {
  readonly listener: TableListener;
  readonly hosts: NameIndex<RuleIndex>;
}

export function indexTable(table: RouteTable): TableIndex {
  const hosts = new Map<string, NameIndex<RuleIndex>>();
  for (const host of Object.values(table.hosts))
    namesOf(hosts, host.listener).set(host.hostname, new RuleIndex(host), host.isOneLabel);
  return { table, ports: indexPorts(Object.values(table.listeners), hosts) };
}

/**
 * `hosts` by the listener's name. Listeners of one port share a protocol, or are of HTTPS and TLS (Gateway API: others are in
 * conflict); should they not, those of the first listener's protocol count.
 */
export function indexPorts(
  listeners: Iterable<TableListener>,
  hosts: Map<string, NameIndex<RuleIndex>>,
): ReadonlyMap<number, PortIndex> {
  const ports = new Map<number, PortIndex>();
  for (const listener of listeners) {
    const { port, protocol } = listener;
    const found: PortIndex = ports.get(port) ?? {
      port,
      protocol,
      clientValidation: undefined,
      options: listener.options,
      listeners: new NameIndex<ListenerIndex>(),
    };
    ports.set(port, found);
    if (found.protocol !== protocol) {
      if (found.protocol === 'HTTP' || protocol === 'HTTP') continue;
      found.protocol = 'TLS';
    }
    found.clientValidation ??= listener.clientValidation;
    found.listeners.add(listener.hostname ?? '*', { listener, hosts: namesOf(hosts, listener.name) });
  }
  return ports;
}

export function namesOf(hosts: Map<string, NameIndex<RuleIndex>>, listener: string): NameIndex<RuleIndex> {
  let names = hosts.get(listener);
  if (names === undefined) {
    names = new NameIndex<RuleIndex>();
    hosts.set(listener, names);
  }
  return names;
}
