import { sentenceOf } from '../../base/errors.ts';
import { canonical, readCluster } from './cluster.ts';
import type { TraceObjects, TracedCluster } from './cluster.ts';
import { deliver } from './deliver.ts';
import { findOrigin } from './find-origin.ts';
import type { Ending, Hop, NameHop, OriginHop, Trace } from './hops.ts';
import type { Origin, Target } from './request.ts';
import { changesFor, deciderOf, denied } from './judge.ts';
import { ask, isAddress, resolveInPod } from './resolve-name.ts';
import { verdictOf } from './verdict.ts';

/**
 * The way of one request through name resolution, Services, policies and routes, decided by the same engines that program
 * the kernels. Pure; it never throws: what cannot be read is named in `problems`.
 */
export function traceRequest(objects: TraceObjects, from: Origin, to: Target): Trace {
  const names = { from: textOfOrigin(from), to: textOfTarget(to) };
  try {
    const cluster = readCluster(objects);
    const { endings, hops } = follow(cluster, findOrigin(cluster, from), to);
    return { ...names, hops, verdict: verdictOf(endings), problems: cluster.problems };
  } catch (error) {
    const sentence = `the objects of this cluster cannot be read: ${sentenceOf(error)}`;
    return {
      ...names,
      hops: [],
      verdict: verdictOf([{ outcome: 'unknown', sentence }]),
      problems: [sentence],
    };
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
    const leg = deliver(cluster, origin, canonical(target.host), target);
    return { hops: [origin, ...leg.hops], endings: leg.endings };
  }
  const name = resolve(cluster, origin, target.host);
  if (name.outcome !== 'found') return { hops: [origin, name], endings: [nameEnding(name)] };
  const leg = deliver(cluster, origin, reachable(origin, name.addresses), target);
  return { hops: [origin, name, ...leg.hops], endings: leg.endings };
}

/** A client uses the addresses of the families that it has, where there are any. */
function reachable(origin: OriginHop, addresses: readonly string[]): readonly string[] {
  const families = new Set(origin.addresses.map(address => address.includes(':')));
  const usable = addresses.filter(address => families.has(address.includes(':')));
  return usable.length === 0 ? addresses : usable;
}

function resolve(cluster: TracedCluster, origin: OriginHop, host: string): NameHop {
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
  if (name.outcome === 'no-such-name') {
    const next = name.near.length === 0 ? {} : { next: `Did you mean ${name.near.join(' or ')}?` };
    return { outcome: 'no-such-name', sentence, ...next };
  }
  const found = name.asked.find(({ outcome }) => outcome === 'found');
  const address = found?.records.find(({ type }) => type === 'A' || type === 'AAAA')?.value;
  return {
    outcome: 'unknown',
    sentence,
    ...(address === undefined
      ? {}
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
