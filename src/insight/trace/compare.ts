import { compareGateway } from './compare-gateway.ts';
import { compareName } from './compare-name.ts';
import { comparePolicy } from './compare-policy.ts';
import { endOf, wordsOf } from './compare-words.ts';
import type { Ending, Hop, Place, RouteHop, ServiceHop, Trace } from './hops.ts';
import type { Observed, ObservedConnection, TrackedConnection } from './observed.ts';

/** Of one hop: what the model expects and what was seen. */
export interface Finding {
  readonly hop: Hop['hop'];
  /** In the trace's list of hops. */
  readonly index: number;
  /** `unseen`: there is nothing to compare, or nobody told. */
  readonly result: 'agrees' | 'differs' | 'unseen';
  readonly expected: string;
  readonly seen: string;
}

export type Result = Omit<Finding, 'hop' | 'index'>;

/** What was seen of one connection: the client's, or behind a Gateway that of its proxy. */
export interface SeenLeg {
  readonly connection: ObservedConnection;
  /** Whether a Gateway's proxies take it: then the answer is a matter of the next hops. */
  readonly endsAtGateway: boolean;
  /** Where it went; undefined where nothing tells. */
  readonly drawn: Place | undefined;
  /** The proxy's own connection, which it may have opened for an earlier request. */
  readonly isBehindGateway: boolean;
}

/** Compares hop by hop. Pure; a hop of the model has at most one finding. */
export function compareTrace(trace: Trace, observed: Observed): readonly Finding[] {
  const { connection } = observed;
  const gatewayAt = trace.hops.findIndex(({ hop }) => hop === 'gateway');
  return trace.hops.flatMap((hop, index) => {
    const isBehindGateway = gatewayAt >= 0 && index > gatewayAt;
    const leg =
      connection === undefined
        ? undefined
        : {
            connection,
            drawn: isBehindGateway ? drawnBehind(trace, connection) : drawnPlace(trace, connection),
            isBehindGateway,
            endsAtGateway: gatewayAt >= 0 && !isBehindGateway,
          };
    const result = compareHop(hop, observed, leg);
    return result === undefined ? [] : [{ hop: hop.hop, index, ...result }];
  });
}

function compareHop(hop: Hop, observed: Observed, leg: SeenLeg | undefined): Result | undefined {
  if (hop.hop === 'origin') return undefined;
  if (hop.hop === 'name') return compareName(hop, observed.name);
  if (leg === undefined) return undefined;
  switch (hop.hop) {
    case 'service':
      return compareService(hop, leg.connection);
    case 'policy':
      return comparePolicy(hop.choices, leg);
    case 'route':
      return compareRoute(hop.choices, leg);
    case 'gateway':
      return compareGateway(hop, leg.connection);
    case 'arrival':
      return compareArrival(hop.choices, leg);
    default:
      return hop satisfies never;
  }
}

/** As the kernel of the origin's node translated the connection. */
function drawnPlace(trace: Trace, connection: ObservedConnection): Place | undefined {
  const places = trace.hops.flatMap(hop => (hop.hop === 'route' ? hop.choices.map(({ to }) => to) : []));
  const entry = entryOf(connection);
  const { source: address, sourcePort: port } = entry?.reply ?? onlyDrawn(connection);
  const { to } = connection;
  return (
    places.find(place => place.address === address && place.port === port) ??
    places.find(place => place.address === to.address && place.port === to.port)
  );
}

/** What is dropped behind the translation is not tracked, but counted: of one endpoint alone, if there was one packet. */
function onlyDrawn({ service }: ObservedConnection): {
  readonly source?: string;
  readonly sourcePort?: number;
} {
  const drawn = (service?.endpoints ?? []).filter(endpoint => endpoint.drawn > 0);
  const [only] = drawn;
  return drawn.length === 1 && only !== undefined ? { source: only.address, sourcePort: only.port } : {};
}

/** As the proxy says. */
function drawnBehind(trace: Trace, { proxy }: ObservedConnection): Place | undefined {
  const backends = trace.hops.flatMap(hop => (hop.hop === 'gateway' ? hop.backends : []));
  const places = backends.flatMap(({ endpoints }) => endpoints);
  return places.find(({ address, port }) => endOf(address, port) === proxy?.endpoint);
}

const entryOf = ({ to, tracked }: ObservedConnection): TrackedConnection | undefined =>
  tracked.find(({ original }) => original.destination === to.address && original.destinationPort === to.port);

function compareService({ frontends }: ServiceHop, connection: ObservedConnection): Result | undefined {
  const { outcome, to } = connection;
  const frontend = frontends.find(({ address }) => address === to.address);
  if (frontend === undefined) return undefined;
  const expected =
    frontend.outcome === 'forwarded'
      ? `one of ${frontend.endpoints.map(({ address, port }) => endOf(address, port)).join(', ')}`
      : frontend.outcome;
  const say = (result: Finding['result'], seen: string): Result => ({ result, expected, seen });
  const { service } = connection;
  if (frontend.outcome === 'refused')
    return say(outcome === 'refused' ? 'agrees' : 'differs', wordsOf(connection));
  if (frontend.outcome === 'dropped')
    return say(outcome === 'timed-out' ? 'agrees' : 'differs', wordsOf(connection));
  const entry = entryOf(connection);
  if (entry === undefined) {
    if (service === undefined || outcome === 'connected') return say('unseen', 'no tracked connection told');
    const drawn = service.endpoints.filter(endpoint => endpoint.drawn > 0);
    const ends = drawn.map(({ address, port }) => endOf(address, port)).join(', ');
    return drawn.length > 0
      ? say('agrees', `${service.node} drew ${ends}; what is dropped then is not tracked`)
      : say(service.accepted > 0 ? 'unseen' : 'differs', `${service.node} translated ${service.accepted}`);
  }
  const { source, sourcePort } = entry.reply;
  const isOne = frontend.endpoints.some(({ address, port }) => address === source && port === sourcePort);
  return say(isOne ? 'agrees' : 'differs', `${entry.node} tracks it to ${endOf(source, sourcePort)}`);
}

function compareRoute(choices: RouteHop['choices'], { connection, drawn }: SeenLeg): Result | undefined {
  const choice = choices.find(({ to }) => drawn !== undefined && to.address === drawn.address);
  if (choice === undefined || (choice.way !== 'direct' && choice.way !== 'vxlan')) return undefined;
  const isV6 = choice.to.address.includes(':');
  const way = connection.ways.find(
    ({ from, node, prefix }) =>
      node === choice.to.node && from === choice.from.node && prefix.includes(':') === isV6,
  );
  const expected = choice.sentence;
  if (way === undefined) return { result: 'unseen', expected, seen: 'no agent told' };
  return { result: way.way.startsWith(choice.way) ? 'agrees' : 'differs', expected, seen: way.way };
}

function compareArrival(choices: readonly Ending[], leg: SeenLeg): Result | undefined {
  const { connection, drawn, endsAtGateway, isBehindGateway } = leg;
  const isV6 = connection.to.address.includes(':');
  const own = isBehindGateway
    ? choices
    : choices.filter(({ to }) => to === undefined || to.address.includes(':') === isV6);
  const exact = own.filter(({ to }) => drawn !== undefined && to?.address === drawn.address);
  const possible = exact.length > 0 ? exact : own;
  if (possible.length === 0) return undefined;
  const expected = [...new Set(possible.map(({ outcome }) => outcome))].join(' or ');
  const results = possible.map(ending =>
    endsAtGateway && ending.outcome === 'reaches'
      ? connection.outcome === 'connected'
        ? 'agrees'
        : 'differs'
      : matches(ending, connection),
  );
  const result = results.includes('agrees') ? 'agrees' : (results[0] ?? 'unseen');
  return { result, expected, seen: wordsOf(connection) };
}

const proxyErrors: readonly number[] = [502, 503, 504];

function matches(
  { outcome: expected, statuses = [], to }: Ending,
  seen: ObservedConnection,
): Finding['result'] {
  const { failure, outcome, protocol, proxy, response } = seen;
  switch (expected) {
    case 'reaches': {
      // A server of datagrams need not answer what it does not understand.
      if (protocol === 'UDP' && outcome === 'timed-out') return 'unseen';
      // No object says what listens on a node: its own refusal came from there.
      if (to?.pod === undefined && outcome === 'refused') return 'agrees';
      const isProxyError = proxy !== undefined && proxy.why !== '' && proxyErrors.includes(proxy.status);
      return outcome === 'connected' && failure === undefined && !isProxyError ? 'agrees' : 'differs';
    }
    case 'answered':
    case 'gateway-error':
      return response !== undefined && statuses.includes(response.status) ? 'agrees' : 'differs';
    case 'tls-refused':
      return failure !== undefined && seen.tls === undefined ? 'agrees' : 'differs';
    case 'refused':
      return outcome === 'refused' ? 'agrees' : 'differs';
    case 'dropped':
      return outcome === 'timed-out' ? 'agrees' : 'differs';
    case 'no-route':
      return outcome === 'unreachable' || outcome === 'timed-out' ? 'agrees' : 'differs';
    case 'no-such-name':
    case 'no-source':
    case 'leaves-cluster':
    case 'unknown':
      return 'unseen';
    default:
      return expected satisfies never;
  }
}
