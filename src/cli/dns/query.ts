import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../../base/errors.ts';
import { parsePrefix } from '../../base/ip.ts';
import {
  buildClusterNames,
  dnsAddressesOf,
  keyOf,
  loadConfig,
  rcodeName,
  typeNumber,
} from '../../dns/index.ts';
import type { ClusterNames, Decision } from '../../dns/index.ts';
import { paths } from '../../kernel/contract.ts';
import { createClient } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { loadKubeconfig } from '../../kube/kubeconfig.ts';
import { ENDPOINT_SLICES, NAMESPACES, NODES, PODS, SERVICES } from '../../kube/resources.ts';
import { resolveName } from '../../probe/index.ts';
import type { AskedQuestion, Resolution } from '../../probe/index.ts';
import { checkName, clusterFiles, loadCluster } from '../../standalone/cluster.ts';
import type { ClusterConfig } from '../../standalone/cluster.ts';
import { noSuchCluster } from '../kubeconfig.ts';
import { requireRoot } from '../require-root.ts';
import { table } from '../table.ts';
import { originIn } from '../trace/find-origin.ts';
import { parseOrigin } from '../trace/parse-request.ts';
import { standpointOf } from '../trace/standpoint.ts';

export interface DnsQueryCall {
  readonly cluster: string;
  readonly name: string;
  /** Both A and AAAA where none is given, as a C library asks. */
  readonly type: string | undefined;
  /** Absent: the first node. */
  readonly from: string | undefined;
  readonly form: 'text' | 'json';
}

/** One question, its answer, and what in the cluster's objects makes it so. */
interface Step extends AskedQuestion {
  /** `Service/default/web spec.clusterIPs[0]`; why there is nothing; or that others answer. */
  readonly because: string;
}

interface QueryReport {
  readonly from: string;
  readonly plan: Resolution['plan'];
  /** /etc/hosts of the pod knows the name: nobody has to be asked. */
  readonly inHosts: readonly string[];
  readonly steps: readonly Step[];
  readonly hit?: string;
}

const timeoutMilliseconds = 2500;

/** Asks for a name from a place of the cluster, as its own resolver would; the exit code is 1 where nothing is found. */
export async function dnsQuery(call: DnsQueryCall): Promise<number> {
  checkName(call.cluster);
  if (call.type !== undefined && typeNumber(call.type) === undefined)
    throw new FairleadError('dns/bad-type', `"${call.type}" is no type of records`, {
      field: 'TYPE',
      hint: 'Write A, AAAA, SRV, PTR, CNAME, TXT, MX, NS, SOA, or TYPE65.',
    });
  requireRoot('dns query');
  const config = loadCluster(call.cluster);
  const file = clusterFiles.kubeconfig(call.cluster, 'admin');
  if (config === undefined || !existsSync(file)) throw noSuchCluster(call.cluster);
  const client = createClient(loadKubeconfig(file));
  try {
    const report = await query(call, config, client);
    process.stdout.write(call.form === 'json' ? `${JSON.stringify(report, null, 2)}\n` : textOf(report));
    return report.hit === undefined && report.inHosts.length === 0 ? 1 : 0;
  } finally {
    client.close();
  }
}

async function query(call: DnsQueryCall, config: ClusterConfig, client: KubeClient): Promise<QueryReport> {
  const all = async <T>(list: Promise<{ readonly items: readonly T[] }>): Promise<readonly T[]> =>
    (await list).items;
  const [namespaces, services, endpointSlices, pods, nodes] = await Promise.all([
    all(client.list(NAMESPACES)),
    all(client.list(SERVICES)),
    all(client.list(ENDPOINT_SLICES)),
    all(client.list(PODS)),
    all(client.list(NODES)),
  ]);
  const { clusterDomain } = config;
  const { rules } = (await loadConfig(join(paths.state(call.cluster), 'dns.yaml'), false)).config;
  const names = buildClusterNames({ clusterDomain, namespaces, services, endpointSlices, pods, rules });
  const from = call.from ?? `node/${config.nodes[0]?.name ?? ''}`;
  const origin = originIn({ pods, nodes }, parseOrigin(from));
  const node =
    origin.kind === 'pod' ? nodeOf(pods, origin) : origin.kind === 'node' ? origin.name : undefined;
  const object = origin.kind === 'pod' ? `Pod/${origin.namespace}/${origin.name}` : from;
  const place = standpointOf(call.cluster, pods, {
    kind: origin.kind,
    object,
    ...(node === undefined ? {} : { node }),
  });
  const servers = dnsAddressesOf(config.servicePrefixes.flatMap(text => parsePrefix(text) ?? []));
  const resolvConf = place.files?.resolvConf ?? servers.map(server => `nameserver ${server}\n`).join('');
  const { plan, inHosts, questions, hit } = await resolveName({
    namespacePath: place.namespacePath,
    files: { resolvConf, hosts: place.files?.hosts ?? '' },
    name: call.name,
    ...(call.type === undefined ? {} : { types: [call.type.toUpperCase()] }),
    timeoutMilliseconds,
    random: Math.random,
  });
  const steps = questions.map(step => ({ ...step, because: becauseOf(names, step.name, step.type) }));
  return { from, plan, inHosts, steps, ...(hit === undefined ? {} : { hit }) };
}

/** By the objects as they are now. */
function becauseOf(names: ClusterNames, name: string, type: string): string {
  const [key, number] = [keyOf(name), typeNumber(type)];
  return key === undefined || number === undefined ? '' : reasonOf(names.decide(key, number));
}

function reasonOf(decision: Decision): string {
  switch (decision.outcome) {
    case 'answer': {
      const from = [...new Set(decision.answers.map(({ from: { object, field } }) => `${object} ${field}`))];
      const more = from.length > 1 ? ` and ${from.length - 1} more` : '';
      return `${from[0] ?? 'the zone'}${more}${decision.continues === undefined ? '' : '; the rest is of others'}`;
    }
    case 'no-data':
      return 'it exists, without such a record';
    case 'no-name':
      return 'no object makes this name';
    case 'elsewhere':
      return 'not of the cluster: cache or upstream';
    case 'not-yet':
      return 'not known yet';
    case 'refused':
      return 'a zone is given to those alone that the configuration names';
  }
}

function nodeOf(
  pods: readonly {
    readonly metadata: { readonly namespace?: string; readonly name: string };
    readonly spec: { readonly nodeName?: string };
  }[],
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string | undefined {
  return pods.find(pod => pod.metadata.namespace === namespace && pod.metadata.name === name)?.spec.nodeName;
}

/** The model has records, and the server said that there are none. */
const otherwise = ({ answer, because }: Step): boolean =>
  answer?.rcode === absentCode && /^[A-Z]/.test(because);

const absentCode = 3;

function textOf({ from, plan, inHosts, steps, hit }: QueryReport): string {
  const search = plan.searches.length === 0 ? 'no search list' : `search ${plan.searches.join(' ')}`;
  const head = `${from}: nameserver ${plan.nameservers.join(', ')}; ${search}; ndots ${plan.ndots}`;
  if (inHosts.length > 0) return `${head}\n/etc/hosts has it: ${inHosts.join(', ')}\n`;
  const rows = steps.map(step => [
    step.name,
    step.type,
    step.server,
    step.answer === undefined ? (step.failure ?? 'no answer') : rcodeName(step.answer.rcode),
    `${step.milliseconds.toFixed(1)} ms${step.transport === 'tcp' ? ' (TCP)' : ''}`,
    step.answer?.answers
      .map(({ type, data }) => (type === step.type ? data : `${type} ${data}`))
      .join(', ') ?? '',
    otherwise(step) ? `${step.because}; the server has other rules, or does not know it yet` : step.because,
  ]);
  const entry = steps.find(({ name }) => name === hit)?.searchEntry;
  const where = entry === undefined ? 'as it was given' : `search entry ${entry} of ${plan.searches.length}`;
  const total = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0).toFixed(1);
  const end =
    hit === undefined
      ? `nothing found, ${steps.length} questions, ${total} ms`
      : `found: ${hit} (${where}), ${steps.length} questions, ${total} ms`;
  return `${[head, ...table(['NAME', 'TYPE', 'SERVER', 'CODE', 'TIME', 'ANSWERS', 'BECAUSE'], rows), end].join('\n')}\n`;
}
