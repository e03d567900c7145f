/** Time limits in milliseconds and counts, for which there is no field in the Gateway API; the documentation lists them. */
export interface ProxyLimits {
  readonly handshake: number;
  /** From the first octet of a request to the end of its head. */
  readonly head: number;
  /** Between two requests of a connection. */
  readonly idle: number;
  /** Between two pieces of a body. */
  readonly bodyPause: number;
  /** A body that comes for longer than `bodyPatience` has to come with this many octets a second. */
  readonly bodyRate: number;
  readonly bodyPatience: number;
  readonly connect: number;
  /** Until a backend begins its answer, and between two pieces of it; a route's own limits come on top. */
  readonly upstreamPause: number;
  /** Until somebody who is asked whether a request may go on has said so. */
  readonly externalAuth: number;
  /** A client that takes nothing of its answer. */
  readonly clientPause: number;
  /** An upgraded connection on which nothing is said. */
  readonly tunnelIdle: number;
  /** How long an answered connection is read on before it is closed, so that the answer is not lost by a reset. */
  readonly linger: number;
  readonly upstreamIdle: number;
  /** Only a connection that was used this recently carries a request that must not be sent twice. */
  readonly freshIdle: number;
  readonly clients: number;
  readonly upstreams: number;
  readonly idlePerEndpoint: number;
}

export const defaultLimits: ProxyLimits = {
  handshake: 10_000,
  head: 10_000,
  idle: 75_000,
  bodyPause: 30_000,
  bodyRate: 32,
  bodyPatience: 60_000,
  connect: 5000,
  upstreamPause: 60_000,
  externalAuth: 5000,
  clientPause: 60_000,
  tunnelIdle: 3_600_000,
  linger: 2000,
  upstreamIdle: 60_000,
  freshIdle: 1000,
  clients: 8192,
  upstreams: 8192,
  idlePerEndpoint: 1024,
};
