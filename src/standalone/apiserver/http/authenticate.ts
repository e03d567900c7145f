import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { ANONYMOUS } from '../request.ts';
import type { User } from '../request.ts';

/** Who is behind a connection; a certificate is read once per connection, not per request. */
export class Authenticator {
  readonly #users = new WeakMap<TLSSocket, { readonly user: User | undefined }>();

  /** The subject of a client certificate; undefined for one that our authority did not sign, `ANONYMOUS` without one. */
  userOf(socket: TLSSocket): User | undefined {
    const present = this.#users.get(socket);
    if (present !== undefined) return present.user;
    const certificate = socket.getPeerX509Certificate();
    const known = certificate !== undefined && socket.authorized ? userOfCertificate(certificate) : undefined;
    const user = certificate === undefined ? ANONYMOUS : known;
    this.#users.set(socket, { user });
    return user;
  }
}

/** CN is the name, each O a group, as for every Kubernetes API server. */
export function userOfCertificate(certificate: X509Certificate): User | undefined {
  const attributes = certificate.subject.split('\n').map(line => {
    const at = line.indexOf('=');
    return [line.slice(0, at), line.slice(at + 1)] as const;
  });
  const name = attributes.find(([type]) => type === 'CN')?.[1];
  if (name === undefined || name === '') return undefined;
  const groups = attributes.filter(([type]) => type === 'O').map(([, value]) => value);
  return { name, groups: [...groups, 'system:authenticated'] };
}
