import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { sentenceOf } from '../base/errors.ts';
import { connectIn } from '../kernel/ns/index.ts';

export interface SentRequest {
  /** The network namespace from which is sent. */
  readonly namespacePath: string;
  readonly address: string;
  readonly port: number;
  readonly timeoutMilliseconds: number;
  /** Absent: a connection alone. */
  readonly http?: {
    readonly scheme: 'http' | 'https';
    /** As the URL has it: of the Host header and, where it is a name, of the TLS handshake. */
    readonly host: string;
    readonly method: string;
    readonly path: string;
    readonly headers: readonly { readonly name: string; readonly value: string }[];
    /** PEM: the authorities that the server's certificate is checked against, besides those of Node. */
    readonly authorities: readonly string[];
  };
  /** While the connection is open: what is seen then goes into `during`. */
  readonly whileOpen?: (local: { readonly address: string; readonly port: number }) => Promise<void>;
}

export interface Exchange {
  readonly outcome:
    | 'connected'
    /** A reset or an ICMP error in answer to the first packet. */
    | 'refused'
    /** Nothing came back. */
    | 'timed-out'
    /** ICMP said that there is no way, or that it is forbidden. */
    | 'unreachable';
  /** Until the connection stood, or was given up. */
  readonly milliseconds: number;
  readonly local?: { readonly address: string; readonly port: number };
  /** What went wrong behind the connection: in TLS, or in HTTP. */
  readonly failure?: string;
  readonly tls?: { readonly protocol: string; readonly subject: string };
  readonly response?: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly milliseconds: number;
  };
}

/** One connection and, with `http`, one request on it. It never throws for what the network or the server does. */
export async function sendRequest(sent: SentRequest): Promise<Exchange> {
  const { address: host, namespacePath, port, timeoutMilliseconds } = sent;
  const started = performance.now();
  const elapsed = () => performance.now() - started;
  let socket: Socket;
  try {
    socket = await connectIn(namespacePath, { host, port, timeoutMilliseconds });
  } catch (error) {
    return { outcome: outcomeOf(error), milliseconds: elapsed() };
  }
  socket.on('error', () => undefined); // told by whoever uses it
  const local = { address: socket.localAddress ?? '', port: socket.localPort ?? 0 };
  const base = { outcome: 'connected', milliseconds: elapsed(), local } as const;
  try {
    const said = sent.http === undefined ? {} : await speak(socket, sent, sent.http);
    await sent.whileOpen?.(local);
    return { ...base, ...said };
  } finally {
    socket.destroy();
  }
}

type Http = NonNullable<SentRequest['http']>;

async function speak(
  socket: Socket,
  { timeoutMilliseconds }: SentRequest,
  http: Http,
): Promise<Pick<Exchange, 'failure' | 'response' | 'tls'>> {
  const started = performance.now();
  let stream = socket;
  let tls: Exchange['tls'];
  try {
    if (http.scheme === 'https') {
      const secured = await secure(socket, http, timeoutMilliseconds);
      stream = secured.stream;
      tls = secured.tls;
    }
    const answer = await exchange(stream, http, timeoutMilliseconds);
    const headers = Object.fromEntries(
      Object.entries(answer.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
    );
    const milliseconds = performance.now() - started;
    answer.destroy();
    return {
      ...(tls === undefined ? {} : { tls }),
      response: { status: answer.statusCode ?? 0, headers, milliseconds },
    };
  } catch (error) {
    return { ...(tls === undefined ? {} : { tls }), failure: failureOf(error) };
  }
}

function secure(
  socket: Socket,
  { authorities, host }: Http,
  milliseconds: number,
): Promise<{ readonly stream: Socket; readonly tls: NonNullable<Exchange['tls']> }> {
  const isName = !/^[\d.]+$|:/.test(host);
  return new Promise((resolve, reject) => {
    const stream = tlsConnect({
      socket,
      ALPNProtocols: ['http/1.1'],
      ...(isName ? { servername: host } : { host }),
      ...(authorities.length === 0 ? {} : { ca: [...authorities] }),
    });
    const timer = setTimeout(() => {
      stream.destroy();
      reject(new Error(`no TLS handshake within ${milliseconds} ms`));
    }, milliseconds);
    stream.once('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    stream.once('secureConnect', () => {
      clearTimeout(timer);
      const { subject } = stream.getPeerCertificate();
      const name = [subject.CN].flat()[0] ?? '';
      resolve({ stream, tls: { protocol: stream.getProtocol() ?? '', subject: name } });
    });
  });
}

/** Resolves with the status line and headers; the body is not waited for. */
function exchange(stream: Socket, http: Http, milliseconds: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const message = httpRequest({
      createConnection: () => stream,
      method: http.method,
      path: http.path,
      setHost: false,
      headers: [...http.headers, { name: 'Connection', value: 'close' }].flatMap(({ name, value }) => [
        name,
        value,
      ]),
    });
    const timer = setTimeout(
      () => message.destroy(new Error(`no answer within ${milliseconds} ms`)),
      milliseconds,
    );
    message.once('error', error => {
      clearTimeout(timer);
      reject(error);
    });
    message.once('response', answer => {
      clearTimeout(timer);
      answer.on('error', () => undefined); // its body is not read
      resolve(answer);
    });
    message.end();
  });
}

/** OpenSSL's errors tell where in its code they arose, which is nobody's matter: `… :SSL routines:…:tls alert …:…`. */
function failureOf(error: unknown): string {
  const text = sentenceOf(error).trim();
  return /:SSL routines:[^:]*:([^:]+)/.exec(text)?.[1] ?? text;
}

const outcomes: Readonly<Record<string, Exchange['outcome']>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EACCES: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
};

function outcomeOf(error: unknown): Exchange['outcome'] {
  const { cause } = error as { readonly cause?: { readonly code?: string } };
  return outcomes[cause?.code ?? ''] ?? 'timed-out';
}
