import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Clock } from '../../base/clock.ts';
import { FairleadError } from '../../base/errors.ts';
import { contains, formatAddress, formatPrefix, parseAddress } from '../../base/ip.ts';
import type { Address, Prefix } from '../../base/ip.ts';
import type { AttachmentKey, HostPort, PodReference } from '../model.ts';
import { nextAddress, usable } from './allocate.ts';
import { HostPortStore } from './host-ports.ts';
import { openStore } from './store.ts';
import type { OpenedStore } from './store.ts';

export interface Allocation extends AttachmentKey {
  /** `reserving` until the kernel has it; then `assigned`. */
  readonly state: 'reserving' | 'assigned';
  /** When a reservation is void, in milliseconds since the epoch. */
  readonly deadline: number;
  readonly created: number;
  /** The path of the pod's network namespace; empty for an adopted attachment. */
  readonly sandbox: string;
  readonly pod: PodReference;
  readonly addresses: readonly Address[];
  readonly hostPorts: readonly HostPort[];
}

export interface IpamOptions {
  readonly path: string;
  /** `/proc/sys/kernel/random/boot_id` */
  readonly bootId: string;
  readonly clock: Clock;
  /** How long a released address rests before it is given out again, unless all others are taken. */
  readonly quarantineMilliseconds?: number;
}

const defaultQuarantine = 30_000;

interface Row {
  readonly container_id: string;
  readonly interface: string;
  readonly state: 'reserving' | 'assigned';
  readonly deadline: number;
  readonly created: number;
  readonly sandbox: string;
  readonly pod_namespace: string;
  readonly pod_name: string;
  readonly pod_uid: string;
}

/**
 * Who has which address and which port of this node. Durable: what a method returned survives the death of the process. One owner of an
 * address at a time is a constraint of the database, not of this code.
 */
export class Ipam implements Disposable {
  readonly opened: OpenedStore;
  readonly #database: DatabaseSync;
  readonly #clock: Clock;
  readonly #quarantine: number;
  readonly #hostPorts: HostPortStore;
  readonly #statements = new Map<string, StatementSync>();

  constructor(options: IpamOptions) {
    this.opened = openStore(options.path, options.bootId, options.clock);
    this.#database = this.opened.database;
    this.#clock = options.clock;
    this.#hostPorts = new HostPortStore(this.#database);
    this.#quarantine = options.quarantineMilliseconds ?? defaultQuarantine;
  }

  /**
   * One address of each prefix for a new attachment, and its ports of the node, all or none. Throws
   * `pods/attachment-exists` for a known key, `pods/addresses-exhausted` and `pods/host-port-taken`.
   */
  reserve(
    request: AttachmentKey & {
      readonly pod: PodReference;
      readonly sandbox: string;
      readonly deadline: number;
      readonly hostPorts?: readonly HostPort[];
    },
    prefixes: readonly Prefix[],
  ): Allocation {
    return this.#transaction(() => {
      if (this.get(request) !== undefined) throw attachmentExists(request);
      const now = this.#clock.now();
      const { hostPorts = [] } = request;
      this.#insert({ ...request, state: 'reserving', created: now });
      this.#hostPorts.take(request, hostPorts);
      const addresses = prefixes.map(prefix => this.#take(prefix, request, now));
      return { ...request, state: 'reserving' as const, created: now, addresses, hostPorts };
    });
  }

  /** The kernel has them now. Throws `pods/attachment-unknown` when a reservation is gone; then none is assigned. */
  assign(keys: readonly AttachmentKey[]): void {
    this.#transaction(() => {
      for (const { containerId, interfaceName } of keys) {
        const changed = this.#run(
          "UPDATE attachments SET state = 'assigned', deadline = 0 WHERE container_id = ? AND interface = ?",
          containerId,
          interfaceName,
        );
        if (changed > 0) continue;
        const sentence = `the reservation of ${containerId}/${interfaceName} is gone`;
        throw new FairleadError('pods/attachment-unknown', sentence);
      }
    });
  }

  /** Frees what the attachments have; their addresses rest. An unknown one is fine: it was released before. */
  release(keys: readonly AttachmentKey[]): void {
    const known = keys.map(key => this.get(key)).filter(allocation => allocation !== undefined);
    if (known.length === 0) return;
    this.#transaction(() => {
      const now = this.#clock.now();
      this.#run('DELETE FROM released WHERE at < ?', now - this.#quarantine);
      for (const { containerId, interfaceName, addresses } of known) {
        for (const address of addresses)
          this.#run(
            'INSERT OR REPLACE INTO released (address, at) VALUES (?, ?)',
            formatAddress(address),
            now,
          );
        const key = [containerId, interfaceName] as const;
        this.#run('DELETE FROM attachments WHERE container_id = ? AND interface = ?', ...key);
      }
    });
  }

  /** Takes over what the kernel has and the store does not know. False when the key or an address has an owner. */
  adopt(
    allocation: AttachmentKey & Pick<Allocation, 'pod' | 'sandbox' | 'addresses' | 'hostPorts'>,
  ): boolean {
    return this.#transaction(() => {
      if (this.get(allocation) !== undefined) return false;
      if (allocation.addresses.some(address => this.#ownerOf(address) !== undefined)) return false;
      if (allocation.hostPorts.some(port => this.#hostPorts.ownerOf(port) !== undefined)) return false;
      this.#insert({ ...allocation, state: 'assigned', deadline: 0, created: this.#clock.now() });
      for (const address of allocation.addresses) this.#own(address, allocation);
      this.#hostPorts.take(allocation, allocation.hostPorts);
      return true;
    });
  }

  get(key: AttachmentKey): Allocation | undefined {
    const row = this.#statement('SELECT * FROM attachments WHERE container_id = ? AND interface = ?').get(
      key.containerId,
      key.interfaceName,
    ) as Row | undefined;
    return row === undefined ? undefined : this.#allocation(row);
  }

  /** All of them, in the order of their creation. */
  list(): readonly Allocation[] {
    const rows = this.#statement('SELECT * FROM attachments ORDER BY created, container_id, interface').all();
    return rows.map(row => this.#allocation(row as unknown as Row));
  }

  /** Addresses of `prefix` that are taken, and how many it has for pods. */
  usage(prefix: Prefix): { readonly taken: number; readonly capacity: bigint } {
    return { taken: this.#taken(prefix).size, capacity: usable(prefix).count };
  }

  [Symbol.dispose](): void {
    this.#statements.clear();
    this.#database.close();
  }

  #take(prefix: Prefix, key: AttachmentKey, now: number): Address {
    const name = formatPrefix(prefix);
    const last = this.#statement('SELECT last_used FROM ranges WHERE prefix = ?').get(name) as
      | { last_used: string }
      | undefined;
    const address = nextAddress(
      {
        range: prefix,
        lastUsed: last === undefined ? undefined : BigInt(last.last_used),
        taken: this.#taken(prefix),
        released: this.#released(prefix),
      },
      now,
      this.#quarantine,
    );
    if (address === undefined) throw exhausted(prefix);
    this.#own(address, key);
    this.#run('DELETE FROM released WHERE address = ?', formatAddress(address));
    this.#run(
      'INSERT OR REPLACE INTO ranges (prefix, last_used) VALUES (?, ?)',
      name,
      address.value.toString(),
    );
    return address;
  }

  #taken(prefix: Prefix): ReadonlySet<bigint> {
    const rows = this.#statement('SELECT address FROM addresses WHERE family = ?').all(prefix.family);
    const addresses = rows.map(row => addressIn(row['address']));
    return new Set(addresses.filter(address => contains(prefix, address)).map(address => address.value));
  }

  #released(prefix: Prefix): ReadonlyMap<bigint, number> {
    const rows = this.#statement('SELECT address, at FROM released').all();
    const entries = rows.map(row => [addressIn(row['address']), Number(row['at'])] as const);
    return new Map(
      entries.filter(([address]) => contains(prefix, address)).map(([address, at]) => [address.value, at]),
    );
  }

  #ownerOf(address: Address): unknown {
    return this.#statement('SELECT container_id FROM addresses WHERE address = ?').get(
      formatAddress(address),
    );
  }

  #own(address: Address, key: AttachmentKey): void {
    this.#run(
      'INSERT INTO addresses (address, family, container_id, interface) VALUES (?, ?, ?, ?)',
      formatAddress(address),
      address.family,
      key.containerId,
      key.interfaceName,
    );
  }

  #insert(allocation: Omit<Allocation, 'addresses' | 'hostPorts'>): void {
    const { containerId, interfaceName, state, deadline, created, sandbox, pod } = allocation;
    this.#run(
      'INSERT INTO attachments (container_id, interface, state, deadline, created, sandbox, pod_namespace, pod_name, pod_uid) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      containerId,
      interfaceName,
      state,
      deadline,
      created,
      sandbox,
      pod.namespace,
      pod.name,
      pod.uid,
    );
  }

  #allocation(row: Row): Allocation {
    const addresses = this.#statement(
      'SELECT address FROM addresses WHERE container_id = ? AND interface = ? ORDER BY rowid',
    ).all(row.container_id, row.interface);
    return {
      containerId: row.container_id,
      interfaceName: row.interface,
      state: row.state,
      deadline: row.deadline,
      created: row.created,
      sandbox: row.sandbox,
      pod: { namespace: row.pod_namespace, name: row.pod_name, uid: row.pod_uid },
      addresses: addresses.map(entry => addressIn(entry['address'])),
      hostPorts: this.#hostPorts.of({ containerId: row.container_id, interfaceName: row.interface }),
    };
  }

  #transaction<T>(run: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = run();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      // SQLite itself has rolled back after a full disk; a second ROLLBACK would hide the reason.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #run(sql: string, ...values: (string | number)[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function addressIn(value: unknown): Address {
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (address === undefined)
    throw new FairleadError(
      'pods/ipam-corrupt',
      `the address store has the address ${JSON.stringify(value)}`,
    );
  return address;
}

function attachmentExists(key: AttachmentKey): FairleadError {
  const sentence = `the attachment ${key.containerId}/${key.interfaceName} already has addresses`;
  return new FairleadError('pods/attachment-exists', sentence, { hint: 'Call DEL before another ADD.' });
}

function exhausted(prefix: Prefix): FairleadError {
  const sentence = `all ${usable(prefix).count} addresses of ${formatPrefix(prefix)} are taken`;
  return new FairleadError('pods/addresses-exhausted', sentence, {
    hint: 'Move pods to another node, or give the nodes larger pod prefixes.',
  });
}
