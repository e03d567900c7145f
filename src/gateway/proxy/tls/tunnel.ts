import type { Socket } from 'node:net';
import type { Why } from '../access-log.ts';
import type { Client, ProxyContext } from '../context.ts';
import { dialOctets } from '../dial.ts';
import type { Backend, Endpoint } from '../endpoints.ts';
import { RequestRecord } from '../request-record.ts';
import { choose } from '../rule-plan.ts';
import { mostTries } from '../sent-again.ts';
import { proxyHeader, type Source } from '../proxy-protocol.ts';
import { lookUp } from '../../lookup/index.ts';

export interface TunnelOptions {
  readonly context: ProxyContext;
  /** What the client says is in clear here, or passes through as it is; paused. */
  readonly socket: Socket;
  readonly port: number;
  /** The name of the handshake, lower case; '' for none. */
  readonly serverName: string;
  /** What the log says of the connection. */
  readonly logged: string;
  readonly client: Source;
}

/** Leads a connection to its backend, or ends it. */
export function openTunnel(options: TunnelOptions): void {
  new Tunnel(options).start(options);
}

/**
 * A connection that goes to a backend as octets (TLSRoute): passed through as it came, or with TLS ended here. Each side
 * waits for the other, and each may end first.
 */
class Tunnel implements Client {
  readonly protocol = 'TLS';
  readonly logged: string;
  readonly #context: ProxyContext;
  readonly #socket: Socket;
  readonly #client: Source;
  readonly #record: RequestRecord;
  #backend: Backend | undefined;
  #upstream: Socket | undefined;
  #isConnected = false;
  #deadline: number;
  #isOver = false;

  constructor({ context, socket, logged, client }: TunnelOptions) {
    this.#client = client;
    this.#context = context;
    this.#socket = socket;
    this.logged = logged;
    this.#record = new RequestRecord(context.requestIds.of(undefined), '', this, client.address);
    this.#deadline = context.now + context.limits.connect;
    context.clients.add(this);
    socket.on('error', () => this.#end('client-closed'));
    socket.on('close', () => this.#end('client-closed'));
  }

  sweep(now: number): void {
    if (now < this.#deadline) return;
    if (this.#isConnected) this.#end('timeout');
    else this.#upstream?.destroy(new Error('timed out'));
  }

  /** What is under way is not ours to end; the worker waits for it as long as it may. */
  drain(): void {}

  start({ port, serverName }: TunnelOptions): void {
    const context = this.#context;
    const request = { port, host: serverName, method: '', path: '/', query: '', header: () => undefined };
    const lookup = lookUp(context.index, request);
    this.#record.routed = { authority: serverName, host: serverName, path: '', query: '', lookup };
    // The table may be another since the handshake, and the name one for requests.
    if (lookup.outcome !== 'rule' || lookup.listener.protocol !== 'TLS') {
      this.#end(lookup.outcome === 'no-listener' ? 'no-listener' : 'no-route');
      return;
    }
    const plan = context.plans.of(lookup.rule, lookup.listener);
    const choice = choose(plan, context.random);
    Object.assign(this.#record, { plan, choice });
    const key = choice?.reference.backend;
    this.#backend = key === undefined ? undefined : context.backends.get(key);
    if (this.#backend === undefined) this.#end('invalid-backend');
    else this.#connect(undefined);
  }

  #connect(not: Endpoint | undefined): void {
    const context = this.#context;
    const endpoint = this.#backend?.pick(context.now, not);
    if (endpoint === undefined) {
      this.#end('no-endpoints');
      return;
    }
    this.#record.tries++;
    this.#record.endpoint = endpoint;
    this.#deadline = context.now + context.limits.connect;
    const lookup = this.#record.routed?.lookup;
    const isPassed = lookup?.outcome === 'rule' && lookup.listener.isPassthrough;
    const { address, port } = endpoint;
    const { socket: upstream, ready } = dialOctets(
      context,
      isPassed === true ? { address, port, tls: undefined } : endpoint,
      [],
    );
    this.#upstream = upstream;
    upstream.on(ready, () => this.#connected(upstream, endpoint));
    upstream.on('error', () => upstream.destroy());
    upstream.on('close', () => this.#closed(upstream, endpoint));
  }

  #connected(upstream: Socket, endpoint: Endpoint): void {
    endpoint.answered();
    this.#isConnected = true;
    this.#record.answered(0);
    const moved = () => (this.#deadline = this.#context.now + this.#context.limits.tunnelIdle);
    moved();
    this.#socket.on('data', moved);
    upstream.on('data', moved);
    const version = this.#record.options?.sendsProxyProtocol;
    // Where the backend wants TLS the header would stand within it, where nobody looks for one.
    if (version !== undefined && !('encrypted' in upstream)) {
      const { localAddress: address = '', localPort: port = 0 } = this.#socket;
      const to = { address: address.replace(/^::ffff:(?=\d+\.)/, ''), port };
      upstream.write(proxyHeader(version, this.#client, to));
    }
    // Ends pass on as well; each side's is told of by its own close.
    this.#socket.pipe(upstream);
    upstream.pipe(this.#socket);
  }

  #closed(upstream: Socket, endpoint: Endpoint): void {
    if (this.#isOver || upstream !== this.#upstream) return;
    if (this.#isConnected) {
      const isWhole = upstream.readableEnded && this.#socket.readableEnded;
      if (isWhole) this.#finish('');
      else this.#end('upstream-closed');
      return;
    }
    endpoint.failed(this.#context.now);
    if (this.#record.tries < mostTries) this.#connect(endpoint);
    else this.#end('upstream-refused');
  }

  /** Both sides end now. */
  #end(why: Why): void {
    const isWhole = this.#isConnected && this.#socket.readableEnded && this.#socket.writableFinished;
    this.#finish(isWhole ? '' : why);
    this.#upstream?.destroy();
    this.#socket.destroy();
  }

  #finish(why: Why): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#context.clients.delete(this);
    this.#record.received = this.#upstream?.bytesWritten ?? 0;
    this.#record.sent = this.#upstream?.bytesRead ?? 0;
    this.#record.tell(this.#context, why, undefined);
  }
}
