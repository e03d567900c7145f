import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { sentenceOf } from '../../../base/errors.ts';
import { listenerFor } from '../../lookup/index.ts';
import type { TableIndex } from '../../lookup/index.ts';
import type { TableCertificate } from '../../table.ts';

/** Ready certificates of the table in force; one that did not change is not read again. */
export class Certificates {
  readonly #ticketKeys: Buffer;
  readonly #tell: (certificate: string, reason: string) => void;
  #contexts = new Map<TableCertificate, SecureContext | undefined>();

  /** `ticketKeys`: 48 octets, the same in all workers, so that a session goes on in any of them. */
  constructor(ticketKeys: Buffer, tell: (certificate: string, reason: string) => void) {
    this.#ticketKeys = ticketKeys;
    this.#tell = tell;
  }

  /** Forgets those that are in no table any more. */
  follow(certificates: Readonly<Record<string, TableCertificate>>): void {
    const kept = new Map<TableCertificate, SecureContext | undefined>();
    for (const certificate of Object.values(certificates)) {
      if (this.#contexts.has(certificate)) kept.set(certificate, this.#contexts.get(certificate));
    }
    this.#contexts = kept;
  }

  /** The certificate for a name: the first usable one of the listener that the name belongs to. */
  contextFor(index: TableIndex, port: number, serverName: string): SecureContext | undefined {
    const listener = listenerFor(index, port, serverName)?.listener;
    if (listener === undefined) return undefined;
    for (const id of listener.certificates) {
      const certificate = index.table.certificates[id];
      const context = certificate === undefined ? undefined : this.#contextOf(id, certificate);
      if (context !== undefined) return context;
    }
    return undefined;
  }

  #contextOf(id: string, certificate: TableCertificate): SecureContext | undefined {
    if (this.#contexts.has(certificate)) return this.#contexts.get(certificate);
    let context: SecureContext | undefined;
    try {
      context = createSecureContext({
        cert: certificate.chain,
        key: certificate.key,
        ticketKeys: this.#ticketKeys,
        minVersion: 'TLSv1.2',
        honorCipherOrder: true,
      });
    } catch (error) {
      this.#tell(id, sentenceOf(error));
    }
    this.#contexts.set(certificate, context);
    return context;
  }
}
