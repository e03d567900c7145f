import type { RouteTable, TableChange, TableHost, TableListener } from '../table.ts';
import type { NameIndex } from './names.ts';
import { RuleIndex } from './rule-index.ts';
import { indexPorts, namesOf, type PortIndex, type PortsIndex } from './table-index.ts';

/**
 * An index that follows its table: a change of hosts costs what changed, however large the table is. It changes between two
 * look-ups, never within one.
 */
export class LiveTable implements PortsIndex {
  ports: ReadonlyMap<number, PortIndex> = new Map();
  #listeners = new Map<string, TableListener>();
  #hosts = new Map<string, TableHost>();
  #names = new Map<string, NameIndex<RuleIndex>>();

  replace({ listeners, hosts }: Pick<RouteTable, 'listeners' | 'hosts'>): void {
    this.#listeners = new Map(Object.entries(listeners));
    this.#hosts = new Map();
    this.#names = new Map();
    for (const [key, host] of Object.entries(hosts)) this.#put(key, host);
    this.ports = indexPorts(this.#listeners.values(), this.#names);
  }

  change({ put, remove }: TableChange): void {
    for (const key of remove.hosts ?? []) this.#remove(key);
    for (const [key, host] of Object.entries(put.hosts ?? {})) this.#put(key, host);
    if (put.listeners === undefined && remove.listeners === undefined) return;
    for (const name of remove.listeners ?? []) this.#listeners.delete(name);
    for (const [name, listener] of Object.entries(put.listeners ?? {})) this.#listeners.set(name, listener);
    this.ports = indexPorts(this.#listeners.values(), this.#names);
  }

  /** What requests are looked up in. */
  table(): Pick<RouteTable, 'listeners' | 'hosts'> {
    return { listeners: Object.fromEntries(this.#listeners), hosts: Object.fromEntries(this.#hosts) };
  }

  #put(key: string, host: TableHost): void {
    this.#remove(key);
    this.#hosts.set(key, host);
    namesOf(this.#names, host.listener).set(host.hostname, new RuleIndex(host), host.isOneLabel);
  }

  #remove(key: string): void {
    const host = this.#hosts.get(key);
    if (host === undefined) return;
    this.#hosts.delete(key);
    this.#names.get(host.listener)?.delete(host.hostname);
  }
}
