import { closestOf } from '../../base/closest.ts';
import { formatAddress } from '../../base/ip.ts';
import { decideName } from '../../dns/index.ts';
import type { Decision } from '../../dns/index.ts';
import type { Pod } from '../../kube/types/pod.ts';
import { addressesOf, canonical } from './addresses.ts';
import type { TracedCluster } from './cluster.ts';
import type { AskedName, Judgement, NameHop, OriginHop } from './hops.ts';
import { judge } from './judge.ts';
import { candidatesOf, resolverOf } from './resolver.ts';

const dnsPort = 53;
const mostNear = 3;

/** What a pod's resolver finds for a name, and why. */
export function resolveInPod(cluster: TracedCluster, pod: Pod, origin: OriginHop, name: string): NameHop {
  const resolver = resolverOf(pod, {
    clusterDomain: cluster.objects.facts.clusterDomain,
    dnsAddresses: cluster.dnsAddresses,
  });
  const base = { hop: 'name', name, resolver, access: [], asked: [], addresses: [], near: [] } as const;
  const fromHosts = inHostsFile(pod, name);
  if (fromHosts !== undefined)
    return {
      ...base,
      by: 'hosts',
      outcome: 'found',
      addresses: fromHosts.addresses,
      sentence: `the pod's /etc/hosts says it: ${fromHosts.why}`,
    };
  const isClusters = resolver.nameservers.some(server => cluster.dnsAddresses.includes(server));
  if (!isClusters)
    return {
      ...base,
      by: 'nobody',
      outcome: 'unknown',
      sentence:
        resolver.policy === 'Default'
          ? "the pod has its node's /etc/resolv.conf, which the API does not tell"
          : "none of the pod's name servers is the cluster's DNS",
    };
  const access = accessToDns(cluster, origin, resolver.nameservers);
  const asked = ask(cluster, candidatesOf(name, resolver));
  const found = asked.find(one => one.outcome === 'found');
  const answered = { ...base, by: 'dns', access, asked } as const;
  if (access.length > 0 && access.every(judgement => !judgement.allowed))
    return { ...answered, outcome: 'dns-dropped', sentence: 'policy does not let the pod ask the DNS' };
  if (found !== undefined) return { ...answered, outcome: 'found', ...foundAs(found) };
  // A name of one label is nobody's outside: top-level domains have no addresses.
  const elsewhere = asked.find(one => one.outcome === 'elsewhere' && one.name.includes('.'));
  if (elsewhere !== undefined)
    return {
      ...answered,
      outcome: 'unknown',
      sentence: `${elsewhere.name} is not a name of the cluster: others answer for it`,
      near: nearTo(cluster, pod.metadata.namespace ?? '', name),
    };
  return {
    ...answered,
    outcome: 'no-such-name',
    sentence: asked.some(one => one.outcome === 'no-data')
      ? `${name} has no address`
      : `the cluster's DNS has no such name`,
    near: nearTo(cluster, pod.metadata.namespace ?? '', name),
  };
}

/** What the cluster's DNS says to each name, until one has an address. */
export function ask(cluster: TracedCluster, names: readonly string[]): readonly AskedName[] {
  const asked: AskedName[] = [];
  for (const name of names) {
    const one = askFor(cluster, name);
    asked.push(one);
    if (one.outcome === 'found') break;
  }
  return asked;
}

function askFor({ names }: TracedCluster, name: string): AskedName {
  const decisions = (['A', 'AAAA'] as const).map(type => decideName(names, name, type));
  const records = decisions.flatMap(decision =>
    (decision !== undefined && 'answers' in decision ? decision.answers : []).map(
      ({ name: owner, data, from }) => ({
        name: owner,
        type: data.type,
        value: 'address' in data ? formatAddress(data.address) : 'target' in data ? data.target : '',
        object: from.object,
        field: from.field,
      }),
    ),
  );
  const unique = [...new Map(records.map(record => [JSON.stringify(record), record])).values()];
  return { name, outcome: outcomeOf(decisions, unique), records: unique };
}

function outcomeOf(
  decisions: readonly (Decision | undefined)[],
  records: AskedName['records'],
): AskedName['outcome'] {
  if (records.some(({ type }) => type === 'A' || type === 'AAAA')) return 'found';
  const outcomes = decisions.map(decision => decision?.outcome);
  if (outcomes.includes('answer') || outcomes.includes('elsewhere')) return 'elsewhere';
  if (outcomes.includes('no-data')) return 'no-data';
  return outcomes.includes('no-name') ? 'no-name' : 'invalid';
}

function foundAs({ name, records }: AskedName): Pick<NameHop, 'addresses' | 'sentence'> {
  const addresses = records.filter(({ type }) => type === 'A' || type === 'AAAA');
  const objects = [...new Set(addresses.map(({ object }) => object))].join(', ');
  return {
    addresses: addresses.map(({ value }) => value),
    sentence: `${name} is ${addresses.length === 1 ? 'an address' : `${addresses.length} addresses`} of ${objects}`,
  };
}

function accessToDns(
  cluster: TracedCluster,
  origin: OriginHop,
  nameservers: readonly string[],
): readonly Judgement[] {
  return nameservers.flatMap(server => {
    const source = sameFamily(origin.addresses, server);
    if (source === undefined) return [];
    const pod = origin.object?.startsWith('Pod/') === true ? origin.object.slice('Pod/'.length) : undefined;
    const judgement = judge(cluster, {
      from: { address: source, ...(pod === undefined ? {} : { pod }) },
      to: { address: server, port: dnsPort },
      protocol: 'UDP',
      isTranslated: false,
    });
    return judgement === undefined ? [] : [judgement];
  });
}

/** The first of the addresses that is of the family of another one. */
export const sameFamily = (addresses: readonly string[], other: string): string | undefined =>
  addresses.find(address => address.includes(':') === other.includes(':'));

/** /etc/hosts as a kubelet writes it: the pod itself, `localhost`, and `spec.hostAliases`. */
function inHostsFile(
  pod: Pod,
  name: string,
): { readonly addresses: readonly string[]; readonly why: string } | undefined {
  const wanted = name.replace(/\.$/, '').toLowerCase();
  if (wanted === 'localhost') return { addresses: ['127.0.0.1', '::1'], why: 'the pod itself' };
  const hostname = (pod.spec.hostname ?? pod.metadata.name).toLowerCase();
  const own = addressesOf(pod);
  if (wanted === hostname && own.length > 0 && pod.spec.hostNetwork !== true)
    return { addresses: own, why: 'it is the name of the pod itself' };
  const aliases = (pod.spec.hostAliases ?? []).flatMap(({ hostnames = [], ip }, index) =>
    hostnames.some(alias => alias.toLowerCase() === wanted) ? [{ index, addresses: canonical(ip) }] : [],
  );
  return aliases.length === 0
    ? undefined
    : {
        addresses: aliases.flatMap(({ addresses }) => addresses),
        why: aliases.map(({ index }) => `spec.hostAliases[${index}]`).join(', '),
      };
}

/** Services of the same name elsewhere, then the one that was most likely meant. */
export function nearTo(cluster: TracedCluster, namespace: string, name: string): readonly string[] {
  const [first = '', second] = name.split('.');
  const services = cluster.objects.services.map(({ metadata }) => ({
    name: metadata.name,
    namespace: metadata.namespace ?? '',
  }));
  const short = (service: (typeof services)[number]) =>
    service.namespace === namespace ? service.name : `${service.name}.${service.namespace}`;
  const same = services.filter(service => service.name === first).map(short);
  const candidates =
    second === undefined
      ? services.filter(service => service.namespace === namespace).map(service => service.name)
      : services.map(service => `${service.name}.${service.namespace}`);
  const closest = closestOf(second === undefined ? first : `${first}.${second}`, candidates);
  const all = [...same, ...(closest === undefined ? [] : [closest])];
  return [...new Set(all)].filter(one => one !== name).slice(0, mostNear);
}
