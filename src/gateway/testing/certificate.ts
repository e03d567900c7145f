import { generateKeyPairSync, sign } from 'node:crypto';

/**
 * A certificate that signs itself, with its key, both PEM. For tests: a key never stands in the repository.
 * `alternativeNames`: `DNS:name` or `URI:uri` each.
 */
export function makeCertificate(
  commonName = 'shop.example.com',
  alternativeNames: readonly string[] = [],
): {
  readonly certificate: string;
  readonly key: string;
} {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = sequence(objectIdentifier('2a8648ce3d040302')); // ecdsa-with-SHA256
  const name = sequence(
    element(0x31, sequence(objectIdentifier('550403'), element(0x0c, Buffer.from(commonName)))),
  );
  const body = sequence(
    element(0xa0, element(0x02, Buffer.of(2))), // version 3
    element(0x02, Buffer.of(1)),
    algorithm,
    name,
    sequence(time('20200101000000Z'), time('20990101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(alternativeNames.length === 0 ? [] : [namesExtension(alternativeNames)]),
  );
  const signature = element(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, privateKey)]));
  const text =
    sequence(body, algorithm, signature)
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n') ?? '';
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** SubjectAltName (RFC 5280 section 4.2.1.6). */
function namesExtension(names: readonly string[]): Buffer {
  const each = names.map(name =>
    element(name.startsWith('DNS:') ? 0x82 : 0x86, Buffer.from(name.slice(name.indexOf(':') + 1))),
  );
  return element(0xa3, sequence(sequence(objectIdentifier('551d11'), element(0x04, sequence(...each)))));
}

const sequence = (...parts: readonly Buffer[]): Buffer => element(0x30, ...parts);
const objectIdentifier = (hexadecimal: string): Buffer => element(0x06, Buffer.from(hexadecimal, 'hex'));
const time = (text: string): Buffer => element(0x18, Buffer.from(text));

/** Tag, length, content (X.690, 8.1). */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
