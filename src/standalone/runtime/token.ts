import type { Clock } from '../../base/clock.ts';
import { ApiError, type KubeClient } from '../../kube/client.ts';
import { SERVICE_ACCOUNTS } from '../../kube/resources.ts';
import type { Pod } from '../../kube/types/core.ts';
import type { TokenRequest } from './volumes/payload.ts';

interface Token {
  readonly text: string;
  readonly refreshAt: number;
}

const DEFAULT_SECONDS = 3600;

/** Tokens of service accounts for pods (TokenRequest), kept until 80 % of their life is over. */
export class Tokens {
  readonly #client: KubeClient;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, Token>();

  constructor(client: KubeClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Undefined where the API gives no tokens. */
  async of(pod: Pod, request: TokenRequest): Promise<string | undefined> {
    const { uid = '', name, namespace = '' } = pod.metadata;
    const key = JSON.stringify([uid, request.audience, request.expirationSeconds]);
    const known = this.#tokens.get(key);
    const now = this.#clock.now();
    if (known !== undefined && known.refreshAt > now) return known.text;
    const seconds = request.expirationSeconds ?? DEFAULT_SECONDS;
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: request.audience === undefined ? [] : [request.audience],
        expirationSeconds: seconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const account = { namespace, name: pod.spec.serviceAccountName ?? 'default' };
    try {
      const answer = await this.#client.createSubresource(SERVICE_ACCOUNTS, account, 'token', body);
      const text = (answer as { status?: { token?: string } }).status?.token;
      if (text === undefined) return undefined;
      // Also those of pods that are gone: so many are kept as were asked for within a token's life.
      for (const [other, token] of this.#tokens) if (token.refreshAt <= now) this.#tokens.delete(other);
      this.#tokens.set(key, { text, refreshAt: now + seconds * 800 });
      return text;
    } catch (error) {
      if (error instanceof ApiError && [404, 405, 501].includes(error.status)) return undefined;
      throw error;
    }
  }
}
