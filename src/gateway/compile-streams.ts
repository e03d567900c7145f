import type { Provenance } from '../base/provenance.ts';
import type { AttachedRoute } from './compile-table.ts';
import { allListeners, isStream } from './model.ts';
import type { GatewayModel, ListenerModel, RouteModel } from './model.ts';

/** Where the connections of one listener of TCP or UDP go, without a proxy. */
export interface StreamListener {
  /** Among those of all Gateways its own: `shop/edge/db`. */
  readonly key: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /** The route's rule. */
  readonly provenance: Provenance;
  /** With a weight of at least 1. */
  readonly backends: readonly StreamBackend[];
}

export interface StreamBackend {
  readonly weight: number;
  /** `namespace/name`; absent where the reference leads nowhere: its share of connections is refused. */
  readonly service?: string;
  readonly port: number;
}

/**
 * The listeners of a Gateway that the kernel serves, and that have a route. Of several routes the oldest has all of a
 * listener's connections, of two of the same age the first by `namespace/name`.
 */
export function compileStreams(
  gateway: GatewayModel,
  routes: readonly AttachedRoute[],
): readonly StreamListener[] {
  if (!gateway.accepted.holds) return [];
  return allListeners(gateway)
    .filter(listener => listener.isServed && isStream(listener))
    .flatMap(listener => {
      const [first] = routes
        .filter(({ attachments }) => attachments.some(({ listeners }) => listeners.includes(listener)))
        .map(({ route }) => route)
        .toSorted(compareAge);
      return first === undefined ? [] : streamOf(gateway, listener, first);
    });
}

function streamOf(
  { key }: GatewayModel,
  { listener: { port, protocol }, name }: ListenerModel,
  route: RouteModel,
): readonly StreamListener[] {
  const [rule] = route.rules;
  if (rule === undefined) return [];
  return [
    {
      key: `${key}/${name}`,
      protocol: protocol === 'UDP' ? 'UDP' : 'TCP',
      port,
      provenance: rule.provenance,
      backends: rule.backends
        .filter(({ weight }) => weight > 0)
        .map(({ backend, weight }): StreamBackend => {
          const target = backend === undefined ? undefined : route.backends.get(backend);
          return target === undefined ? { weight, port: 0 } : { weight, ...target };
        }),
    },
  ];
}

function compareAge({ route: a }: RouteModel, { route: b }: RouteModel): number {
  const keyOf = ({ metadata: { creationTimestamp = '', namespace = '', name } }: typeof a) =>
    `${creationTimestamp} ${namespace}/${name}`;
  return keyOf(a) < keyOf(b) ? -1 : 1;
}
