import { contains, formatAddress, parseAddress } from '../../base/ip.ts';
import type { Protocol } from '../../kube/types/scalars.ts';
import type { TracedCluster } from './cluster.ts';
import { explainNoEndpoints, explainNoPort } from './explain-service.ts';
import { placeOfOrigin } from './find-origin.ts';
import { findHostPort } from './find-host-port.ts';
import { findRoute } from './find-route.ts';
import { findService, placeAt } from './find-service.ts';
import { translatorFor } from './find-translator.ts';
import type { Ending, Hop, Judgement, OriginHop, Place, RouteHop, ServiceFrontend } from './hops.ts';
import { changesFor, deciderOf, denied, judge, nameOfPlace } from './judge.ts';

/** A Service with more endpoints than this is judged by the first ones. */
export const mostEndpoints = 100;

export interface Leg {
  readonly hops: readonly Hop[];
  readonly endings: readonly Ending[];
  readonly frontends: readonly ServiceFrontend[];
}

export interface Delivery {
  readonly from: Place;
  readonly to: Place;
  /** Its address was translated on the way. */
  readonly isTranslated: boolean;
  /** Whom the destination's policies see, where it is not the source. */
  readonly seenAs?: Place;
  /** The node that translates it, where it is not the client's own. */
  readonly entry?: string;
}

/** One connection from its source to every place where it may end: Service, policies of both ends, route. */
export function deliver(
  cluster: TracedCluster,
  origin: OriginHop,
  addresses: readonly string[],
  { port, protocol }: { readonly port: number; readonly protocol: Protocol },
): Leg {
  const frontends: ServiceFrontend[] = [];
  const deliveries: Delivery[] = [];
  const endings: Ending[] = [];
  for (const address of addresses) {
    const from = placeOfOrigin(cluster, origin, address);
    if (from === undefined) {
      endings.push(withoutFamily(origin, address));
      continue;
    }
    const translator = translatorFor(cluster, origin, { address, protocol, port });
    const question = { address, protocol, port, from, ...(translator ?? { node: '', place: origin.kind }) };
    const frontend = isLocalDns(cluster, address, port) ? undefined : findService(cluster, question);
    if (frontend === undefined) {
      const behind = findHostPort(cluster, { address, port, protocol });
      const to = behind?.to ?? destinationAt(cluster, from, address, port);
      const isEntered = behind !== undefined && behind.node !== from.node;
      deliveries.push({
        from,
        to,
        isTranslated: behind !== undefined,
        ...(isEntered ? { entry: behind.node } : {}),
      });
      continue;
    }
    frontends.push(frontend);
    const entry = translator?.node === from.node ? undefined : translator?.node;
    if (translator === undefined) endings.push(notForOutside(frontend));
    else if (frontend.outcome !== 'forwarded') endings.push(refusal(cluster, frontend));
    else
      for (const { from: _, ...to } of frontend.endpoints.slice(0, mostEndpoints)) {
        const seenAs = sourceSeen(cluster, to, frontend);
        deliveries.push({
          from,
          to,
          isTranslated: true,
          ...(seenAs === undefined ? {} : { seenAs }),
          ...(entry === undefined ? {} : { entry }),
        });
      }
  }
  const leg = settle(cluster, deliveries, protocol, endings);
  return {
    ...leg,
    hops: [...(frontends.length === 0 ? [] : [{ hop: 'service', frontends } as const]), ...leg.hops],
    frontends,
  };
}

/** What becomes of connections whose ends are known: policies, route, ending. */
export function settle(
  cluster: TracedCluster,
  deliveries: readonly Delivery[],
  protocol: Protocol,
  before: readonly Ending[] = [],
): Leg {
  const endings = [...before];
  const judgements: Judgement[] = [];
  const routes: RouteHop['choices'][number][] = [];
  for (const delivery of deliveries) {
    const { entry, from, to } = delivery;
    const judgement = isLoopback(to.address) ? undefined : judge(cluster, { ...delivery, protocol });
    const route = findRoute(cluster, entry === undefined ? from : { ...from, node: entry }, to);
    const sentence = entry === undefined ? route.sentence : `by way of ${entry}; ${route.sentence}`;
    if (judgement !== undefined) judgements.push(judgement);
    routes.push({ from, to, way: route.way, sentence });
    endings.push(endingOf(cluster, delivery, judgement, { ...route, protocol }));
  }
  return {
    hops: [
      ...(judgements.length === 0 ? [] : [{ hop: 'policy', choices: judgements } as const]),
      ...(routes.length === 0 ? [] : [{ hop: 'route', choices: routes } as const]),
      ...(endings.length === 0 ? [] : [{ hop: 'arrival', choices: endings } as const]),
    ],
    endings,
    frontends: [],
  };
}

/** A node that puts its own address in the client's place does so behind its policies: other nodes' see it. */
function sourceSeen(cluster: TracedCluster, to: Place, { node, source }: ServiceFrontend): Place | undefined {
  if (source !== 'node' || node === undefined || node === to.node) return undefined;
  const address = cluster.nodes
    .get(node)
    ?.addresses.map(formatAddress)
    .find(own => own.includes(':') === to.address.includes(':'));
  return address === undefined ? undefined : { address, node };
}

/** The cluster's DNS is answered on the node itself, whatever its Service says. */
const isLocalDns = (cluster: TracedCluster, address: string, port: number): boolean =>
  port === 53 && cluster.dnsAddresses.includes(address);

function destinationAt(cluster: TracedCluster, from: Place, address: string, port: number): Place {
  if (isLoopback(address)) return { ...from, address, port };
  const place = placeAt(cluster, address, port);
  if (!isLocalDns(cluster, address, port)) return place;
  return { address, port, ...(from.node === undefined ? {} : { node: from.node }) };
}

/** 127.0.0.0/8 and ::1: whoever sends. */
const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

function endingOf(
  cluster: TracedCluster,
  { from, to }: Delivery,
  judgement: Judgement | undefined,
  route: { readonly way: string; readonly sentence: string; readonly protocol: Protocol },
): Ending {
  if (route.way === 'none') return { outcome: 'no-route', to, sentence: route.sentence };
  const side = judgement === undefined ? undefined : denied(judgement);
  if (side !== undefined) {
    const where = side === judgement?.egress ? 'at the source' : 'at the destination';
    return {
      outcome: 'dropped',
      to,
      sentence: `dropped ${where}: ${side.sentence}`,
      ...deciderOf(side),
      ...(judgement === undefined ? {} : changesFor(judgement)),
    };
  }
  const nobody = nobodyAt(cluster, to);
  if (nobody !== undefined) return { outcome: 'no-route', to, sentence: nobody };
  if (route.way === 'leaves-cluster')
    return {
      outcome: 'leaves-cluster',
      to,
      sentence: `${route.sentence}; what is there is not modelled`,
    };
  const node = to.node === undefined || to.pod === undefined ? '' : ` on ${to.node}`;
  const who =
    to.pod === undefined && to.node !== undefined
      ? isDnsPlace(cluster, to)
        ? `the DNS of ${from.node ?? to.node}`
        : `${to.node} itself`
      : `${nameOfPlace(to)}${node}`;
  return {
    outcome: 'reaches',
    to,
    sentence: `reaches ${who}, ${route.protocol} port ${to.port ?? 0}`,
    ...(judgement?.ingress.allowedBy === undefined
      ? {}
      : {
          decidedBy: {
            object: judgement.ingress.allowedBy.object,
            field: judgement.ingress.allowedBy.field,
          },
        }),
  };
}

const isDnsPlace = (cluster: TracedCluster, { address, port }: Place): boolean =>
  isLocalDns(cluster, address, port ?? 0);

/** An address of a node's pods that no pod has. */
function nobodyAt(cluster: TracedCluster, { address, pod }: Place): string | undefined {
  const parsed = parseAddress(address);
  if (pod !== undefined || parsed === undefined || cluster.dnsAddresses.includes(address)) return undefined;
  for (const { name, podPrefixes } of cluster.nodes.values())
    if (podPrefixes.some(prefix => contains(prefix, parsed)))
      return `no pod has ${address}, which is one of the addresses of ${name}'s pods`;
  return undefined;
}

function withoutFamily(origin: OriginHop, address: string): Ending {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  return {
    outcome: 'no-route',
    to: { address },
    sentence: `${origin.object ?? 'the client'} has no ${family} address to reach ${address} from`,
  };
}

function refusal(cluster: TracedCluster, frontend: ServiceFrontend): Ending {
  const { address, leftOut, outcome, port, sentence, service } = frontend;
  if (outcome === 'dropped')
    return { outcome, to: { address, port }, sentence: `dropped: ${sentence}`, decidedBy: service };
  const isPortless = !cluster.services.frontends.has(`${address} ${frontend.protocol} ${port}`);
  const next = isPortless
    ? explainNoPort(cluster, service.object)
    : explainNoEndpoints(cluster, service.object, leftOut.length);
  return {
    outcome: 'refused',
    to: { address, port },
    sentence: `refused: ${sentence}`,
    decidedBy: service,
    ...(next === undefined ? {} : { next }),
  };
}

function notForOutside({ address, service }: ServiceFrontend): Ending {
  return {
    outcome: 'no-route',
    to: { address },
    sentence: `${address} is the cluster address of ${service.object}: nothing outside has a route to it`,
    decidedBy: service,
    next: 'Ask for the address of a Gateway or of a Service of type LoadBalancer instead.',
  };
}
