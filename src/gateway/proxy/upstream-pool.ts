import type { ProxyContext } from './context.ts';
import type { Endpoint } from './endpoints.ts';
import type { ExchangeUpstream, UpstreamListener } from './sides.ts';
import { UpstreamConnection } from './upstream-connection.ts';
import { UpstreamSession } from './upstream-session.ts';

export interface Wanted {
  readonly context: ProxyContext;
  readonly listener: UpstreamListener;
  readonly isHttp2: boolean;
  /** The earliest moment of an idle connection's last use that is good enough. */
  readonly since: number;
  /** Only a connection that nobody has used. */
  readonly mustBeNew: boolean;
}

/** Connections to endpoints: kept while idle, the last one that was used first, and bounded. */
export class UpstreamPool {
  /** Requests under way to mirrors. */
  copies = 0;
  #open = 0;
  #idle = 0;

  get open(): number {
    return this.#open;
  }

  get idle(): number {
    return this.#idle;
  }

  /** One for an exchange, connected or connecting; undefined where there are too many. */
  take(endpoint: Endpoint, wanted: Wanted): ExchangeUpstream | undefined {
    const { context, listener, isHttp2, since, mustBeNew } = wanted;
    if (isHttp2) return this.#takeSession(endpoint, context, mustBeNew)?.carry(listener);
    const upstream =
      (mustBeNew ? undefined : this.#takeIdle(endpoint, since)) ?? this.#connect(endpoint, context);
    upstream?.carry(listener);
    return upstream;
  }

  #takeSession(endpoint: Endpoint, context: ProxyContext, mustBeNew: boolean): UpstreamSession | undefined {
    const found = endpoint.sessions.find(session => session.hasRoom && !(mustBeNew && session.isUsed));
    if (found !== undefined) return found;
    if (!this.#hasRoom(context)) return undefined;
    this.#open++;
    const session = new UpstreamSession(endpoint, context);
    endpoint.sessions.push(session);
    return session;
  }

  #hasRoom(context: ProxyContext): boolean {
    return this.#open < context.limits.upstreams || this.#closeOneIdle(context);
  }

  #takeIdle(endpoint: Endpoint, since: number): UpstreamConnection | undefined {
    const last = endpoint.idle.at(-1);
    if (last === undefined || last.idleSince < since) return undefined;
    endpoint.idle.pop();
    this.#idle--;
    return last;
  }

  #connect(endpoint: Endpoint, context: ProxyContext): UpstreamConnection | undefined {
    if (!this.#hasRoom(context)) return undefined;
    this.#open++;
    return new UpstreamConnection(endpoint, context);
  }

  /** Takes back a connection whose answer has come whole; closes it where it is not wanted. */
  give(connection: UpstreamConnection, context: ProxyContext): void {
    const { endpoint } = connection;
    if (!endpoint.isWanted || context.isDraining || endpoint.idle.length >= context.limits.idlePerEndpoint) {
      connection.destroy();
      return;
    }
    connection.idleSince = context.now;
    endpoint.idle.push(connection);
    this.#idle++;
  }

  /** Whoever closes says so, once. */
  closed(connection: UpstreamConnection): void {
    this.#open--;
    const at = connection.endpoint.idle.lastIndexOf(connection);
    if (at === -1) return;
    connection.endpoint.idle.splice(at, 1);
    this.#idle--;
  }

  sessionClosed(session: UpstreamSession): void {
    this.#open--;
    const { sessions } = session.endpoint;
    const at = sessions.indexOf(session);
    if (at !== -1) sessions.splice(at, 1);
  }

  /** Closes what has been idle for too long; those of an endpoint lie in the order of their last use. */
  sweep(endpoint: Endpoint, context: ProxyContext): void {
    for (const session of endpoint.sessions.toReversed()) session.sweep();
    while (true) {
      const [first] = endpoint.idle;
      if (first === undefined || first.idleSince + first.keptFor > context.now) return;
      first.destroy();
    }
  }

  closeIdle(endpoint: Endpoint): void {
    for (const session of endpoint.sessions.toReversed()) session.leave();
    for (let last = endpoint.idle.at(-1); last !== undefined; last = endpoint.idle.at(-1)) last.destroy();
  }

  #closeOneIdle(context: ProxyContext): boolean {
    for (const { idle } of context.backends.endpoints) {
      const [first] = idle;
      if (first === undefined) continue;
      first.destroy();
      return true;
    }
    return false;
  }
}
