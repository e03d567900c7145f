import type { RouteTable, TableHost, TableListener } from '../table.ts';
import { NameIndex } from './names.ts';
import { RuleIndex } from './rule-index.ts';

/** A table, ready to be asked. Immutable: a change makes another one, which shares what did not change. */
export interface TableIndex {
  readonly table: RouteTable;
  /** By port: the listeners by their hostname. */
  readonly ports: ReadonlyMap<number, PortIndex>;
  /** By `hostKey`: what is kept when a table follows another. */
  readonly hosts: ReadonlyMap<string, RuleIndex>;
}

export interface PortIndex {
  readonly port: number;
  readonly protocol: TableListener['protocol'];
  readonly listeners: NameIndex<ListenerIndex>;
}

export interface ListenerIndex {
  readonly listener: TableListener;
  readonly hosts: NameIndex<RuleIndex>;
}

/**
 * Listeners of one port share a protocol (Gateway API: others are in conflict); should they not, those of the first
 * listener's protocol count.
 */
export function indexTable(table: RouteTable, previous?: TableIndex): TableIndex {
  const hosts = new Map<string, RuleIndex>();
  for (const [key, host] of Object.entries(table.hosts)) hosts.set(key, ruleIndexOf(key, host, previous));
  const byListener = Map.groupBy(hosts.values(), ({ host }) => host.listener);
  const ports = new Map<number, PortIndex>();
  for (const listener of Object.values(table.listeners)) {
    const { port, protocol } = listener;
    const found = ports.get(port) ?? { port, protocol, listeners: new NameIndex<ListenerIndex>() };
    ports.set(port, found);
    if (found.protocol !== protocol) continue;
    const names = new NameIndex<RuleIndex>();
    for (const rules of byListener.get(listener.name) ?? []) names.add(rules.host.hostname, rules);
    found.listeners.add(listener.hostname ?? '*', { listener, hosts: names });
  }
  return { table, ports, hosts };
}

function ruleIndexOf(key: string, host: TableHost, previous: TableIndex | undefined): RuleIndex {
  const before = previous?.hosts.get(key);
  return before?.host === host ? before : new RuleIndex(host);
}
