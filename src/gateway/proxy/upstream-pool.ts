import type { ProxyContext } from './context.ts';
import type { Endpoint } from './endpoints.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** Connections to endpoints: kept while idle, the last one that was used first, and bounded. */
export class UpstreamPool {
  #open = 0;
  #idle = 0;

  get open(): number {
    return this.#open;
  }

  get idle(): number {
    return this.#idle;
  }

  /** One that is connected; `since` is the earliest moment of its last use that is good enough. */
  take(endpoint: Endpoint, since: number): UpstreamConnection | undefined {
    const last = endpoint.idle.at(-1);
    if (last === undefined || last.idleSince < since) return undefined;
    endpoint.idle.pop();
    this.#idle--;
    return last;
  }

  /** A new one, connecting; undefined where there are too many. */
  connect(endpoint: Endpoint, context: ProxyContext): UpstreamConnection | undefined {
    if (this.#open >= context.limits.upstreams && !this.#closeOneIdle(context)) return undefined;
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

  /** Closes what has been idle for too long; those of an endpoint lie in the order of their last use. */
  sweep(endpoint: Endpoint, context: ProxyContext): void {
    while (true) {
      const [first] = endpoint.idle;
      if (first === undefined || first.idleSince + first.keptFor > context.now) return;
      first.destroy();
    }
  }

  closeIdle(endpoint: Endpoint): void {
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
