import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { Random } from './service.ts';
import { endpointOf } from './service.ts';
import type { Fields } from '../../object.ts';
import { isFields } from '../../object.ts';
import type { Store } from '../../store/store.ts';

/** Opens a connection to a pod's address from the node that it runs on, where the cluster's network begins. */
export type DialPod = (
  node: string,
  address: { readonly host: string; readonly port: number; readonly timeoutMilliseconds: number },
) => Promise<Socket>;

/** How webhooks are reached. */
export interface WebhookClientParts {
  readonly store: Store;
  readonly random: Random;
  /** Undefined where there is no cluster network: webhooks behind Services cannot be called then. */
  readonly dialPod: DialPod | undefined;
}

/** Bytes of an answer: an object of the largest size as a patch in base64, and some. */
const LARGEST_ANSWER = 8 * 1024 * 1024;

/** Calls webhooks over HTTPS (WebhookClientConfig): one connection a call, bounded in time and bytes. */
export class WebhookClient {
  readonly #parts: WebhookClientParts;

  constructor(parts: WebhookClientParts) {
    this.#parts = parts;
  }

  /** The JSON object that is answered; rejects with an Error whose message ends the sentence "failed to call webhook". */
  async post(config: Fields, review: object, seconds: number): Promise<Fields> {
    const where = this.#locate(config, seconds);
    const signal = AbortSignal.timeout(seconds * 1000);
    try {
      const socket = await where.open(signal);
      return await exchange(socket, where, JSON.stringify(review), signal);
    } catch (error) {
      const why = signal.aborted ? 'context deadline exceeded' : (error as Error).message;
      throw new Error(`Post ${JSON.stringify(where.url)}: ${why}`, { cause: error });
    }
  }

  #locate(config: Fields, seconds: number): Location {
    const bundle = typeof config['caBundle'] === 'string' ? config['caBundle'] : '';
    const authority = bundle === '' ? undefined : Buffer.from(bundle, 'base64').toString();
    const { service, url } = config;
    if (isFields(service)) return this.#atService(service, authority, seconds);
    const parsed = new URL(String(url));
    const host = parsed.hostname.replace(/^\[|\]$/g, '');
    parsed.searchParams.set('timeout', `${seconds}s`);
    return {
      url: parsed.href,
      host: parsed.host,
      path: parsed.pathname + parsed.search,
      open: signal => {
        const port = parsed.port === '' ? 443 : Number(parsed.port);
        const trust = authority === undefined ? {} : { ca: authority };
        return secured(connect({ host, port, servername: nameFor(host), ...trust }), signal);
      },
    };
  }

  #atService(service: Fields, authority: string | undefined, seconds: number): Location {
    const { namespace, name, path, port = 443 } = service;
    const host = `${String(name)}.${String(namespace)}.svc`;
    const where = `${typeof path === 'string' ? path.replace(/^(?!\/)/, '/') : '/'}?timeout=${seconds}s`;
    return {
      url: `https://${host}:${Number(port)}${where}`,
      host,
      path: where,
      open: async signal => {
        const { store, random, dialPod } = this.#parts;
        const endpoint = endpointOf(
          store,
          { namespace: String(namespace), name: String(name), port: Number(port) },
          random,
        );
        if (dialPod === undefined) throw new Error('this server is in no cluster network');
        const timeoutMilliseconds = seconds * 1000;
        const socket = await dialPod(endpoint.node, { ...endpoint.address, timeoutMilliseconds });
        const trust = authority === undefined ? {} : { ca: authority };
        return secured(connect({ socket, servername: host, ...trust }), signal);
      },
    };
  }
}

interface Location {
  readonly url: string;
  readonly host: string;
  readonly path: string;
  readonly open: (signal: AbortSignal) => Promise<TLSSocket>;
}

/** An address is no server name (RFC 6066, section 3); the certificate is compared with it all the same. */
const nameFor = (host: string): string => (/^[\d.]+$|:/.test(host) ? '' : host);

function secured(socket: TLSSocket, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const stop = () => socket.destroy(new Error('aborted'));
    // The time may have passed while the connection was opened: nobody would tell that again.
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', error => {
      signal.removeEventListener('abort', stop);
      reject(error);
    });
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', stop);
      resolve(socket);
    });
  });
}

function exchange(
  socket: TLSSocket,
  { host, path }: Location,
  body: string,
  signal: AbortSignal,
): Promise<Fields> {
  return new Promise((resolve, reject) => {
    const headers = {
      host,
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'kube-apiserver-admission',
    };
    const options = { method: 'POST', path, headers, signal, createConnection: () => socket };
    const request = httpRequest(options, response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST_ANSWER) request.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        socket.destroy();
        const { statusCode = 0 } = response;
        if (statusCode < 200 || statusCode > 299) {
          reject(new Error(`the webhook answered with HTTP status ${statusCode}`));
        } else resolve(parsed(Buffer.concat(chunks).toString()));
      });
    });
    request.on('error', error => {
      socket.destroy();
      reject(error);
    });
    request.end(body);
  });
}

/** What is no JSON object reads as one without fields: it lacks what every answer needs. */
function parsed(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : {};
  } catch {
    return {};
  }
}
