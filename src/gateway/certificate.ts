import { X509Certificate, createHash, createPrivateKey } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Secret } from '../kube/types/config.ts';
import type { CertificateReading } from './model.ts';

const TLS_SECRET = 'kubernetes.io/tls';
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads Secrets of type kubernetes.io/tls, and says what is wrong with those that TLS cannot be served with. An object
 * that was read is not read again.
 */
export function createCertificateReader(): (secret: Secret) => CertificateReading {
  const known = new WeakMap<Secret, CertificateReading>();
  return secret => {
    let reading = known.get(secret);
    if (reading === undefined) known.set(secret, (reading = readSecret(secret)));
    return reading;
  };
}

function readSecret({ type, data = {} }: Secret): CertificateReading {
  if (type !== TLS_SECRET) return { problem: `its type is ${type ?? 'Opaque'}, not ${TLS_SECRET}` };
  const chain = textOf(data['tls.crt']);
  const key = textOf(data['tls.key']);
  if (chain === '') return { problem: 'tls.crt is empty' };
  if (key === '') return { problem: 'tls.key is empty' };
  const blocks = chain.match(PEM) ?? [];
  if (blocks.length === 0) return { problem: 'tls.crt is no PEM certificate' };
  try {
    const [leaf] = blocks.map(block => new X509Certificate(block));
    const isPair = leaf?.checkPrivateKey(createPrivateKey(key)) === true;
    if (!isPair) return { problem: 'tls.key is not the key of the first certificate in tls.crt' };
    // What OpenSSL refuses to serve, as a key that is too short, must not reach a proxy.
    createSecureContext({ cert: chain, key });
  } catch (error) {
    return { problem: `tls.crt and tls.key cannot be used: ${sentenceWithoutKey(error)}` };
  }
  const id = createHash('sha256').update(chain).update('\0').update(key).digest('hex').slice(0, 32);
  return { certificate: { id, chain, key } };
}

const textOf = (data: string | undefined): string =>
  data === undefined ? '' : Buffer.from(data, 'base64').toString('utf8').trim();

/** OpenSSL's reason; nothing that could carry a part of the key. */
function sentenceWithoutKey(error: unknown): string {
  const { reason, code } = error as { readonly reason?: unknown; readonly code?: unknown };
  if (typeof reason === 'string') return reason;
  return typeof code === 'string' ? code : 'they are not what they should be';
}
