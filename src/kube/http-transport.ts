import type { Agent, ClientRequest } from 'node:http';
import { isIP } from 'node:net';
import type { Readable } from 'node:stream';
import tls from 'node:tls';
import { http, https } from './node-http.ts';
import { FairleadError } from '../base/errors.ts';
import { closed, ConnectionSlots } from './connection-slots.ts';
import type { Credentials, Proof } from './credentials.ts';
import type { ClusterAccess } from './kubeconfig.ts';
import type {
  Transport,
  TransportRequest,
  TransportResponse,
  UpgradedConnection,
  UpgradeRequest,
} from './transport.ts';

export interface HttpTransportOptions {
  readonly cluster: ClusterAccess;
  readonly credentials: Credentials;
  /** Speak to this unix socket instead of the server's host and port. */
  readonly socketPath?: string;
  /** How long the head of an answer may take. Default 30,000. */
  readonly answerMilliseconds?: number;
}

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'PUT', 'DELETE']);

/** Requests at the same time, watches and followed logs not counted: a burst does not become a TLS handshake each. */
const CONNECTIONS = 16;

/** Idle connections are closed before the server does it, so that no request meets a closing one. */
const IDLE_MILLISECONDS = 50_000;

/** HTTP/1.1 over a pool of kept connections; all clients and informers of a process should share one. */
export function createHttpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options);
}

class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #server: URL;
  #pool: { readonly proof: Proof; readonly agent: Agent } | undefined;
  readonly #slots = new ConnectionSlots(CONNECTIONS);
  readonly #underWay = new Set<ClientRequest>();
  #closed = false;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#server = new URL(options.cluster.server);
  }

  async send(request: TransportRequest): Promise<TransportResponse> {
    const proof = await this.#options.credentials.current();
    const answer = await this.#sendWith(proof, request);
    if (answer.status !== 401 || !this.#options.credentials.invalidate(proof)) return await decoded(answer);
    answer.body.destroy();
    return await decoded(await this.#sendWith(await this.#options.credentials.current(), request));
  }

  async upgrade(request: UpgradeRequest): Promise<UpgradedConnection | TransportResponse> {
    const proof = await this.#options.credentials.current();
    return await new Promise((resolve, reject) => {
      const outgoing = this.#request(request, proof, { Connection: 'Upgrade' });
      const timer = this.#answerTimer(outgoing);
      outgoing.on('upgrade', (answer, socket, head) => {
        clearTimeout(timer);
        resolve({ socket, head, headers: answer.headers });
      });
      outgoing.on('response', answer => {
        clearTimeout(timer);
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
      });
      outgoing.on('error', error => {
        clearTimeout(timer);
        reject(this.#explain(error, request.signal));
      });
      outgoing.on('close', () => clearTimeout(timer));
      outgoing.end();
    });
  }

  close(): void {
    this.#closed = true;
    this.#slots.close();
    for (const outgoing of this.#underWay) outgoing.destroy(closed());
    this.#pool?.agent.destroy();
    this.#pool = undefined;
  }

  async #sendWith(proof: Proof, request: TransportRequest): Promise<TransportResponse> {
    const slot = request.longRunning === true ? () => undefined : await this.#slots.take(request.signal);
    for (;;) {
      const attempt = await this.#sendOnce(request, proof).catch((error: unknown) => {
        slot();
        throw error;
      });
      if (attempt === 'connection was stale') continue;
      attempt.body.once('close', slot);
      return attempt;
    }
  }

  #sendOnce(request: TransportRequest, proof: Proof): Promise<TransportResponse | 'connection was stale'> {
    return new Promise((resolve, reject) => {
      const outgoing = this.#request(request, proof, {});
      const timer = this.#answerTimer(outgoing);
      outgoing.on('response', answer => {
        clearTimeout(timer);
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
      });
      outgoing.on('error', error => {
        clearTimeout(timer);
        // A kept connection that the server closed while we wrote: what is idempotent is asked again (RFC 9110, 9.2.2).
        const again = IDEMPOTENT.has(request.method) && outgoing.reusedSocket && isReset(error);
        if (again && request.signal?.aborted !== true) {
          resolve('connection was stale');
        } else {
          reject(this.#explain(error, request.signal));
        }
      });
      outgoing.on('close', () => {
        clearTimeout(timer);
        // Such as a change of protocols that nobody asked for: there is neither an answer nor an error.
        reject(this.#explain(new Error('the server closed the connection'), request.signal));
      });
      outgoing.end(request.body);
    });
  }

  #request(request: UpgradeRequest, proof: Proof, extra: Readonly<Record<string, string>>): ClientRequest {
    if (this.#closed) throw closed();
    const { socketPath } = this.#options;
    const secure = this.#server.protocol === 'https:';
    const upgrade = extra['Connection'] === 'Upgrade';
    const outgoing = (secure ? https : http).request({
      agent: this.#agent(proof),
      ...(socketPath === undefined
        ? { host: unbracketed(this.#server.hostname), port: this.#server.port || (secure ? 443 : 80) }
        : { socketPath }),
      method: request.method,
      path: `${this.#server.pathname.replace(/\/$/, '')}${request.path}`,
      headers: {
        Host: this.#server.host,
        ...request.headers,
        ...proof.headers,
        ...extra,
        ...(upgrade || this.#options.cluster.disableCompression ? {} : acceptCompression(request)),
      },
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    this.#underWay.add(outgoing);
    outgoing.once('close', () => this.#underWay.delete(outgoing));
    return outgoing;
  }

  /** The pool for a proof: a new certificate needs new connections, the old ones end with their requests. */
  #agent(proof: Proof): Agent {
    if (this.#pool !== undefined && this.#pool.proof.certificate === proof.certificate)
      return this.#pool.agent;
    this.#closeIdle();
    const agent = this.#createAgent(proof);
    this.#pool = { proof, agent };
    return agent;
  }

  #closeIdle(): void {
    for (const sockets of Object.values(this.#pool?.agent.freeSockets ?? {}))
      for (const one of sockets ?? []) one.destroy();
  }

  #createAgent(proof: Proof): Agent {
    const { cluster } = this.#options;
    const pool = {
      keepAlive: true,
      keepAliveMsecs: 15_000,
      keepAliveInitialDelay: 15_000,
      timeout: IDLE_MILLISECONDS,
      scheduling: 'lifo' as const,
      maxFreeSockets: CONNECTIONS,
      ...(cluster.proxyUrl === undefined
        ? {}
        : { proxyEnv: { HTTPS_PROXY: cluster.proxyUrl, HTTP_PROXY: cluster.proxyUrl } }),
    };
    if (this.#server.protocol === 'http:') return new http.Agent(pool);
    const host = unbracketed(this.#server.hostname);
    const servername = cluster.tlsServerName ?? (isIP(host) === 0 ? host : '');
    return new https.Agent({
      ...pool,
      servername,
      // An empty servername sends no SNI, but the certificate is still checked against the host that we dial.
      ...(cluster.tlsServerName === undefined
        ? {}
        : { checkServerIdentity: (_host, peer) => tls.checkServerIdentity(servername, peer) }),
      rejectUnauthorized: !cluster.insecureSkipTlsVerify,
      secureContext: secureContextOf(cluster, proof),
    });
  }

  #answerTimer(outgoing: ClientRequest): NodeJS.Timeout {
    const milliseconds = this.#options.answerMilliseconds ?? 30_000;
    return setTimeout(() => {
      // A kept connection that leads nowhere any more: those beside it are no better, and would cost as long each.
      if (outgoing.reusedSocket) this.#closeIdle();
      outgoing.destroy(
        new FairleadError(
          'kube/timeout',
          `The API server at ${this.#server.href} did not answer within ${milliseconds / 1000} s.`,
        ),
      );
    }, milliseconds);
  }

  #explain(error: Error, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted === true) return signal.reason;
    if (error instanceof FairleadError) return error;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (
      code.startsWith('ERR_TLS') ||
      code.includes('CERT') ||
      code.includes('SIGNATURE') ||
      code.startsWith('ERR_SSL')
    ) {
      return new FairleadError(
        'kube/untrusted',
        `No trusted connection to the API server at ${this.#server.href}.`,
        {
          hint: 'Check certificate-authority, tls-server-name and the client certificate in the kubeconfig.',
          cause: error,
        },
      );
    }
    return new FairleadError(
      'kube/unreachable',
      `The API server at ${this.#server.href} cannot be reached.`,
      {
        hint: 'Check that the cluster is up and that the server address in the kubeconfig is right.',
        cause: error,
      },
    );
  }
}

function secureContextOf(cluster: ClusterAccess, proof: Proof): tls.SecureContext {
  try {
    return tls.createSecureContext({
      ...(cluster.certificateAuthority === undefined ? {} : { ca: cluster.certificateAuthority }),
      ...(proof.certificate === undefined
        ? {}
        : { cert: proof.certificate.certificate, key: proof.certificate.key }),
    });
  } catch (error) {
    throw new FairleadError('kube/bad-certificate', 'The certificates for the API server cannot be used.', {
      hint: 'Check certificate-authority, client-certificate and client-key in the kubeconfig.',
      cause: error,
    });
  }
}

/** Lists compress well; watches are not compressed, since each event has to arrive by itself. */
function acceptCompression(request: UpgradeRequest): Readonly<Record<string, string>> {
  return request.method === 'GET' && !request.path.includes('watch=true')
    ? { 'Accept-Encoding': 'gzip' }
    : {};
}

async function decoded(answer: TransportResponse): Promise<TransportResponse> {
  if (answer.headers['content-encoding'] !== 'gzip') return answer;
  const { createGunzip } = await import('node:zlib');
  const { pipeline } = await import('node:stream');
  const plain: Readable = pipeline(answer.body, createGunzip(), () => undefined); // errors arrive at the reader of `plain`
  return { ...answer, body: plain };
}

const isReset = (error: Error): boolean =>
  ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '');

const unbracketed = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
