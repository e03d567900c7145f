import type { Deployment } from '../../../kube/types/apps.ts';
import { matchesSelector } from '../../../kube/selector.ts';
import type { Pod } from '../../../kube/types/pod.ts';
import { listsOf, namespaceObjects, some } from '../check.ts';
import type { Check, Found } from '../check.ts';
import { readCorefile } from '../corefile.ts';
import { dnsServiceLevel, slowSeconds } from '../dns-service-level.ts';
import type { AuditFacts } from '../facts.ts';

const label = 'k8s-app';
const value = 'kube-dns';
/** What a kubelet writes into resolv.conf for ClusterFirst: names with fewer dots go through the search list first. */
const clusterNdots = 5;
/** A name as most services outside have one: with ndots above its dots it goes through the search list first. */
const example = 'api.example.com';
const dotsOfExample = 2;
/** NAMESPACE.svc.DOMAIN, svc.DOMAIN and DOMAIN. */
const clusterSearch = 3;
/** From here on a cache on each node spares what crosses the network. */
const manyNodes = 10;

const isServer = ({ metadata }: Pod): boolean =>
  metadata.namespace === 'kube-system' && metadata.labels?.[label] === value;

const serverDeployments = (facts: AuditFacts): readonly Deployment[] =>
  listsOf(facts).deployments.filter(
    ({ metadata, spec }) =>
      metadata.namespace === 'kube-system' && spec.template.metadata?.labels?.[label] === value,
  );

/** Each node answers itself: by a cache of its own, or by a pod that stands for the node's server. */
function isNodeLocal(facts: AuditFacts): boolean {
  const { daemonSets, nodes, pods } = listsOf(facts);
  if (daemonSets.some(({ metadata }) => /node-local-dns|nodelocaldns/.test(metadata.name))) return true;
  const served = new Set(pods.filter(isServer).map(({ spec }) => spec.nodeName));
  return serverDeployments(facts).length === 0 && nodes.every(({ metadata }) => served.has(metadata.name));
}

export const dnsChecks: readonly Check[] = [
  {
    code: 'dns-service',
    item: 'dns',
    title: 'cluster DNS is not answered',
    severity: 'critical',
    why: 'Nearly every connection of every pod begins with a question to it.',
    next: 'kubectl -n kube-system get service,endpointslice,pods -l k8s-app=kube-dns',
    needs: ['services', 'pods'],
    run: facts => {
      if (facts.source === 'manifests') return { unchecked: 'manifests need not hold it' };
      const { pods, services } = listsOf(facts);
      const system = services.filter(({ metadata }) => metadata.namespace === 'kube-system');
      // Installers name it kube-dns or coredns; its label is what they agree on.
      const service =
        system.find(({ metadata }) => metadata.labels?.[label] === value) ??
        system.find(({ metadata }) => metadata.name === 'kube-dns');
      if (service === undefined)
        return {
          looked: 1,
          found: [{ evidence: `there is no Service in kube-system with ${label}=${value}` }],
        };
      const ready = pods.filter(
        pod =>
          isServer(pod) &&
          pod.status?.conditions?.some(({ status, type }) => type === 'Ready' && status === 'True') === true,
      );
      return {
        looked: 1,
        found:
          ready.length > 0
            ? []
            : [
                {
                  object: { kind: 'Service', metadata: service.metadata },
                  evidence: `no pod with ${label}=${value} in kube-system is Ready`,
                },
              ],
      };
    },
  },
  {
    code: 'dns-replicas',
    item: 'dns',
    title: 'cluster DNS has one replica',
    severity: 'high',
    why: 'While it restarts or its node is gone, names do not resolve anywhere.',
    next: 'Scale it to two at least, or let it grow with the cluster (cluster-proportional-autoscaler).',
    needs: ['deployments'],
    run: facts => {
      const deployments = serverDeployments(facts);
      return {
        looked: deployments.length,
        found: deployments.flatMap(({ metadata, spec }): Found[] =>
          (spec.replicas ?? 1) >= 2
            ? []
            : [
                {
                  object: { kind: 'Deployment', metadata },
                  field: 'spec.replicas',
                  evidence: `${spec.replicas ?? 1}`,
                },
              ],
        ),
      };
    },
  },
  {
    code: 'dns-spread',
    item: 'dns',
    title: 'all replicas of cluster DNS are on one node',
    severity: 'high',
    why: 'One node’s loss takes names from all of them.',
    next: 'Add a topology spread constraint over kubernetes.io/hostname (and over zones), then restart the rollout.',
    needs: ['pods', 'nodes'],
    run: facts => {
      const { nodes, pods } = listsOf(facts);
      const servers = pods.filter(pod => isServer(pod) && pod.spec.nodeName !== undefined);
      const used = new Set(servers.map(({ spec }) => spec.nodeName));
      const zoneOf = new Map(
        nodes.map(({ metadata }) => [metadata.name, metadata.labels?.['topology.kubernetes.io/zone']]),
      );
      const zones = new Set([...zoneOf.values()].filter(zone => zone !== undefined));
      const usedZones = new Set([...used].map(name => zoneOf.get(name ?? '')));
      if (servers.length < 2 || nodes.length < 2) return { looked: 0, found: [] };
      if (used.size === 1)
        return {
          looked: servers.length,
          found: [{ evidence: `${servers.length} pods, all on ${some([...used].map(String))}` }],
        };
      return {
        looked: servers.length,
        found:
          zones.size > 1 && usedZones.size === 1
            ? [
                {
                  evidence: `${servers.length} pods, all in zone ${some([...usedZones].map(String))}`,
                  severity: 'medium',
                },
              ]
            : [],
      };
    },
  },
  {
    code: 'dns-disruption-budget',
    item: 'dns',
    title: 'nothing keeps a drain from taking all of cluster DNS',
    severity: 'low',
    why: 'Nodes that are drained at once may hold every replica.',
    next: 'Add a PodDisruptionBudget with maxUnavailable: 1 for k8s-app=kube-dns.',
    needs: ['deployments', 'disruptionBudgets'],
    run: facts => {
      const deployments = serverDeployments(facts);
      const budgets = listsOf(facts).disruptionBudgets.filter(
        ({ metadata }) => metadata.namespace === 'kube-system',
      );
      return {
        looked: deployments.length,
        found: deployments
          .filter(
            ({ spec }) =>
              !budgets.some(budget => matchesSelector(budget.spec?.selector, spec.template.metadata?.labels)),
          )
          .map(({ metadata }) => ({
            object: { kind: 'Deployment', metadata },
            evidence: 'no PodDisruptionBudget selects its pods',
          })),
      };
    },
  },
  {
    code: 'dns-not-node-local',
    item: 'dns',
    title: 'questions cross the network to central servers',
    severity: 'low',
    why: 'Each question is a UDP packet through connection tracking to another node; a lost one costs five seconds.',
    next: 'Run a DNS cache on each node (NodeLocal DNSCache, or a node-local server).',
    needs: ['nodes', 'daemonSets', 'deployments', 'pods'],
    run: facts => {
      const { nodes } = listsOf(facts);
      return {
        looked: nodes.length >= manyNodes ? 1 : 0,
        found:
          nodes.length >= manyNodes && !isNodeLocal(facts)
            ? [{ evidence: `${nodes.length} nodes, and no DaemonSet of a node-local cache` }]
            : [],
      };
    },
  },
  {
    code: 'dns-ndots',
    item: 'dns',
    title: 'names outside the cluster cost a multiple of questions',
    severity: 'low',
    why: `With ndots:${clusterNdots} a name with fewer dots is first asked with each search domain, for A and AAAA alike.`,
    next: 'In workloads that speak to the outside set dnsConfig.options ndots: 2 (names with one dot still go through the list), or write names with a dot at the end.',
    needs: ['pods'],
    run: facts => {
      const { pods } = listsOf(facts);
      const asking = pods.filter(
        ({ metadata, spec }) =>
          metadata.namespace !== 'kube-system' &&
          (spec.dnsPolicy === undefined || spec.dnsPolicy === 'ClusterFirst') &&
          spec.hostNetwork !== true,
      );
      const slow = asking.filter(({ spec }) => {
        const ndots = spec.dnsConfig?.options?.find(({ name }) => name === 'ndots')?.value;
        return ndots === undefined || Number(ndots) > dotsOfExample;
      });
      const namespaces = Map.groupBy(slow, ({ metadata }) => metadata.namespace ?? 'default');
      const questions = (clusterSearch + 1) * 2;
      const objectOf = namespaceObjects(facts);
      return {
        looked: asking.length,
        found: [...namespaces].map(([namespace, own]) => ({
          object: objectOf(namespace),
          evidence: `${own.length} pods ask ${questions} questions for a name like ${example} where 2 would do: ${some([...new Set(own.map(ownerOf))])}`,
        })),
      };
    },
  },
  {
    code: 'dns-upstreams',
    item: 'dns',
    title: 'names outside hang on a single upstream',
    severity: 'medium',
    why: 'When that server is away, every name outside the cluster is.',
    next: 'Name two upstreams that do not share their fate in the forward plugin.',
    needs: ['configMaps'],
    run: facts => {
      const corefile = readCorefile(listsOf(facts).configMaps);
      if (corefile === undefined) return { unchecked: 'there is no ConfigMap with a Corefile' };
      const forwards = corefile.directives.filter(({ name }) => name === 'forward');
      return {
        looked: forwards.length,
        found: forwards.flatMap(({ words }): Found[] => {
          const upstreams = words.slice(1);
          return upstreams.length === 1 && !upstreams[0]?.startsWith('/')
            ? [{ object: corefile.object, field: 'Corefile', evidence: `forward ${words.join(' ')}` }]
            : [];
        }),
      };
    },
  },
  {
    code: 'dns-cache',
    item: 'dns',
    title: 'cluster DNS does not cache',
    severity: 'medium',
    why: 'Every question for a name outside goes to the upstream.',
    next: 'Add cache 30 to the server block.',
    needs: ['configMaps'],
    run: facts => withoutDirective(facts, 'cache'),
  },
  {
    code: 'dns-not-measured',
    item: 'dns',
    title: 'cluster DNS tells no metrics',
    severity: 'medium',
    why: 'Latency, errors and saturation of what everything depends on cannot be watched or alerted on.',
    next: 'Add prometheus :9153 to the server block, scrape it, and alert on p99 latency and the share of SERVFAIL.',
    needs: ['configMaps'],
    run: facts => withoutDirective(facts, 'prometheus'),
  },
  {
    code: 'dns-readiness',
    item: 'dns',
    title: 'cluster DNS takes questions before it knows the answers',
    severity: 'low',
    why: 'Without the ready plugin a server that has not yet read the cluster gets questions, and answers them with SERVFAIL.',
    next: 'Add ready to the server block and a readinessProbe on :8181/ready.',
    needs: ['configMaps'],
    run: facts => withoutDirective(facts, 'ready'),
  },
  {
    code: 'dns-service-level',
    item: 'dns',
    title: 'cluster DNS misses its targets',
    severity: 'high',
    why: `Of a thousand answers one may be SERVFAIL, of a hundred one may take more than ${slowSeconds} s; no question may be refused for want of room. What misses that is felt by every user.`,
    next: 'Compare the servers; look at the upstreams’ latency, at the share of names outside (dns-ndots), and at the number of replicas.',
    needs: ['metrics'],
    run: facts => dnsServiceLevel(listsOf(facts).metrics),
  },
];

function withoutDirective(facts: AuditFacts, name: string): ReturnType<Check['run']> {
  const corefile = readCorefile(listsOf(facts).configMaps);
  if (corefile === undefined) return { unchecked: 'there is no ConfigMap with a Corefile' };
  return {
    looked: 1,
    found: corefile.directives.some(directive => directive.name === name)
      ? []
      : [{ object: corefile.object, field: 'Corefile', evidence: `it has no ${name}` }],
  };
}

/** Pods of one workload have the owner’s name, with what the controller of a Deployment adds taken away. */
function ownerOf({ metadata }: Pod): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return metadata.name;
  const hash = metadata.labels?.['pod-template-hash'];
  return hash !== undefined && owner.name.endsWith(`-${hash}`)
    ? owner.name.slice(0, -hash.length - 1)
    : owner.name;
}
