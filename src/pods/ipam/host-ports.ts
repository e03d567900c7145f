import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { FairleadError } from '../../base/errors.ts';
import { formatAddress, parseAddress } from '../../base/ip.ts';
import { formatHostPort, hostPortsOverlap } from '../compile-host-ports.ts';
import type { AttachmentKey, HostPort, PodReference } from '../model.ts';

interface Row {
  readonly protocol: HostPort['protocol'];
  readonly address: string;
  readonly port: number;
  readonly container_port: number;
}

interface OwnedRow extends Row {
  readonly pod_namespace: string;
  readonly pod_name: string;
}

/** Who has which port of the node: part of the address store, and of its transactions. */
export class HostPortStore {
  readonly #list: StatementSync;
  readonly #sharing: StatementSync;
  readonly #insert: StatementSync;

  constructor(database: DatabaseSync) {
    this.#list = database.prepare(
      'SELECT protocol, address, port, container_port FROM host_ports WHERE container_id = ? AND interface = ? ORDER BY rowid',
    );
    this.#sharing = database.prepare(
      'SELECT host_ports.*, pod_namespace, pod_name FROM host_ports JOIN attachments USING (container_id, interface) WHERE protocol = ? AND port = ?',
    );
    this.#insert = database.prepare(
      'INSERT INTO host_ports (protocol, address, port, container_port, container_id, interface) VALUES (?, ?, ?, ?, ?, ?)',
    );
  }

  of(key: AttachmentKey): readonly HostPort[] {
    const rows = this.#list.all(key.containerId, key.interfaceName) as unknown as readonly Row[];
    return rows.map(hostPortIn);
  }

  /** Throws `pods/host-port-taken` for one that an attachment has already, this one included. */
  take(key: AttachmentKey, ports: readonly HostPort[]): void {
    for (const wanted of ports) {
      const owner = this.ownerOf(wanted);
      if (owner !== undefined) throw taken(wanted, owner);
      const address = wanted.address === undefined ? '' : formatAddress(wanted.address);
      const values: SQLInputValue[] = [wanted.protocol, address, wanted.port, wanted.containerPort];
      this.#insert.run(...values, key.containerId, key.interfaceName);
    }
  }

  /** The pod that has it, or has it at some of its addresses. */
  ownerOf(wanted: HostPort): Pick<PodReference, 'namespace' | 'name'> | undefined {
    const rows = this.#sharing.all(wanted.protocol, wanted.port) as unknown as readonly OwnedRow[];
    const found = rows.find(row => hostPortsOverlap(wanted, hostPortIn(row)));
    return found === undefined ? undefined : { namespace: found.pod_namespace, name: found.pod_name };
  }
}

function hostPortIn({ protocol, address: text, port, container_port: containerPort }: Row): HostPort {
  const address = text === '' ? undefined : parseAddress(text);
  if (text !== '' && address === undefined)
    throw new FairleadError('pods/ipam-corrupt', `the address store has the address ${JSON.stringify(text)}`);
  return { protocol, address, port, containerPort };
}

function taken(wanted: HostPort, owner: Pick<PodReference, 'namespace' | 'name'>): FairleadError {
  const sentence = `${formatHostPort(wanted)} of the node is taken by the pod ${owner.namespace}/${owner.name}`;
  return new FairleadError('pods/host-port-taken', sentence, {
    field: 'spec.containers[].ports[].hostPort',
    hint: 'Let the scheduler choose the node: it knows which ports are free. Or use a Service of type NodePort.',
  });
}
