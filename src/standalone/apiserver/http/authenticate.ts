import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { User } from '../request.ts';

/** The user of a connection: the subject of a client certificate that our authority signed. */
export function userOfSocket(socket: TLSSocket): User | undefined {
  if (!socket.authorized) return undefined;
  const raw = socket.getPeerX509Certificate();
  return raw === undefined ? undefined : userOfCertificate(raw);
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
