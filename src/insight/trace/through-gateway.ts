import type { TracedCluster } from './cluster.ts';
import { mostEndpoints, settle } from './deliver.ts';
import type { Delivery, Leg } from './deliver.ts';
import { explainHttp } from './explain-http.ts';
import type { Ending, GatewayHop, Hop, Place } from './hops.ts';
import type { TracedGateway } from './read-gateways.ts';
import type { HttpTarget, Target } from './request.ts';

/** What a proxy answers whose backend refuses, is silent, or breaks off. */
const errorStatuses = [502, 503, 504] as const;

/** From the proxies on: which rule has the request, and their own connection to each backend. */
export function throughGateway(
  cluster: TracedCluster,
  gateway: TracedGateway,
  leg: Leg,
  target: Target & { readonly http: HttpTarget },
): { readonly hops: readonly Hop[]; readonly endings: readonly Ending[] } {
  const proxies = leg.endings.flatMap(({ outcome, to }) =>
    outcome === 'reaches' && to !== undefined ? [to] : [],
  );
  if (proxies.length === 0) return leg;
  const lost = leg.endings.filter(({ outcome }) => outcome !== 'reaches');
  const hop = explainHttp(cluster, gateway, proxies, target);
  if (hop.outcome !== 'forwarded') return { hops: [...leg.hops, hop], endings: [...lost, ownAnswer(hop)] };
  const second = settle(cluster, deliveriesOf(cluster, hop), 'TCP');
  const endings = [...second.endings.map(behindGateway), ...unservedShares(hop)];
  return { hops: [...leg.hops, hop, ...second.hops], endings: [...lost, ...endings] };
}

/** From each pod of the proxies, by its own address, to each endpoint that may have the request. */
function deliveriesOf(cluster: TracedCluster, { backends, proxies }: GatewayHop): readonly Delivery[] {
  const endpoints = backends.flatMap(({ endpoints: own, share }) => (share > 0 ? own : []));
  const unique = new Map(endpoints.map(place => [`${place.address} ${place.port ?? 0}`, place]));
  const pods = new Map(proxies.map(place => [place.pod ?? place.address, place]));
  return [...pods.values()].flatMap(proxy =>
    [...unique.values()].slice(0, mostEndpoints).flatMap((to): readonly Delivery[] => {
      const from = sameFamily(cluster, proxy, to);
      return from === undefined ? [] : [{ from, to, isTranslated: false }];
    }),
  );
}

function sameFamily(cluster: TracedCluster, proxy: Place, to: Place): Place | undefined {
  const { node, pod } = proxy;
  const isV6 = to.address.includes(':');
  if (proxy.address.includes(':') === isV6)
    return {
      address: proxy.address,
      ...(pod === undefined ? {} : { pod }),
      ...(node === undefined ? {} : { node }),
    };
  for (const [address, own] of cluster.policy.podsByAddress)
    if (own.key === pod && address.includes(':') === isV6)
      return { address, pod: own.key, ...(node === undefined ? {} : { node }) };
  return undefined;
}

/** The client hears of a backend only by the Gateway's answer. */
function behindGateway(ending: Ending): Ending {
  if (ending.outcome === 'reaches') return ending;
  return {
    ...ending,
    outcome: 'gateway-error',
    statuses: errorStatuses,
    sentence: `the Gateway does not reach the backend: ${ending.sentence}`,
  };
}

/** Of several backends one may lead nowhere: its share of requests is answered with an error (HTTPRouteRule.backendRefs). */
function unservedShares({ backends }: GatewayHop): readonly Ending[] {
  return backends.flatMap(({ endpoints, from, service, share }): readonly Ending[] => {
    if (share === 0 || endpoints.length > 0) return [];
    const status = service === undefined ? 500 : 503;
    const why = service === undefined ? 'the reference leads to no Service' : `${service} has no endpoint`;
    const percent = Math.round(share * 100);
    return [
      {
        outcome: 'answered',
        statuses: [status],
        sentence: `the Gateway answers ${percent} % of the requests with ${status}: ${why}`,
        decidedBy: from,
      },
    ];
  });
}

function ownAnswer({ gateway, listener, outcome, problems, rule, sentence, status }: GatewayHop): Ending {
  const by = rule ?? listener ?? { object: gateway, field: 'spec.listeners' };
  const [problem] = problems;
  return {
    outcome: outcome === 'no-handshake' ? 'tls-refused' : 'answered',
    ...(status === undefined ? {} : { statuses: [status] }),
    sentence,
    decidedBy: { object: by.object, field: by.field },
    ...(problem === undefined ? {} : { next: `Mend what is wrong with the Gateway: ${problem}` }),
  };
}
