import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { sentenceOf } from '../../../base/errors.ts';
import { listenerFor } from '../../lookup/index.ts';
import type { PortsIndex } from '../../lookup/index.ts';
import type { TableCertificate } from '../../table.ts';

interface Kept {
  readonly certificate: TableCertificate;
  /** Made when it is first asked for; null where it cannot be. */
  context?: SecureContext | null;
}

/** The certificates of the table in force. */
export class Certificates {
  #ticketKeys: Buffer;
  readonly #tell: (certificate: string, reason: string) => void;
  #kept = new Map<string, Kept>();
  #bare: SecureContext | undefined;

  /** `ticketKeys`: 48 octets, the same in all workers, so that a session goes on in any of them. */
  constructor(ticketKeys: Buffer, tell: (certificate: string, reason: string) => void) {
    this.#ticketKeys = ticketKeys;
    this.#tell = tell;
  }

  /** Sessions that were begun before are made anew, by a whole handshake. */
  renewTickets(ticketKeys: Buffer): void {
    this.#ticketKeys = ticketKeys;
    this.#bare = undefined;
    for (const kept of this.#kept.values()) delete kept.context;
  }

  replace(certificates: Readonly<Record<string, TableCertificate>>): void {
    this.#kept = new Map();
    this.change(certificates, []);
  }

  change(put: Readonly<Record<string, TableCertificate>>, remove: readonly string[]): void {
    for (const id of remove) this.#kept.delete(id);
    for (const [id, certificate] of Object.entries(put)) this.#kept.set(id, { certificate });
  }

  /**
   * What a handshake begins with: OpenSSL reads tickets by its keys, whichever certificate the name then chooses. Without a
   * name it has none, and the handshake fails.
   */
  get bare(): SecureContext {
    this.#bare ??= createSecureContext({ ticketKeys: this.#ticketKeys, minVersion: 'TLSv1.2' });
    return this.#bare;
  }

  /** The certificate for a name: the first usable one of the listener that the name belongs to. */
  contextFor(index: PortsIndex, port: number, serverName: string): SecureContext | undefined {
    for (const id of listenerFor(index, port, serverName)?.listener.certificates ?? []) {
      const kept = this.#kept.get(id);
      if (kept === undefined) continue;
      if (kept.context === undefined) kept.context = this.#contextOf(id, kept.certificate);
      if (kept.context !== null) return kept.context;
    }
    return undefined;
  }

  #contextOf(id: string, certificate: TableCertificate): SecureContext | null {
    try {
      return createSecureContext({
        cert: certificate.chain,
        key: certificate.key,
        ticketKeys: this.#ticketKeys,
        minVersion: 'TLSv1.2',
        honorCipherOrder: true,
      });
    } catch (error) {
      this.#tell(id, sentenceOf(error));
      return null;
    }
  }
}
