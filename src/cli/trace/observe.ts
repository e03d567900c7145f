import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { sentenceOf } from '../../base/errors.ts';
import type { Provenance } from '../../base/provenance.ts';
import type {
  CounterChange,
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
import { cgroupProcesses } from '../../kernel/cgroup/index.ts';
import { cgroups, namespaces, paths } from '../../kernel/contract.ts';
import { namespacePath } from '../../kernel/ns/index.ts';
import type { KubeClient } from '../../kube/client.ts';
import { askAgent, resolveName, sendRequest } from '../../probe/index.ts';
import type { Exchange, Resolution } from '../../probe/index.ts';
import { findProxyLine } from './find-proxy-line.ts';

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

const nameMilliseconds = 1500;
/** The second and third attempt of TCP are sent after one and three seconds. */
const connectMilliseconds = 2500;
const agentMilliseconds = 3000;
/** A Service with more endpoints is counted at the first ones. */
const mostFlows = 8;

/** Sends the request for real, from where it begins, and gathers what every part of the cluster saw of it. */
export async function observe(options: ObserveOptions): Promise<Observed> {
  const { target, trace } = options;
  const origin = trace.hops.find(hop => hop.hop === 'origin');
  const silent: string[] = [];
  if (origin === undefined || origin.addresses.length === 0) return { silent };
  const place = placeOf(options, origin);
  const isName = trace.hops.some(hop => hop.hop === 'name');
  const resolution = isName && place.files !== undefined ? await resolve(options, place) : undefined;
  const known = trace.hops.flatMap(hop => (hop.hop === 'name' ? hop.addresses : []));
  const [address] = isName ? (resolution?.addresses ?? known) : [target.host];
  const name = resolution === undefined ? {} : { name: nameOf(resolution) };
  if (address === undefined) return { ...name, silent };
  const connection = await connect(options, { origin, place, address, silent });
  return { ...name, connection, silent: [...new Set(silent)] };
}

interface Standpoint {
  readonly namespacePath: string;
  /** Of the pod's file system; absent outside of pods. */
  readonly files?: { readonly resolvConf: string; readonly hosts: string };
}

function placeOf({ cluster, objects }: ObserveOptions, origin: OriginHop): Standpoint {
  if (origin.kind === 'world') return { namespacePath: namespacePath(namespaces.world(cluster)) };
  const node = origin.node ?? '';
  if (origin.kind === 'node') return { namespacePath: namespacePath(namespaces.node(cluster, node)) };
  const pod = objects.pods.find(
    ({ metadata }) => origin.object === `Pod/${metadata.namespace ?? ''}/${metadata.name}`,
  );
  const uid = pod?.metadata.uid ?? '';
  const isOfNode = pod?.spec.hostNetwork === true;
  const name = isOfNode ? namespaces.node(cluster, node) : namespaces.pod(cluster, uid);
  const files = filesOf(cgroups.pod(cluster, node, uid));
  return { namespacePath: namespacePath(name), ...(files === undefined ? {} : { files }) };
}

/** As a process of the pod sees them; undefined while none runs. The launcher beside it sees the host's. */
function filesOf(cgroup: string): Standpoint['files'] {
  const own = readIfPresent(() => readlinkSync('/proc/self/ns/mnt'));
  for (const pid of cgroupProcesses(cgroup)) {
    const mounts = readIfPresent(() => readlinkSync(`/proc/${pid}/ns/mnt`));
    if (mounts === undefined || mounts === own) continue;
    const read = (file: string) => readIfPresent(() => readFileSync(`/proc/${pid}/root/etc/${file}`, 'utf8'));
    const resolvConf = read('resolv.conf');
    if (resolvConf !== undefined) return { resolvConf, hosts: read('hosts') ?? '' };
  }
  return undefined;
}

/** A process may end between two looks at it. */
function readIfPresent(read: () => string): string | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
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

function nameOf({ questions, ...resolution }: Resolution): ObservedName {
  return {
    ...resolution,
    questions: questions.map(({ name, reply, server, type }) => ({
      name,
      type,
      server,
      answer: reply.kind === 'answer' ? reply.rcode : reply.kind === 'failed' ? reply.reason : 'no answer',
      values: reply.kind === 'answer' ? reply.records.map(({ value }) => value) : [],
      milliseconds: reply.milliseconds,
    })),
  };
}

interface Sending {
  readonly origin: OriginHop;
  readonly place: Standpoint;
  readonly address: string;
  readonly silent: string[];
}

async function connect(options: ObserveOptions, sending: Sending): Promise<ObservedConnection> {
  const { address, place, silent } = sending;
  const { target } = options;
  const flows = flowsOf(options.trace, address);
  const nodes = nodesOf(options.trace, flows);
  const before = await countersOf(options, flows, silent);
  let tracked: readonly TrackedConnection[] = [];
  const http = target.http === undefined ? {} : { http: httpOf(options, target.http) };
  const exchange: Exchange = await sendRequest({
    namespacePath: place.namespacePath,
    address,
    port: target.port,
    timeoutMilliseconds: connectMilliseconds,
    ...http,
    whileOpen: async local => {
      tracked = await trackedOf(options, nodes, local, silent);
    },
  });
  const after = await countersOf(options, flows, silent);
  const [ways, proxy] = await Promise.all([
    waysOf(options, nodes, silent),
    exchange.response === undefined ? undefined : proxyLineOf(options),
  ]);
  return {
    to: { address, port: target.port },
    ...exchange,
    tracked,
    ways,
    ...(proxy === undefined ? {} : { proxy }),
    counters: before.flatMap(one => {
      const same = after.find(
        other => other.key === one.key && other.node === one.node && other.flow === one.flow,
      );
      return same === undefined ? [] : [changeOf(one, same)];
    }),
  };
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

const socketOf = (cluster: string, node: string): string => join(paths.nodeRun(cluster, node), 'agent.sock');

/** What an agent says; undefined, with a sentence, where it does not. */
async function ask(
  { cluster }: ObserveOptions,
  node: string,
  path: string,
  silent: string[],
): Promise<unknown> {
  try {
    return await askAgent(socketOf(cluster, node), path, agentMilliseconds);
  } catch (error) {
    silent.push(`${node}: ${sentenceOf(error)}`);
    return undefined;
  }
}

/** As src/agent/observe.ts answers. */
interface CountersAnswer {
  readonly counters: readonly {
    readonly direction: 'egress' | 'ingress';
    readonly does: 'allow' | 'drop';
    readonly chain: string;
    readonly element?: { readonly set: string; readonly key: string };
    readonly rules: readonly { readonly provenance: Provenance }[];
    readonly policies: readonly Provenance[];
    readonly packets: number;
  }[];
}

interface Counted extends Pick<CounterChange, 'node' | 'direction' | 'does' | 'place' | 'by'> {
  readonly key: string;
  readonly flow: Judgement;
  readonly packets: number;
}

async function countersOf(
  options: ObserveOptions,
  flows: readonly Judgement[],
  silent: string[],
): Promise<readonly Counted[]> {
  const counted: Counted[] = [];
  for (const flow of flows) {
    const { from, protocol, to } = flow;
    const query = new URLSearchParams({
      source: from.address,
      destination: to.address,
      protocol,
      port: String(to.port ?? 0),
      hairpin: String(from.address === to.address),
    });
    const nodes = new Set([from.node, to.node].filter(node => node !== undefined));
    for (const node of nodes) {
      const answer = await ask(options, node, `/observe/counters?${query.toString()}`, silent);
      const { counters = [] } = (answer ?? {}) as Partial<CountersAnswer>;
      for (const { chain, direction, does, element, packets, policies, rules } of counters) {
        const place = element === undefined ? chain : `${element.set} { ${element.key} }`;
        const by =
          does === 'allow' ? rules.map(({ provenance }) => textOf(provenance)) : policies.map(objectOf);
        counted.push({ node, direction, does, place, by, key: `${direction} ${place}`, flow, packets });
      }
    }
  }
  return counted;
}

const objectOf = ({ kind, name, namespace }: Provenance): string => `${kind}/${namespace}/${name}`;

const textOf = (provenance: Provenance): string => `${objectOf(provenance)} ${provenance.field}`;

const changeOf = (before: Counted, after: Counted): CounterChange => ({
  node: before.node,
  source: before.flow.from.address,
  destination: before.flow.to.address,
  direction: before.direction,
  does: before.does,
  place: before.place,
  by: before.by,
  before: before.packets,
  after: after.packets,
});

async function trackedOf(
  options: ObserveOptions,
  nodes: readonly string[],
  local: { readonly address: string; readonly port: number },
  silent: string[],
): Promise<readonly TrackedConnection[]> {
  const query = new URLSearchParams({ address: local.address, port: String(local.port), protocol: 'TCP' });
  const answers = await Promise.all(
    nodes.map(async node => ({
      node,
      // As src/agent/observe.ts answers.
      answer: (await ask(options, node, `/observe/connections?${query.toString()}`, silent)) as
        | { readonly connections: readonly Omit<TrackedConnection, 'node'>[] }
        | undefined,
    })),
  );
  return answers.flatMap(({ answer, node }) =>
    (answer?.connections ?? []).map(({ mark, original, reply }) => ({ node, original, reply, mark })),
  );
}

async function waysOf(
  options: ObserveOptions,
  nodes: readonly string[],
  silent: string[],
): Promise<ObservedConnection['ways']> {
  const answers = await Promise.all(
    nodes.map(async from => {
      // As src/agent/status.ts answers.
      const status = (await ask(options, from, '/status', silent)) as
        | { readonly peers?: readonly Omit<ObservedConnection['ways'][number], 'from'>[] }
        | undefined;
      return (status?.peers ?? []).map(peer => ({ from, ...peer }));
    }),
  );
  return answers.flat();
}
