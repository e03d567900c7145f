import { createHash } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext, SecureContextOptions } from 'node:tls';
import { sentenceOf } from '../../../base/errors.ts';
import { listenerFor } from '../../lookup/index.ts';
import type { PortsIndex } from '../../lookup/index.ts';
import type { TableCertificate, TableClientValidation } from '../../table.ts';

interface Kept {
  readonly certificate: TableCertificate;
  /** By what clients have to prove, each made when it is first asked for; null where it cannot be. */
  readonly contexts: Map<string, SecureContext | null>;
}

/** The certificates of the table in force. */
export class Certificates {
  #ticketKeys: Buffer;
  readonly #tell: (certificate: string, reason: string) => void;
  #kept = new Map<string, Kept>();
  readonly #bare = new Map<string, SecureContext>();
  readonly #keys = new WeakMap<TableClientValidation, string>();

  /** `ticketKeys`: 48 octets, the same in all workers, so that a session goes on in any of them. */
  constructor(ticketKeys: Buffer, tell: (certificate: string, reason: string) => void) {
    this.#ticketKeys = ticketKeys;
    this.#tell = tell;
  }

  /** Sessions that were begun before are made anew, by a whole handshake. */
  renewTickets(ticketKeys: Buffer): void {
    this.#ticketKeys = ticketKeys;
    this.#bare.clear();
    for (const { contexts } of this.#kept.values()) contexts.clear();
  }

  replace(certificates: Readonly<Record<string, TableCertificate>>): void {
    this.#kept = new Map();
    this.change(certificates, []);
  }

  change(put: Readonly<Record<string, TableCertificate>>, remove: readonly string[]): void {
    this.#bare.clear();
    for (const id of remove) this.#kept.delete(id);
    for (const [id, certificate] of Object.entries(put))
      this.#kept.set(id, { certificate, contexts: new Map() });
  }

  get(id: string): TableCertificate | undefined {
    return this.#kept.get(id)?.certificate;
  }

  /**
   * What a handshake begins with: OpenSSL reads tickets by its keys, whichever certificate the name then chooses. Without a
   * name it has none, and the handshake fails.
   */
  bare(index: PortsIndex, port: number): SecureContext {
    const validation = index.ports.get(port)?.clientValidation;
    const key = this.#keyOf(validation);
    const made = this.#bare.get(key) ?? createSecureContext(this.#options(validation, key));
    this.#bare.set(key, made);
    return made;
  }

  /** The certificate for a name: the first usable one of the listener that the name belongs to. */
  contextFor(index: PortsIndex, port: number, serverName: string): SecureContext | undefined {
    const validation = index.ports.get(port)?.clientValidation;
    const key = this.#keyOf(validation);
    for (const id of listenerFor(index, port, serverName)?.listener.certificates ?? []) {
      const kept = this.#kept.get(id);
      if (kept === undefined) continue;
      let context = kept.contexts.get(key);
      if (context === undefined) {
        context = this.#contextOf(id, kept.certificate, this.#options(validation, key));
        kept.contexts.set(key, context);
      }
      if (context !== null) return context;
    }
    return undefined;
  }

  /** At most 32 octets, which is what a session has room for. */
  #keyOf(validation: TableClientValidation | undefined): string {
    if (validation === undefined) return 'none';
    let key = this.#keys.get(validation);
    if (key === undefined) {
      const { mode, authorities } = validation;
      key = createHash('sha256').update(`${mode} ${authorities}`).digest('hex').slice(0, 32);
      this.#keys.set(validation, key);
    }
    return key;
  }

  #options(validation: TableClientValidation | undefined, key: string): SecureContextOptions {
    return {
      ticketKeys: this.#ticketKeys,
      minVersion: 'TLSv1.2',
      // A session that was begun by other rules does not go on by these: whose certificate was seen then is not asked again.
      sessionIdContext: key,
      ...(validation === undefined ? {} : { ca: validation.authorities }),
    };
  }

  #contextOf(id: string, certificate: TableCertificate, options: SecureContextOptions): SecureContext | null {
    try {
      return createSecureContext({
        ...options,
        cert: certificate.chain,
        key: certificate.key,
        honorCipherOrder: true,
      });
    } catch (error) {
      this.#tell(id, sentenceOf(error));
      return null;
    }
  }
}
