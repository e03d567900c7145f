import { join } from 'node:path';
import { paths } from '../../kernel/contract.ts';
import type { ContainerIdentity } from './container/identity.ts';

/** Where the runtime keeps what it must find again. Durable: below the node's state; until the next boot: below run. */
export class RuntimeFiles {
  readonly #cluster: string;

  constructor(cluster: string) {
    this.#cluster = cluster;
  }

  /** Built-in programs, as containers get them. */
  get programs(): string {
    return join(paths.state(this.#cluster), 'programs');
  }

  /** An empty directory: each container builds its root here, in its own mount namespace. */
  get stage(): string {
    return join(paths.run(this.#cluster), 'stage');
  }

  /** One directory for all records, so that one watch tells of every start and end. */
  get records(): string {
    return join(paths.run(this.#cluster), 'containers');
  }

  pidRecord(id: string): string {
    return join(this.records, `${recordName(id)}.pid`);
  }

  exitRecord(id: string): string {
    return join(this.records, `${recordName(id)}.exit`);
  }

  /** Its length counts: a unix socket's path has at most 107 bytes. */
  attachSocket(id: string): string {
    return join(this.records, `${recordName(id)}.sock`);
  }

  /** The files of claims, by their uid; the same for all nodes. */
  get claims(): string {
    return paths.claims(this.#cluster);
  }

  /** What pods see of their node by hostPath. */
  ofNode(node: string): string {
    return paths.nodeFiles(this.#cluster, node);
  }

  pods(node: string): string {
    return join(paths.nodeState(this.#cluster, node), 'pods');
  }

  pod(node: string, uid: string): string {
    return join(this.pods(node), uid);
  }

  /** What the network plugin answered, and what it was asked: for CHECK, DEL and GC. */
  cniResults(node: string): string {
    return join(paths.nodeState(this.#cluster, node), 'cni');
  }

  container(node: string, uid: string, container: string): string {
    return join(this.pod(node, uid), 'containers', container);
  }

  plan(node: string, identity: ContainerIdentity): string {
    return join(this.container(node, identity.podUid, identity.container), `${identity.attempt}.plan`);
  }

  log(node: string, identity: ContainerIdentity): string {
    return join(this.container(node, identity.podUid, identity.container), `${identity.attempt}.log`);
  }

  terminationMessage(node: string, identity: ContainerIdentity): string {
    return join(this.container(node, identity.podUid, identity.container), `${identity.attempt}.message`);
  }
}

export function recordName(id: string): string {
  return id.slice(0, 32);
}
