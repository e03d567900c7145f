import { sentenceOf } from '../../base/errors.ts';
import { canonical, isAddress } from './addresses.ts';
import { readCluster } from './cluster.ts';
import type { TraceObjects, TracedCluster } from './cluster.ts';
import { deliver } from './deliver.ts';
import { findOrigin } from './find-origin.ts';
import type { Ending, Hop, NameHop, OriginHop, ServiceFrontend, Trace } from './hops.ts';
import type { Origin, Target } from './request.ts';
import { changesFor, deciderOf, denied } from './judge.ts';
import { gatewayBehind } from './read-gateways.ts';
import type { TracedGateway } from './read-gateways.ts';
import { ask, resolveInPod } from './resolve-name.ts';
import { resolveOutside } from './resolve-outside.ts';
import { readableObjects } from './readable-objects.ts';
import { throughGateway } from './through-gateway.ts';
import { verdictOf } from './verdict.ts';

/**
 * The way of one request through name resolution, Services, policies and routes, decided by the same engines that program
 * the kernels. Pure; it never throws: what cannot be read is named in `problems`.
 */
export function traceRequest(objects: TraceObjects, from: Origin, to: Target): Trace {
  const names = { from: textOfOrigin(from), to: textOfTarget(to) };
  const traced = (own: TraceObjects, problems: readonly string[]): Trace => {
    const cluster = readCluster(own, problems);
    const { endings, hops } = follow(cluster, findOrigin(cluster, from), to);
    return { ...names, hops, verdict: verdictOf(endings), problems };
  };
  try {
    return traced(objects, []);
  } catch {
    // Which object it is takes longer to find out.
  }
  const { objects: readable, problems } = readableObjects(objects);
  try {
    return traced(readable, problems);
  } catch (error) {
    const sentence = `the objects of this cluster cannot be read: ${sentenceOf(error)}`;
    const verdict = verdictOf([{ outcome: 'unknown', sentence }]);
    return { ...names, hops: [], verdict, problems: [...problems, sentence] };
  }
}

interface Way {
  readonly hops: readonly Hop[];
  readonly endings: readonly Ending[];
}

function follow(cluster: TracedCluster, origin: OriginHop, target: Target): Way {
  if (origin.addresses.length === 0)
    return { hops: [origin], endings: [{ outcome: 'no-source', sentence: origin.sentence }] };
  if (isAddress(target.host)) {
    const way = send(cluster, origin, canonical(target.host), target);
    return { hops: [origin, ...way.hops], endings: way.endings };
  }
  const name = resolve(cluster, origin, target);
  if (name.outcome !== 'found')
    return {
      hops: [origin, name],
      endings: [{ ...servedOutside(cluster, origin, target), ...nameEnding(name) }],
    };
  const way = send(cluster, origin, reachable(origin, ofFamily(name.addresses, target)), target);
  return { hops: [origin, name, ...way.hops], endings: way.endings };
}

/** A name that the cluster's DNS does not have may be one that a Gateway serves. */
function servedOutside(cluster: TracedCluster, origin: OriginHop, target: Target): Pick<Ending, 'next'> {
  const { addresses, outcome } = resolveOutside(cluster, target);
  if (origin.kind === 'world' || outcome !== 'found') return {};
  const list = addresses.join(', ');
  return {
    next: `Have the DNS that answers for it say ${list}: that is where the Gateway is that serves it.`,
  };
}

/** To the addresses, and where a Gateway's proxies take it, on to its backends. */
function send(cluster: TracedCluster, origin: OriginHop, addresses: readonly string[], target: Target): Way {
  const leg = deliver(cluster, origin, addresses, target);
  const gateway = gatewayOf(cluster, leg.frontends);
  if (target.http === undefined || gateway === undefined) return leg;
  return throughGateway(cluster, gateway, leg, { ...target, http: target.http });
}

function gatewayOf(cluster: TracedCluster, frontends: readonly ServiceFrontend[]): TracedGateway | undefined {
  for (const { service } of frontends) {
    const object = cluster.objects.services.find(
      ({ metadata }) => service.object === `Service/${metadata.namespace ?? ''}/${metadata.name}`,
    );
    const key = object === undefined ? undefined : gatewayBehind(object);
    const gateway = key === undefined ? undefined : cluster.gateways.get(key);
    if (gateway !== undefined) return gateway;
  }
  return undefined;
}

const ofFamily = (addresses: readonly string[], { family }: Target): readonly string[] =>
  family === undefined ? addresses : addresses.filter(address => address.includes(':') === (family === 6));

/** A client uses the addresses of the families that it has, where there are any. */
function reachable(origin: OriginHop, addresses: readonly string[]): readonly string[] {
  const families = new Set(origin.addresses.map(address => address.includes(':')));
  const usable = addresses.filter(address => families.has(address.includes(':')));
  return usable.length === 0 ? addresses : usable;
}

function resolve(cluster: TracedCluster, origin: OriginHop, target: Target): NameHop {
  const { host } = target;
  if (origin.kind === 'world') return resolveOutside(cluster, target);
  const key = origin.kind === 'pod' ? origin.object?.slice('Pod/'.length) : undefined;
  const pod = key === undefined ? undefined : cluster.pods.get(key);
  if (pod !== undefined) return resolveInPod(cluster, pod, origin, host);
  const nobody = { hop: 'name', name: host, by: 'nobody', access: [], addresses: [], near: [] } as const;
  return {
    ...nobody,
    outcome: 'unknown',
    asked: ask(cluster, [host.replace(/\.$/, '')]),
    sentence: "a node has a resolver of its own, which the API does not tell; it is not the cluster's DNS",
  };
}

function nameEnding(name: NameHop): Ending {
  if (name.outcome === 'dns-dropped') return droppedQuestion(name);
  const sentence = `${name.name}: ${name.sentence}`;
  const meant = name.near.length === 0 ? {} : { next: `Did you mean ${name.near.join(' or ')}?` };
  if (name.outcome === 'no-such-name') return { outcome: 'no-such-name', sentence, ...meant };
  const found = name.asked.find(({ outcome }) => outcome === 'found');
  const address = found?.records.find(({ type }) => type === 'A' || type === 'AAAA')?.value;
  return {
    outcome: 'unknown',
    sentence,
    ...(address === undefined
      ? meant
      : { next: `Trace to its address instead: the cluster's DNS says ${address}.` }),
  };
}

function droppedQuestion({ access, name, sentence }: NameHop): Ending {
  const [judgement] = access;
  const side = judgement === undefined ? undefined : denied(judgement);
  return {
    outcome: 'dropped',
    sentence: `the name ${name} is not resolved: ${side?.sentence ?? sentence}`,
    ...deciderOf(side),
    ...(judgement === undefined ? {} : changesFor(judgement)),
  };
}

function textOfOrigin(origin: Origin): string {
  if (origin.kind === 'pod') return `pod/${origin.namespace}/${origin.name}`;
  return origin.kind === 'node' ? `node/${origin.name}` : 'world';
}

function textOfTarget({ host, http, port, protocol }: Target): string {
  const name = host.includes(':') ? `[${host}]` : host;
  if (http === undefined) return `${name}:${port}${protocol === 'TCP' ? '' : ` ${protocol}`}`;
  const usual = port === (http.scheme === 'https' ? 443 : 80) ? '' : `:${port}`;
  return `${http.method} ${http.scheme}://${name}${usual}${http.path}`;
}
