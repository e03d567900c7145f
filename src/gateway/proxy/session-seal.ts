import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** Where the requests of a session go. */
export interface Session {
  /** A key of the table's backends. */
  readonly backend: string;
  /** `Endpoint.name` */
  readonly endpoint: string;
  /** Seconds since 1970. */
  readonly begunAt: number;
}

const algorithm = 'aes-256-gcm';
const nonceOctets = 12;
const tagOctets = 16;
const longest = 1024;

/**
 * Sessions as clients carry them: sealed, so that nobody learns the addresses of pods from them, or chooses one. All proxies
 * of a Gateway have the same key.
 */
export class SessionSeal {
  readonly #key: Buffer;

  /** 32 octets. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** `name` is that of the cookie or header: under another one what is sealed says nothing. */
  seal(name: string, { backend, endpoint, begunAt }: Session): string {
    const nonce = randomBytes(nonceOctets);
    const cipher = createCipheriv(algorithm, this.#key, nonce).setAAD(Buffer.from(name));
    const sealed = [cipher.update(JSON.stringify([backend, endpoint, begunAt])), cipher.final()];
    return Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]).toString('base64url');
  }

  /** Undefined for what was not sealed with this key. */
  open(name: string, text: string): Session | undefined {
    if (text.length > longest) return undefined;
    const octets = Buffer.from(text, 'base64url');
    if (octets.length < nonceOctets + tagOctets) return undefined;
    const end = octets.length - tagOctets;
    try {
      const decipher = createDecipheriv(algorithm, this.#key, octets.subarray(0, nonceOctets), {
        authTagLength: tagOctets,
      })
        .setAAD(Buffer.from(name))
        .setAuthTag(octets.subarray(end));
      const opened = Buffer.concat([decipher.update(octets.subarray(nonceOctets, end)), decipher.final()]);
      // What opens was sealed by us.
      const [backend, endpoint, begunAt] = JSON.parse(opened.toString()) as [string, string, number];
      return { backend, endpoint, begunAt };
    } catch {
      // Anybody may send anything: it is as good as nothing.
      return undefined;
    }
  }
}
