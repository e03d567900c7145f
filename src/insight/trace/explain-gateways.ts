import type { TraceObjects } from './cluster.ts';
import { readCluster } from './cluster.ts';
import { explainHttp } from './explain-http.ts';
import type { GatewayHop } from './hops.ts';
import { readableObjects } from './readable-objects.ts';
import type { HttpTarget, Target } from './request.ts';

export interface ExplainedGateways {
  /** One for each Gateway that was asked: first those that send the request on, then by name. */
  readonly answers: readonly GatewayHop[];
  /** Objects that cannot be read, in sentences. */
  readonly problems: readonly string[];
}

/** Everything that a look-up knows of is told, up to this many. */
const mostOthers = 200;

/**
 * What Gateways would do with a request at their port: which listener, rule and backends, what came second, and why
 * everything else does not have it. `only`: of this one, `namespace/name`.
 */
export function explainGateways(
  given: TraceObjects,
  target: Target & { readonly http: HttpTarget },
  only: string | undefined,
): ExplainedGateways {
  const { objects, problems } = readableObjects(given);
  const cluster = readCluster(objects, problems);
  const answers = [...cluster.gateways.values()]
    .filter(({ key }) => only === undefined || key === only)
    .map(gateway => explainHttp(cluster, gateway, [], target, mostOthers));
  return { answers: answers.toSorted(byUse), problems };
}

const ranks = { forwarded: 0, redirected: 0, answered: 1, 'no-handshake': 2 } as const;

const byUse = (one: GatewayHop, other: GatewayHop): number =>
  ranks[one.outcome] - ranks[other.outcome] || (one.gateway < other.gateway ? -1 : 1);
