/** TLS of the echo server: what it serves with, and what it tells about a connection. */
import { readFileSync } from 'node:fs';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { fail } from './serving.ts';

/** Files of the environment; undefined when certificate or key is not named: then there is no TLS port. */
export function tlsFiles(
  keyVariable: 'TLS_SERVER_PRIVKEY' | 'TLS_SERVER_PRIV_KEY',
): Pick<TlsOptions, 'cert' | 'key'> | undefined {
  const certificate = process.env.TLS_SERVER_CERT ?? '';
  const key = process.env[keyVariable] ?? '';
  if (certificate === '' || key === '') return undefined;
  return { cert: read(certificate), key: read(key) };
}

/** A client's certificate is checked if it gives one; without the variable none is asked for. */
export function clientAuthorities(): Pick<TlsOptions, 'ca' | 'requestCert' | 'rejectUnauthorized'> {
  const file = process.env.TLS_CLIENT_CACERTS ?? '';
  return file === '' ? {} : { ca: read(file), requestCert: true, rejectUnauthorized: false };
}

/** With `clientAuthorities`: a certificate that no authority of ours signed ends the connection. */
export function refuseStrangers(socket: TLSSocket): void {
  const gave = Object.keys(socket.getPeerCertificate() ?? {}).length > 0;
  if (gave && !socket.authorized) socket.destroy();
}

export interface TlsFacts {
  readonly version: string;
  readonly peerCertificates?: readonly string[];
  readonly serverName: string;
  readonly negotiatedProtocol?: string;
  readonly cipherSuite: string;
}

export function tlsFacts(socket: TLSSocket): TlsFacts {
  const certificates = peerCertificates(socket);
  const protocol = socket.alpnProtocol;
  const cipher = socket.getCipher() as { readonly standardName?: string; readonly name: string } | undefined;
  const { servername } = socket as { readonly servername?: string | false };
  return {
    version: socket.getProtocol() ?? '',
    ...(certificates.length === 0 ? {} : { peerCertificates: certificates }),
    serverName: typeof servername === 'string' ? servername : '',
    ...(typeof protocol === 'string' ? { negotiatedProtocol: protocol } : {}),
    cipherSuite: cipher?.standardName ?? cipher?.name ?? '',
  };
}

/** What the client sent, its own certificate first, as PEM. */
function peerCertificates(socket: TLSSocket): readonly string[] {
  const found: string[] = [];
  const seen = new Set<string>();
  let each = socket.getPeerCertificate(true) as ReturnType<TLSSocket['getPeerCertificate']> | undefined;
  while (each?.raw !== undefined && !seen.has(each.fingerprint256)) {
    seen.add(each.fingerprint256);
    const lines = each.raw.toString('base64').match(/.{1,64}/g) ?? [];
    found.push(`-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`);
    each = (each as { readonly issuerCertificate?: typeof each }).issuerCertificate;
  }
  return found;
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    return fail(`${path} cannot be read: ${(error as Error).message}`);
  }
}
