/**
 * What this node's kernel saw of one connection, for those who compare it with what was expected:
 *
 * ```
 *   GET /observe/connections?address=10.244.1.5&port=40112   tracked connections with this end
 *   GET /observe/counters?source=…&destination=…&protocol=TCP&port=8080
 *                                                             policy elements and drops that such a connection counts on
 *   GET /observe/services?address=10.96.0.1&protocol=TCP&port=80
 *                                                             a Service's front end and its endpoints
 *   GET /observe/drops?from=shop/web&to=data/&port=80        what policies dropped lately, and why
 *   GET /observe/flows?verdict=allowed                       the same of everything that is told (policy-flows.ts)
 *   GET /observe/why?event=17                                one event, and what the engine says to it now
 * ```
 *
 * Every answer is bounded, and costs single look-ups, save the walk through the table of tracked connections.
 */
import { parseAddress } from '../base/ip.ts';
import type { Address } from '../base/ip.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import type { Protocol } from '../kube/types/scalars.ts';
import type { Flow, PolicyCounter } from '../policy/index.ts';
import { answerFlows, answerWhy } from './policy-flows.ts';
import type { FollowedFlows } from './policy-flows.ts';

export interface ServiceAddress {
  readonly address: Address;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface ServiceCounters {
  /** New connections that were translated, and those that were refused. */
  readonly accepted: number;
  readonly rejected: number;
  readonly endpoints: readonly {
    readonly address: string;
    readonly port: number;
    readonly packets: number;
  }[];
}

export interface ObserveSources {
  readonly worker: Pick<KernelWorker, 'connections'>;
  policyCounters(flow: Flow): Promise<readonly PolicyCounter[]>;
  readonly flows: Pick<FollowedFlows, 'recent' | 'status' | 'why'>;
  serviceCounters?(service: ServiceAddress): Promise<ServiceCounters>;
}

export interface ObserveAnswer {
  readonly status: number;
  readonly body: unknown;
}

export type Observe = (path: string, query: URLSearchParams) => Promise<ObserveAnswer>;

const mostConnections = 64;
const mostEndpoints = 256;
const mostAtOnce = 4;
const protocols: Readonly<Record<string, { readonly name: Protocol; readonly number: number }>> = {
  TCP: { name: 'TCP', number: 6 },
  UDP: { name: 'UDP', number: 17 },
  SCTP: { name: 'SCTP', number: 132 },
};

/** Answers 400 for a question that cannot be read, 503 while as many are under way as may be. */
export function createObserve(sources: ObserveSources): Observe {
  let underWay = 0;
  return async (path, query) => {
    if (underWay >= mostAtOnce) return { status: 503, body: { error: 'too many questions at once' } };
    underWay++;
    try {
      return await answer(sources, path, query);
    } finally {
      underWay--;
    }
  };
}

async function answer(sources: ObserveSources, path: string, query: URLSearchParams): Promise<ObserveAnswer> {
  if (path === '/observe/drops' || path === '/observe/flows') {
    const verdict = path === '/observe/drops' ? 'dropped,audited' : undefined;
    const events = answerFlows(sources.flows, query, verdict);
    return events === undefined ? malformed : { status: 200, body: events };
  }
  if (path === '/observe/why') {
    const found = answerWhy(sources.flows, query);
    return found === undefined
      ? { status: 404, body: { error: 'no such event' } }
      : { status: 200, body: found };
  }
  const addressOf = (name: string) => parseAddress(query.get(name) ?? '');
  const protocol = protocols[query.get('protocol') ?? 'TCP'];
  const port = Number(query.get('port'));
  const isPort = Number.isInteger(port) && port >= 1 && port <= 65_535;
  if (protocol === undefined || !isPort) return malformed;
  switch (path) {
    case '/observe/connections': {
      const end = query.get('address') ?? '';
      if (parseAddress(end) === undefined) return malformed;
      const tuple = { source: end, sourcePort: port };
      const found = await sources.worker.connections([{ protocol: protocol.number, original: tuple }]);
      return { status: 200, body: { connections: found.slice(0, mostConnections) } };
    }
    case '/observe/counters': {
      const [source, destination] = [addressOf('source'), addressOf('destination')];
      if (source === undefined || destination === undefined || source.family !== destination.family)
        return malformed;
      const hairpin = query.get('hairpin') === 'true';
      const counters = await sources.policyCounters({
        source,
        destination,
        protocol: protocol.name,
        port,
        hairpin,
      });
      return { status: 200, body: { counters } };
    }
    case '/observe/services': {
      const address = addressOf('address');
      if (address === undefined) return malformed;
      if (sources.serviceCounters === undefined) return { status: 404, body: { error: 'not counted' } };
      const counters = await sources.serviceCounters({ address, port, protocol: protocol.name });
      const { endpoints } = counters;
      const isCut = endpoints.length > mostEndpoints;
      const shown = isCut
        ? { endpoints: endpoints.slice(0, mostEndpoints), more: endpoints.length - mostEndpoints }
        : {};
      return { status: 200, body: { ...counters, ...shown } };
    }
    default:
      return { status: 404, body: { error: 'not found' } };
  }
}

const malformed: ObserveAnswer = { status: 400, body: { error: 'the question cannot be read' } };
