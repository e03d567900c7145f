import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
} from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Clock } from '../../../base/clock.ts';
import { isFields, valueAt } from '../object.ts';
import type { User } from '../request.ts';
import type { Store } from '../store/store.ts';

export const ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** What a token is bound to: it is worth nothing once that is gone. */
export interface BoundObject {
  readonly kind: 'Pod' | 'Secret' | 'Node';
  readonly name: string;
  readonly uid: string;
}

export interface TokenClaims {
  readonly namespace: string;
  readonly account: { readonly name: string; readonly uid: string };
  readonly audiences: readonly string[];
  readonly seconds: number;
  readonly bound?: BoundObject;
  /** Of a pod that runs: also said in the token. */
  readonly node?: { readonly name: string; readonly uid: string };
}

/**
 * Tokens of service accounts: JSON web tokens (RFC 7519) signed by ES256, with the claims of Kubernetes (KEP-1205). The
 * key is made when there is none; whoever has the file may be any service account.
 */
export class ServiceAccountTokens {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #private: KeyObject;
  readonly #public: KeyObject;
  readonly #keyId: string;

  constructor(store: Store, clock: Clock, keyFile: string, newId: () => string) {
    this.#store = store;
    this.#clock = clock;
    this.#newId = newId;
    this.#private = keyAt(keyFile);
    this.#public = createPublicKey(this.#private);
    this.#keyId = createHash('sha256')
      .update(this.#public.export({ type: 'spki', format: 'der' }))
      .digest('base64url');
  }

  /** The token and the second of the epoch at which it ends. */
  issue(claims: TokenClaims): { readonly token: string; readonly expires: number } {
    const now = Math.floor(this.#clock.now() / 1000);
    const expires = now + claims.seconds;
    const { namespace, account, audiences, bound, node } = claims;
    const payload = {
      aud: audiences.length === 0 ? [ISSUER] : audiences,
      exp: expires,
      iat: now,
      iss: ISSUER,
      jti: this.#newId(),
      'kubernetes.io': {
        namespace,
        ...(node === undefined ? {} : { node }),
        ...(bound === undefined ? {} : { [bound.kind.toLowerCase()]: { name: bound.name, uid: bound.uid } }),
        serviceaccount: { name: account.name, uid: account.uid },
      },
      nbf: now,
      sub: `system:serviceaccount:${namespace}:${account.name}`,
    };
    const head = encoded({ alg: 'ES256', kid: this.#keyId });
    const signed = `${head}.${encoded(payload)}`;
    const signature = sign('sha256', Buffer.from(signed), { key: this.#private, dsaEncoding: 'ieee-p1363' });
    return { token: `${signed}.${signature.toString('base64url')}`, expires };
  }

  /** Whose token it is; undefined for one that is not ours, is over, or is of an account, pod or audience that is not there. */
  userOf(token: string, audiences: readonly string[] = [ISSUER]): User | undefined {
    const payload = this.#payload(token);
    if (payload === undefined) return undefined;
    const now = this.#clock.now() / 1000;
    const [from, until] = [Number(payload['nbf']), Number(payload['exp'])];
    if (payload['iss'] !== ISSUER || !(from <= now + LEEWAY && now < until)) return undefined;
    const given = payload['aud'];
    if (!Array.isArray(given) || !given.some(audience => audiences.includes(String(audience))))
      return undefined;
    const own = payload['kubernetes.io'];
    return isFields(own) ? this.#user(own, String(payload['jti'])) : undefined;
  }

  /** The public key, for `/openid/v1/jwks` (RFC 7517). */
  keySet(): { readonly keys: readonly JsonWebKey[] } {
    return {
      keys: [{ ...this.#public.export({ format: 'jwk' }), use: 'sig', kid: this.#keyId, alg: 'ES256' }],
    };
  }

  #payload(token: string): Readonly<Record<string, unknown>> | undefined {
    const [head = '', body = '', signature = '', ...more] = token.split('.');
    if (more.length > 0 || signature === '') return undefined;
    const header = decoded(head);
    if (!isFields(header) || header['alg'] !== 'ES256') return undefined;
    const isOurs = verify(
      'sha256',
      Buffer.from(`${head}.${body}`),
      { key: this.#public, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    const payload = isOurs ? decoded(body) : undefined;
    return isFields(payload) ? payload : undefined;
  }

  #user(claims: Readonly<Record<string, unknown>>, id: string): User | undefined {
    const namespace = String(claims['namespace']);
    const name = String(valueAt(claims, ['serviceaccount', 'name']));
    const uid = String(valueAt(claims, ['serviceaccount', 'uid']));
    if (this.#uidOf('/serviceaccounts', `${namespace}/${name}`) !== uid) return undefined;
    const extra: Record<string, readonly string[]> = {
      'authentication.kubernetes.io/credential-id': [`JTI=${id}`],
    };
    for (const [kind, storage, key] of BOUND) {
      const bound = claims[kind];
      if (!isFields(bound)) continue;
      const [boundName, boundUid] = [String(bound['name']), String(bound['uid'])];
      // Of a pod's token the node is only told; another one is bound to it.
      const isOnlyTold = kind === 'node' && isFields(claims['pod']);
      if (!isOnlyTold && this.#uidOf(storage, key(namespace, boundName)) !== boundUid) return undefined;
      if (kind === 'secret') continue;
      extra[`authentication.kubernetes.io/${kind}-name`] = [boundName];
      extra[`authentication.kubernetes.io/${kind}-uid`] = [boundUid];
    }
    return {
      name: `system:serviceaccount:${namespace}:${name}`,
      uid,
      groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
      extra,
    };
  }

  #uidOf(storage: string, key: string): string | undefined {
    return this.#store.get(storage, key)?.object.metadata.uid;
  }
}

const LEEWAY = 60;

const inNamespace = (namespace: string, name: string): string => `${namespace}/${name}`;
const BOUND: readonly (readonly [
  'pod' | 'secret' | 'node',
  string,
  (namespace: string, name: string) => string,
])[] = [
  ['pod', '/pods', inNamespace],
  ['secret', '/secrets', inNamespace],
  ['node', '/nodes', (_namespace, name) => name],
];

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decoded(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown;
  } catch {
    return undefined; // no token of ours
  }
}

function keyAt(file: string): KeyObject {
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    // Whole or not at all: half a key would end every later start.
    writeFileSync(`${file}.new`, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  return createPrivateKey(readFileSync(file, 'utf8'));
}
