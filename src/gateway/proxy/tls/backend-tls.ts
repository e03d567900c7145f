import { createHash } from 'node:crypto';
import {
  connect,
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { TableBackendTls, TableCertificate } from '../../table.ts';
import { identityProblem } from './backend-identity.ts';

/** How connections to the endpoints of one backend are secured (BackendTLSPolicy). */
export class BackendTls {
  /** The same for what is secured in the same way: such connections may be shared. */
  readonly key: string;
  /** Why none can be made. */
  readonly problem: string | undefined;
  readonly #described: TableBackendTls;
  #context: SecureContext | undefined;

  constructor(described: TableBackendTls) {
    // Short, since every endpoint is known by it, and authorities are long.
    this.key = createHash('sha256').update(JSON.stringify(described)).digest('base64');
    this.problem = described.problem;
    this.#described = described;
  }

  /**
   * Throws for certificates that cannot be read. `protocols` are offered by ALPN; `certificateOf` has the table's
   * certificates.
   */
  connect(
    at: { readonly host: string; readonly port: number },
    protocols: readonly string[],
    certificateOf: (id: string) => TableCertificate | undefined,
  ): TLSSocket {
    const { hostname } = this.#described;
    this.#context ??= this.#makeContext(certificateOf);
    // Node passes this one on to the socket that it makes, as it does net.connect's others; its types leave it out.
    const halfOpen: ConnectionOptions & { readonly allowHalfOpen: true } = { allowHalfOpen: true };
    return connect({
      ...at,
      ...halfOpen,
      servername: hostname,
      secureContext: this.#context,
      ...(protocols.length === 0 ? {} : { ALPNProtocols: [...protocols] }),
      checkServerIdentity: (_, certificate) => identityProblem(this.#described, certificate),
      rejectUnauthorized: true,
    });
  }

  #makeContext(certificateOf: (id: string) => TableCertificate | undefined): SecureContext {
    const { authorities, clientCertificate: id, problem } = this.#described;
    // Without any, Node would trust those of the system.
    if (problem !== undefined || authorities === '') throw new Error(problem ?? 'there are no authorities');
    const own = id === undefined ? undefined : certificateOf(id);
    if (id !== undefined && own === undefined) throw new Error('there is no client certificate');
    return createSecureContext({
      minVersion: 'TLSv1.2',
      ...(authorities === undefined ? {} : { ca: authorities }),
      ...(own === undefined ? {} : { cert: own.chain, key: own.key }),
    });
  }
}
