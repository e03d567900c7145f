import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { bytesOf, parseAddress } from '../../../base/ip.ts';
import {
  bitString,
  constructed,
  elementsOf,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  primitive,
  sequence,
  set,
  time,
  utf8String,
  yes,
} from './der.ts';

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** `O`: the groups of a Kubernetes user. */
  readonly organizations?: readonly string[];
  /** DNS names and IP addresses for a server; none for a client. */
  readonly names?: readonly string[];
  readonly usage: 'server' | 'client';
  readonly now: number;
  /** Milliseconds; as long as the authority where absent, and never longer. */
  readonly lifetime?: number;
}

const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
/** Clocks of clients may be behind ours. */
const BACKDATE = HOUR;

const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuthentication: '1.3.6.1.5.5.7.3.1',
  clientAuthentication: '1.3.6.1.5.5.7.3.2',
} as const;

/** Bits of KeyUsage, the first one highest (RFC 5280, 4.2.1.3). */
const KEY_USAGE = { digitalSignature: 0x80, keyCertSign: 0x04, cRLSign: 0x02 } as const;

/** A self-signed authority on ECDSA P-256, valid for ten years. `now` in milliseconds since the epoch. */
export function makeAuthority(commonName: string, now: number): KeyPair {
  const { publicKey, privateKey } = newKeys();
  const name = distinguishedName(commonName, []);
  const certificate = signed(privateKey, {
    issuer: name,
    subject: name,
    notBefore: now - BACKDATE,
    notAfter: now + 10 * YEAR,
    publicKey,
    extensions: [
      critical(OID.basicConstraints, sequence(yes())),
      critical(
        OID.keyUsage,
        namedBits(KEY_USAGE.digitalSignature | KEY_USAGE.keyCertSign | KEY_USAGE.cRLSign),
      ),
      extension(OID.subjectKeyIdentifier, octetString(keyIdentifier(publicKey))),
    ],
  });
  return { certificate, key: exported(privateKey) };
}

/** A certificate with a new ECDSA P-256 key, signed by `authority`. */
export function signCertificate(authority: KeyPair, request: CertificateRequest): KeyPair {
  const issuer = new X509Certificate(authority.certificate);
  const { publicKey, privateKey } = newKeys();
  const { now, names = [], lifetime = Infinity } = request;
  const usage = request.usage === 'server' ? OID.serverAuthentication : OID.clientAuthentication;
  const certificate = signed(createPrivateKey(authority.key), {
    issuer: subjectOf(issuer),
    subject: distinguishedName(request.commonName, request.organizations ?? []),
    notBefore: now - BACKDATE,
    notAfter: Math.min(now + lifetime, Date.parse(issuer.validTo)),
    publicKey,
    extensions: [
      critical(OID.basicConstraints, sequence()),
      critical(OID.keyUsage, namedBits(KEY_USAGE.digitalSignature)),
      extension(OID.extendedKeyUsage, sequence(objectIdentifier(usage))),
      extension(OID.authorityKeyIdentifier, sequence(primitive(0, keyIdentifier(issuer.publicKey)))),
      ...(names.length === 0
        ? []
        : [extension(OID.subjectAlternativeName, sequence(...names.map(generalName)))]),
    ],
  });
  return { certificate, key: exported(privateKey) };
}

interface Contents {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** RFC 5280, 4.1, version 3. */
function signed(key: KeyObject, contents: Contents): string {
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256));
  const toBeSigned = sequence(
    constructed(0, integer(Buffer.of(2))),
    integer(serialNumber()),
    algorithm,
    contents.issuer,
    sequence(time(contents.notBefore), time(contents.notAfter)),
    contents.subject,
    contents.publicKey.export({ type: 'spki', format: 'der' }),
    constructed(3, sequence(...contents.extensions)),
  );
  const signature = sign('sha256', toBeSigned, { key, dsaEncoding: 'der' });
  const der = sequence(toBeSigned, algorithm, bitString(signature)).toString('base64');
  return `-----BEGIN CERTIFICATE-----\n${der.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
}

const extension = (identifier: string, value: Buffer): Buffer =>
  sequence(objectIdentifier(identifier), octetString(value));
const critical = (identifier: string, value: Buffer): Buffer =>
  sequence(objectIdentifier(identifier), yes(), octetString(value));

function distinguishedName(commonName: string, organizations: readonly string[]): Buffer {
  const attribute = (identifier: string, value: string) =>
    set(sequence(objectIdentifier(identifier), utf8String(value)));
  return sequence(
    ...organizations.map(group => attribute(OID.organization, group)),
    attribute(OID.commonName, commonName),
  );
}

/** The subject as it stands: an issuer's name is compared byte by byte. */
function subjectOf(certificate: X509Certificate): Buffer {
  const [whole] = elementsOf(certificate.raw);
  const [toBeSigned] = elementsOf(whole?.content ?? Buffer.alloc(0));
  // version, serial number, algorithm, issuer, validity, subject
  const subject = elementsOf(toBeSigned?.content ?? Buffer.alloc(0))[5];
  if (subject === undefined) throw new RangeError('a certificate of version 3 has a subject');
  return subject.encoded;
}

/** RFC 5280, 4.2.1.6: [2] a name, [7] an address. */
function generalName(name: string): Buffer {
  const address = parseAddress(name);
  return address === undefined
    ? primitive(2, Buffer.from(name, 'ascii'))
    : primitive(7, Buffer.from(bytesOf(address)));
}

/** SHA-1 over the bits of the key (RFC 5280, 4.2.1.2, method 1): it names a key, it protects nothing. */
function keyIdentifier(key: KeyObject): Buffer {
  const [information] = elementsOf(key.export({ type: 'spki', format: 'der' }));
  const bits = elementsOf(information?.content ?? Buffer.alloc(0))[1];
  return createHash('sha1')
    .update(bits?.content.subarray(1) ?? Buffer.alloc(0))
    .digest();
}

/** Positive and non-zero in 16 bytes (RFC 5280, 4.1.2.2). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

const exported = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
