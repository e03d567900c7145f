import type {
  DropReport,
  Judgement,
  Observed,
  ObservedConnection,
  ObservedName,
  OriginHop,
  ProxyLine,
  Target,
  Trace,
  TraceObjects,
  TrackedConnection,
} from '../../insight/trace/index.ts';
import { rcodeName } from '../../dns/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { resolveName, sendDatagram, sendRequest } from '../../probe/index.ts';
import type { Exchange, Resolution } from '../../probe/index.ts';
import { Agents, counterChanges, serviceChange } from './agents.ts';
import type { ServicePlace } from './agents.ts';
import { findProxyLine } from './find-proxy-line.ts';
import { standpointOf } from './standpoint.ts';
import type { Standpoint } from './standpoint.ts';

export interface ObserveOptions {
  readonly client: Pick<KubeClient, 'logs'>;
  readonly cluster: string;
  readonly objects: TraceObjects;
  readonly trace: Trace;
  readonly target: Target;
  readonly requestId: string;
  /** PEM: whom a server's certificate may be of. */
  readonly authorities: readonly string[];
  readonly random: () => number;
}

const dnsPort = 53;
const nameMilliseconds = 1500;
/** The second and third attempt of TCP are sent after one and three seconds. */
const waitMilliseconds = 2500;
/** A Service with more endpoints is counted at the first ones. */
const mostFlows = 8;

/** Sends the request for real, from where it begins, and gathers what every part of the cluster saw of it. */
export async function observe(options: ObserveOptions): Promise<Observed> {
  const { target, trace } = options;
  const origin = trace.hops.find(hop => hop.hop === 'origin');
  if (origin === undefined || origin.addresses.length === 0) return { silent: [] };
  const place = standpointOf(options.cluster, options.objects.pods, origin);
  const isName = trace.hops.some(hop => hop.hop === 'name');
  const agents = new Agents(options.cluster);
  const since = Date.now();
  const resolution = isName && place.files !== undefined ? await resolve(options, place) : undefined;
  const dropped = resolution === undefined ? [] : await droppedQuestions(agents, origin, resolution, since);
  const known = trace.hops.flatMap(hop => (hop.hop === 'name' ? hop.addresses : []));
  const { family } = target;
  const found = isName ? (resolution?.addresses ?? known) : [target.host];
  const address = found.find(one => family === undefined || one.includes(':') === (family === 6));
  const name = resolution === undefined ? {} : { name: nameOf(resolution, dropped) };
  if (address === undefined) return { ...name, silent: agents.silent };
  const connection = await connect(options, { place, address, agents });
  return { ...name, connection, silent: agents.silent };
}

function resolve({ random, target }: ObserveOptions, place: Standpoint): Promise<Resolution> {
  return resolveName({
    namespacePath: place.namespacePath,
    files: place.files ?? { resolvConf: '', hosts: '' },
    name: target.host,
    timeoutMilliseconds: nameMilliseconds,
    random,
  });
}

/** The kernel's word on questions without an answer. */
async function droppedQuestions(
  agents: Agents,
  { addresses, node }: OriginHop,
  { questions }: Resolution,
  since: number,
): Promise<readonly DropReport[]> {
  const isAnswered = questions.every(({ answer }) => answer !== undefined);
  return isAnswered || node === undefined ? [] : agents.dropsFrom(node, addresses, dnsPort, since);
}

function nameOf(
  { addresses, hit, inHosts, plan, questions }: Resolution,
  drops: readonly DropReport[],
): ObservedName {
  return {
    nameservers: plan.nameservers,
    searches: plan.searches,
    isInHosts: inHosts.length > 0,
    ...(hit === undefined ? {} : { hit }),
    addresses,
    drops,
    questions: questions.map(({ answer, failure, milliseconds, name, server, type }) => ({
      name,
      type,
      server,
      answer: answer === undefined ? (failure ?? 'no answer') : rcodeName(answer.rcode),
      values: answer?.answers.map(({ data }) => data) ?? [],
      milliseconds,
    })),
  };
}

interface Sending {
  readonly place: Standpoint;
  readonly address: string;
  readonly agents: Agents;
}

async function connect(options: ObserveOptions, sending: Sending): Promise<ObservedConnection> {
  const { address, agents, place } = sending;
  const { target, trace } = options;
  const flows = flowsOf(trace, address);
  const nodes = nodesOf(trace, flows);
  const at = servicePlaceOf(trace, address);
  const since = Date.now();
  const look = async () => ({
    counters: await agents.counters(flows),
    service: at === undefined ? undefined : await agents.service(at),
  });
  const before = await look();
  let tracked: readonly TrackedConnection[] = [];
  const whileOpen = async (local: { readonly address: string; readonly port: number }) => {
    tracked = await agents.tracked(nodes, local, target.protocol);
  };
  const { port } = target;
  const base = { namespacePath: place.namespacePath, address, port, timeoutMilliseconds: waitMilliseconds };
  const exchange: Exchange =
    target.protocol === 'UDP'
      ? await sendDatagram({ ...base, whenSent: whileOpen })
      : await sendRequest({
          ...base,
          whileOpen,
          ...(target.http === undefined ? {} : { http: httpOf(options, target.http) }),
        });
  const after = await look();
  const [drops, ways, proxy] = await Promise.all([
    agents.drops(nodes, flows, since),
    agents.ways(nodes),
    exchange.response === undefined ? undefined : proxyLineOf(options),
  ]);
  const service = at === undefined ? undefined : serviceChange(at.node, before.service, after.service);
  return {
    to: { address, port },
    protocol: target.protocol,
    ...exchange,
    tracked,
    counters: counterChanges(before.counters, after.counters),
    ...(service === undefined ? {} : { service }),
    drops,
    ways,
    ...(proxy === undefined ? {} : { proxy }),
  };
}

/** The Service's address, on the node whose rules translate it. */
function servicePlaceOf({ hops }: Trace, address: string): ServicePlace | undefined {
  const frontends = hops.flatMap(hop => (hop.hop === 'service' ? hop.frontends : []));
  const frontend = frontends.find(one => one.address === address);
  if (frontend?.node === undefined) return undefined;
  const { node, port, protocol } = frontend;
  return { node, address, port, protocol };
}

function httpOf({ authorities, requestId, target }: ObserveOptions, http: NonNullable<Target['http']>) {
  const usual = http.scheme === 'https' ? 443 : 80;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  const given = http.headers.map(({ name }) => name.toLowerCase());
  const own = [
    { name: 'Host', value: target.port === usual ? host : `${host}:${target.port}` },
    { name: 'User-Agent', value: 'fairlead-trace' },
    { name: 'Accept', value: '*/*' },
    { name: 'X-Request-Id', value: requestId },
  ].filter(({ name }) => !given.includes(name.toLowerCase()));
  return { ...http, host: target.host, authorities, headers: [...own, ...http.headers] };
}

/** The connections that are possible from here, as both ends' policies see them. */
function flowsOf({ hops }: Trace, address: string): readonly Judgement[] {
  const gatewayAt = hops.findIndex(({ hop }) => hop === 'gateway');
  return hops.flatMap((hop, index) => {
    if (hop.hop !== 'policy') return [];
    const isBehind = gatewayAt >= 0 && index > gatewayAt;
    const own = hop.choices.filter(({ to }) => to.address.includes(':') === address.includes(':'));
    return (isBehind ? hop.choices : own).slice(0, mostFlows);
  });
}

/** Where the connection, and a proxy's behind it, may pass. */
function nodesOf({ hops }: Trace, flows: readonly Judgement[]): readonly string[] {
  const all = [
    ...hops.flatMap(hop => {
      if (hop.hop === 'origin') return [hop.node];
      return hop.hop === 'service' ? hop.frontends.map(({ node }) => node) : [];
    }),
    ...flows.flatMap(({ from, to }) => [from.node, to.node]),
  ];
  return [...new Set(all.filter(node => node !== undefined))];
}

/** What a proxy of the Gateway wrote about the request, which it has the id of. */
function proxyLineOf({ client, requestId, trace }: ObserveOptions): Promise<ProxyLine | undefined> {
  const gateway = trace.hops.find(hop => hop.hop === 'gateway');
  const pods = (gateway?.proxies ?? []).flatMap(({ pod }) => pod ?? []);
  return pods.length === 0
    ? Promise.resolve(undefined)
    : findProxyLine(client, [...new Set(pods)], requestId);
}
