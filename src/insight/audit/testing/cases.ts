import type { AuditFacts, AuditObjects } from '../facts.ts';

/** When the test objects are looked at. */
export const now = Date.parse('2026-11-01T00:00:00Z');
const day = 24 * 3600 * 1000;

/** Objects as an API server lists them: without kind, each with its metadata. */
type Lists = { readonly [K in keyof AuditObjects]?: readonly object[] };

const meta = (name: string, more: object = {}) => ({ metadata: { name, namespace: 'shop', ...more } });
const system = (name: string, more: object = {}) => ({
  metadata: { name, namespace: 'kube-system', ...more },
});
const daemonSet = (name: string, image: string, status?: object) => ({
  ...system(name),
  spec: { template: { spec: { containers: [{ name, image }] } } },
  ...(status === undefined ? {} : { status }),
});
const proxyConfig = (text: string) => ({
  ...system('kube-proxy'),
  data: {
    'config.conf': `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${text}`,
  },
});
const corefile = (text: string) => ({ ...system('coredns'), data: { Corefile: `.:53 {\n${text}\n}\n` } });
const node = (name: string, more: object = {}) => ({ metadata: { name }, ...more });
const pod = (name: string, spec: object = {}, more: object = {}) => ({
  ...meta(name, { labels: { app: name } }),
  spec: { nodeName: 'node-1', containers: [], ...spec },
  status: { podIPs: [{ ip: '10.244.0.5' }], ...more },
});
const dnsPod = (name: string, nodeName: string, ip: string) => ({
  ...system(name, { labels: { 'k8s-app': 'kube-dns' } }),
  spec: { nodeName, containers: [] },
  status: { podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] },
});
const dnsDeployment = (replicas: number) => ({
  ...system('coredns'),
  spec: { replicas, template: { metadata: { labels: { 'k8s-app': 'kube-dns' } }, spec: { containers: [] } } },
});
export const service = (name: string, spec: object = {}) => ({ ...meta(name), spec });
const ingress = (name: string, spec: object, annotations: Readonly<Record<string, string>> = {}) => ({
  ...meta(name, { annotations }),
  spec,
});
const leadsTo = (host: string, name: string, number: number) => ({
  ingressClassName: 'nginx',
  rules: [{ host, http: { paths: [{ path: '/', backend: { service: { name, port: { number } } } }] } }],
});
const gateway = (name: string, spec: object = {}, status: object = {}) => ({
  ...meta(name),
  spec: { gatewayClassName: 'fairlead', listeners: [], ...spec },
  status,
});
const definition = (name: string, version: string) => ({
  metadata: {
    name: `${name}.gateway.networking.k8s.io`,
    annotations: {
      'gateway.networking.k8s.io/bundle-version': version,
      'gateway.networking.k8s.io/channel': 'standard',
    },
  },
});
const sample = (name: string, value: number, labels: Readonly<Record<string, string>> = {}) => ({
  source: 'node-1.txt',
  name,
  labels,
  value,
});
const dnsMetrics = (servfail: number, slow: number, rejected: number) => [
  sample('coredns_dns_responses_total', 10_000 - servfail, { rcode: 'NOERROR' }),
  sample('coredns_dns_responses_total', servfail, { rcode: 'SERVFAIL' }),
  sample('coredns_dns_request_duration_seconds_bucket', 5000, { le: '0.064' }),
  sample('coredns_dns_request_duration_seconds_bucket', 10_000 - slow, { le: '0.128' }),
  sample('coredns_dns_request_duration_seconds_bucket', 10_000, { le: '+Inf' }),
  sample('coredns_dns_request_duration_seconds_count', 10_000),
  sample('coredns_forward_max_concurrent_rejects_total', rejected),
];
const accepted = { conditions: [{ type: 'Accepted', status: 'True', message: '' }] };
const kinds: readonly (keyof AuditObjects)[] = [
  'nodes',
  'pods',
  'namespaces',
  'services',
  'endpointSlices',
  'configMaps',
  'daemonSets',
  'deployments',
  'disruptionBudgets',
  'networkPolicies',
  'clusterNetworkPolicies',
  'ingresses',
  'ingressClasses',
  'definitions',
  'gatewayClasses',
  'gateways',
  'httpRoutes',
  'grpcRoutes',
  'tlsRoutes',
  'tcpRoutes',
  'udpRoutes',
  'referenceGrants',
  'certificates',
  'metrics',
];

/** Facts that hold these lists, and know all others to be empty. */
export const factsOf = (lists: Lists, source: AuditFacts['source'] = 'cluster'): AuditFacts => ({
  source,
  now,
  // Test objects hold what the checks read and no more.
  objects: Object.fromEntries(
    kinds.map(kind => [kind, { items: lists[kind] ?? [] }]),
  ) as unknown as AuditFacts['objects'],
});

interface Case {
  readonly code: string;
  readonly wrong: Lists;
  readonly evidence: RegExp;
  /** The same, put right; it has to be looked at. */
  readonly right: Lists;
  readonly source?: 'manifests';
}

const egressPolicy = (to: readonly object[]) => ({
  ...meta('deny'),
  spec: { podSelector: {}, policyTypes: ['Egress'], egress: to.length === 0 ? [] : [{ to }] },
});
const twoNodes = [node('node-1'), node('node-2')];

/** What each check finds, and the same put right. */
export const cases: readonly Case[] = [
  {
    code: 'cni-node-without-network',
    wrong: {
      nodes: [
        node('node-1', {
          status: { conditions: [{ type: 'Ready', status: 'False', message: 'cni plugin not initialized' }] },
        }),
      ],
    },
    evidence: /cni plugin not initialized/,
    right: { nodes: [node('node-1', { status: { conditions: [{ type: 'Ready', status: 'True' }] } })] },
  },
  {
    code: 'cni-several',
    wrong: {
      daemonSets: [
        daemonSet('cilium', 'quay.io/cilium/cilium:v1.19.0@sha256:0'),
        daemonSet('calico-node', 'docker.io/calico/node:v3.30.0'),
      ],
    },
    evidence: /Cilium and Calico/,
    right: {
      daemonSets: [
        daemonSet('cilium', 'quay.io/cilium/cilium:v1.19.0'),
        daemonSet('kube-multus-ds', 'ghcr.io/k8snetworkplumbingwg/multus-cni:v4'),
      ],
    },
  },
  {
    code: 'cni-unknown',
    wrong: { nodes: twoNodes, daemonSets: [daemonSet('own', 'registry.example.com/own:1')] },
    evidence: /none of 1 DaemonSets/,
    right: { nodes: twoNodes, daemonSets: [daemonSet('kindnet', 'docker.io/kindest/kindnetd:v2026')] },
  },
  {
    code: 'cni-policies-not-enforced',
    wrong: {
      daemonSets: [daemonSet('kube-flannel-ds', 'ghcr.io/flannel-io/flannel:v0.27.0')],
      networkPolicies: [egressPolicy([])],
    },
    evidence: /1 NetworkPolicies, and Flannel does not enforce/,
    right: {
      daemonSets: [daemonSet('calico-node', 'calico/node:v3.30.0')],
      networkPolicies: [egressPolicy([])],
    },
  },
  {
    code: 'cni-ended',
    wrong: { daemonSets: [daemonSet('weave-net', 'weaveworks/weave-kube:2.8.1')] },
    evidence: /Weave Net 2\.8\.1: its repository is archived/,
    right: { daemonSets: [daemonSet('antrea-agent', 'antrea/antrea-agent-ubuntu:v2.4.0')] },
  },
  {
    code: 'cni-not-everywhere',
    wrong: {
      daemonSets: [daemonSet('calico-node', 'calico/node:v3', { desiredNumberScheduled: 3, numberReady: 2 })],
    },
    evidence: /ready on 2 of 3 nodes/,
    right: {
      daemonSets: [daemonSet('calico-node', 'calico/node:v3', { desiredNumberScheduled: 3, numberReady: 3 })],
    },
  },
  {
    code: 'cni-addresses-run-out',
    wrong: {
      nodes: [node('node-1', { spec: { podCIDRs: ['10.244.0.0/29'] } })],
      pods: ['a', 'b', 'c', 'd', 'e'].map(name => pod(name)),
    },
    evidence: /5 of 5 pod addresses/,
    right: {
      nodes: [node('node-1', { spec: { podCIDRs: ['10.244.0.0/24', 'fd00::/64'] } })],
      pods: ['a', 'b'].map(name => pod(name)),
    },
  },
  {
    code: 'cni-mtu',
    wrong: { configMaps: [{ ...system('cilium-config'), data: { mtu: '1200' } }] },
    evidence: /the MTU is 1200/,
    right: { configMaps: [{ ...system('cilium-config'), data: { mtu: '1450' } }] },
  },
  {
    code: 'services-ipvs',
    wrong: { configMaps: [proxyConfig('mode: "ipvs" # fast\n')] },
    evidence: /mode is "ipvs"/,
    right: { configMaps: [proxyConfig('mode: nftables\n')] },
  },
  {
    code: 'services-iptables',
    wrong: { configMaps: [proxyConfig('mode: ""\n')], services: [service('web')] },
    evidence: /not set, which means iptables", with 1|not set, which means iptables, with 1 Services/,
    right: { configMaps: [proxyConfig('mode: nftables\n')] },
  },
  {
    code: 'services-kernel-too-old',
    wrong: {
      nodes: [
        node('node-1', {
          status: { nodeInfo: { operatingSystem: 'linux', kernelVersion: '5.4.0-200-generic' } },
        }),
      ],
    },
    evidence: /5\.4\.0-200-generic/,
    right: {
      nodes: [node('node-1', { status: { nodeInfo: { operatingSystem: 'linux', kernelVersion: '6.1.0' } } })],
    },
  },
  {
    code: 'services-two-translators',
    wrong: {
      daemonSets: [
        daemonSet('kube-proxy', 'registry.k8s.io/kube-proxy:v1.35.0'),
        daemonSet('cilium', 'quay.io/cilium/cilium:v1.19.0'),
      ],
      configMaps: [{ ...system('cilium-config'), data: { 'kube-proxy-replacement': 'true' } }],
    },
    evidence: /Cilium translates Services too/,
    right: { daemonSets: [daemonSet('kube-proxy', 'registry.k8s.io/kube-proxy:v1.35.0')] },
  },
  {
    code: 'services-external-ips',
    wrong: { services: [service('web', { externalIPs: ['203.0.113.9'] })] },
    evidence: /203\.0\.113\.9/,
    right: { services: [service('web')] },
  },
  {
    code: 'services-local-node-ports',
    wrong: {
      configMaps: [proxyConfig('mode: iptables\nnodePortAddresses: null\n')],
      services: [service('web', { ports: [{ port: 80, nodePort: 30080 }] })],
    },
    evidence: /shop\/web/,
    right: {
      configMaps: [proxyConfig('nodePortAddresses:\n- 10.0.0.0/8\n')],
      services: [service('web', { ports: [{ port: 80, nodePort: 30080 }] })],
    },
  },
  {
    code: 'services-without-endpoints',
    wrong: {
      services: [service('web', { selector: { app: 'web' } })],
      endpointSlices: [
        {
          ...meta('web-1', { labels: { 'kubernetes.io/service-name': 'web' } }),
          endpoints: [{ addresses: ['10.244.0.5'], conditions: { ready: false } }],
        },
      ],
    },
    evidence: /no ready pod has app=web/,
    right: {
      services: [service('web', { selector: { app: 'web' } })],
      endpointSlices: [
        {
          ...meta('web-1', { labels: { 'kubernetes.io/service-name': 'web' } }),
          endpoints: [{ addresses: ['10.244.0.5'] }],
        },
      ],
    },
  },
  {
    code: 'services-selector-matches-nothing',
    source: 'manifests',
    wrong: { services: [service('web', { selector: { app: 'wbe' } })], pods: [pod('web')] },
    evidence: /no workload has app=wbe/,
    right: { services: [service('web', { selector: { app: 'web' } })], pods: [pod('web')] },
  },
  {
    code: 'gateway-ingress-nginx',
    wrong: {
      ingressClasses: [{ metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } }],
      ingresses: [ingress('web', leadsTo('a.example.com', 'web', 80))],
    },
    evidence: /1 Ingresses use a class/,
    right: { ingressClasses: [{ metadata: { name: 'x' }, spec: { controller: 'fairlead.dev/ingress' } }] },
  },
  {
    code: 'gateway-not-adopted',
    wrong: { ingresses: [ingress('web', leadsTo('a.example.com', 'web', 80))] },
    evidence: /1 Ingresses, and no definition/,
    right: {
      ingresses: [ingress('web', leadsTo('a.example.com', 'web', 80))],
      definitions: [definition('gateways', 'v1.6.1')],
    },
  },
  {
    code: 'gateway-definitions-mixed',
    wrong: { definitions: [definition('gateways', 'v1.6.1'), definition('httproutes', 'v1.2.0')] },
    evidence: /v1\.2\.0 \(standard\), v1\.6\.1 \(standard\)/,
    right: { definitions: [definition('gateways', 'v1.6.1'), definition('httproutes', 'v1.6.1')] },
  },
  {
    code: 'gateway-class',
    wrong: { gateways: [gateway('edge')] },
    evidence: /there is no GatewayClass "fairlead"/,
    right: {
      gateways: [gateway('edge')],
      gatewayClasses: [{ metadata: { name: 'fairlead' }, status: accepted }],
    },
  },
  {
    code: 'gateway-not-programmed',
    wrong: {
      gateways: [
        gateway(
          'edge',
          {},
          {
            conditions: [{ type: 'Programmed', status: 'True', message: '' }],
            listeners: [
              {
                name: 'https',
                conditions: [{ type: 'ResolvedRefs', status: 'False', message: 'no Secret' }],
              },
            ],
          },
        ),
      ],
    },
    evidence: /ResolvedRefs is False: no Secret/,
    right: {
      gateways: [gateway('edge', {}, { conditions: [{ type: 'Programmed', status: 'True', message: '' }] })],
    },
  },
  {
    code: 'gateway-route-refused',
    wrong: {
      httpRoutes: [
        {
          ...meta('web'),
          spec: {},
          status: {
            parents: [
              {
                parentRef: { name: 'edge' },
                conditions: [
                  {
                    type: 'Accepted',
                    status: 'False',
                    reason: 'NotAllowedByListeners',
                    message: 'no listener',
                  },
                ],
              },
            ],
          },
        },
      ],
    },
    evidence: /edge: NotAllowedByListeners: no listener/,
    right: {
      httpRoutes: [
        { ...meta('web'), spec: {}, status: { parents: [{ parentRef: { name: 'edge' }, ...accepted }] } },
      ],
    },
  },
  {
    code: 'gateway-dangling-backend',
    wrong: {
      ingresses: [ingress('web', leadsTo('a.example.com', 'web', 8080))],
      services: [service('web', { ports: [{ port: 80 }] })],
    },
    evidence: /Service shop\/web has no port 8080/,
    right: {
      httpRoutes: [{ ...meta('web'), spec: { rules: [{ backendRefs: [{ name: 'web', port: 80 }] }] } }],
      services: [service('web', { ports: [{ port: 80 }] })],
    },
  },
  {
    code: 'gateway-grant-too-wide',
    wrong: {
      referenceGrants: [
        {
          ...meta('certs'),
          spec: {
            from: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'edge' }],
            to: [{ group: '', kind: 'Secret' }],
          },
        },
      ],
    },
    evidence: /not set, for Gateway of edge/,
    right: {
      referenceGrants: [
        { ...meta('certs'), spec: { from: [], to: [{ group: '', kind: 'Secret', name: 'web-tls' }] } },
      ],
    },
  },
  {
    code: 'gateway-certificate-expires',
    wrong: { certificates: [{ ...meta('web-tls'), notAfter: now - day }] },
    evidence: /expired on 2026-10-31/,
    right: { certificates: [{ ...meta('web-tls'), notAfter: now + 90 * day }] },
  },
  {
    code: 'gateway-host-served-twice',
    wrong: {
      ingresses: [ingress('web', leadsTo('A.example.com', 'web', 80))],
      httpRoutes: [{ ...meta('web'), spec: { hostnames: ['a.example.com'] } }],
    },
    evidence: /also a hostname of HTTPRoute\/shop\/web/,
    right: {
      ingresses: [ingress('web', leadsTo('a.example.com', 'web', 80))],
      httpRoutes: [{ ...meta('web'), spec: { hostnames: ['b.example.com'] } }],
    },
  },
  {
    code: 'gateway-listeners-near-limit',
    wrong: { gateways: [gateway('edge', { listeners: Array.from({ length: 60 }, () => ({})) })] },
    evidence: /60 of 64/,
    right: { gateways: [gateway('edge', { listeners: [{}] })] },
  },
  {
    code: 'gateway-snippets',
    wrong: {
      ingresses: [ingress('web', {}, { 'nginx.ingress.kubernetes.io/server-snippet': 'return 200;' })],
    },
    evidence: /server-snippet/,
    right: { ingresses: [ingress('web', {}, { 'nginx.ingress.kubernetes.io/ssl-redirect': 'true' })] },
  },
  {
    code: 'gateway-ingress-without-class',
    wrong: { ingresses: [ingress('web', { rules: [] })] },
    evidence: /not set, and there is no annotation/,
    right: {
      ingresses: [ingress('web', { ingressClassName: 'nginx' })],
      ingressClasses: [{ metadata: { name: 'nginx' } }],
    },
  },
  {
    code: 'gateway-plain-http',
    wrong: {
      ingresses: [
        ingress('web', { rules: [{ host: 'a.b.example.com' }], tls: [{ hosts: ['*.example.com'] }] }),
      ],
    },
    evidence: /no entry names a\.b\.example\.com/,
    right: {
      ingresses: [
        ingress('web', { rules: [{ host: 'a.example.com' }], tls: [{ hosts: ['*.example.com'] }] }),
      ],
    },
  },
  {
    code: 'dns-service',
    wrong: { services: [{ ...system('kube-dns'), spec: {} }] },
    evidence: /no pod with k8s-app=kube-dns/,
    right: {
      services: [{ ...system('kube-dns'), spec: {} }],
      pods: [dnsPod('dns-1', 'node-1', '10.244.0.2')],
    },
  },
  {
    code: 'dns-service',
    wrong: {},
    evidence: /no Service in kube-system with k8s-app=kube-dns/,
    right: {
      services: [{ ...system('rke2-coredns', { labels: { 'k8s-app': 'kube-dns' } }), spec: {} }],
      pods: [dnsPod('dns-1', 'node-1', '10.244.0.2')],
    },
  },
  {
    code: 'dns-service-level',
    wrong: { metrics: dnsMetrics(11, 0, 0) },
    evidence: /node-1\.txt: 0\.11 % of 10000 answers are SERVFAIL$/,
    right: { metrics: dnsMetrics(10, 100, 0) },
  },
  {
    code: 'dns-service-level',
    wrong: { metrics: dnsMetrics(0, 101, 3) },
    evidence: /1\.01 % of 10000 took more than 0\.128 s, 3 questions found no room/,
    right: { metrics: dnsMetrics(0, 0, 0) },
  },
  {
    code: 'services-conntrack',
    wrong: {
      metrics: [
        sample('node_nf_conntrack_entries', 210_000),
        sample('node_nf_conntrack_entries_limit', 262_144),
      ],
    },
    evidence: /node-1\.txt: 210000 of 262144 entries/,
    right: {
      metrics: [sample('node_nf_conntrack_entries', 9), sample('node_nf_conntrack_entries_limit', 262_144)],
    },
  },
  {
    code: 'dns-ndots',
    wrong: { pods: [pod('web', { dnsConfig: { options: [{ name: 'ndots', value: '3' }] } })] },
    evidence: /a name like api\.example\.com/,
    right: { pods: [pod('web', { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } })] },
  },
  {
    code: 'cni-several',
    wrong: {
      daemonSets: [
        daemonSet('aws-node', '602401143452.dkr.ecr.eu-west-1.amazonaws.com/amazon-k8s-cni:v1.20.0'),
        daemonSet('kube-flannel', 'ghcr.io/flannel-io/flannel:v0.27.0'),
      ],
    },
    evidence: /Amazon VPC CNI and Flannel/,
    right: {
      daemonSets: [
        daemonSet('aws-node', '602401143452.dkr.ecr.eu-west-1.amazonaws.com/amazon-k8s-cni:v1.20.0'),
        daemonSet('calico-node', 'quay.io/calico/node:v3.30.0'),
      ],
    },
  },
  {
    code: 'default-deny-ingress',
    wrong: {
      pods: [pod('web')],
      networkPolicies: [
        { ...meta('deny'), spec: { podSelector: {}, policyTypes: ['Ingress'] } },
        { ...meta('all'), spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] } },
      ],
    },
    evidence: /NetworkPolicy all opens them: spec\.ingress\[0\] names no from/,
    right: {
      pods: [pod('web')],
      namespaces: [{ metadata: { name: 'shop' } }],
      networkPolicies: [
        { ...meta('all'), spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] } },
      ],
      clusterNetworkPolicies: [
        {
          metadata: { name: 'closed' },
          spec: {
            tier: 'Admin',
            priority: 1,
            subject: { namespaces: {} },
            ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }],
          },
        },
      ],
    },
  },
  {
    code: 'default-deny-world',
    wrong: {
      networkPolicies: [{ ...meta('x'), spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] } }],
    },
    evidence: /not set, which is everybody/,
    right: {
      networkPolicies: [
        {
          ...meta('x'),
          spec: {
            podSelector: {},
            ingress: [{ from: [{ podSelector: {} }] }],
            egress: [{ ports: [{ port: 53 }] }],
          },
        },
      ],
    },
  },
  {
    code: 'dns-replicas',
    wrong: { deployments: [dnsDeployment(1)] },
    evidence: /^1$/,
    right: { deployments: [dnsDeployment(2)] },
  },
  {
    code: 'dns-spread',
    wrong: {
      nodes: twoNodes,
      pods: [dnsPod('a', 'node-1', '10.244.0.2'), dnsPod('b', 'node-1', '10.244.0.3')],
    },
    evidence: /2 pods, all on node-1/,
    right: {
      nodes: twoNodes,
      pods: [dnsPod('a', 'node-1', '10.244.0.2'), dnsPod('b', 'node-2', '10.244.1.3')],
    },
  },
  {
    code: 'dns-disruption-budget',
    wrong: { deployments: [dnsDeployment(2)] },
    evidence: /no PodDisruptionBudget/,
    right: {
      deployments: [dnsDeployment(2)],
      disruptionBudgets: [
        { ...system('dns'), spec: { selector: { matchLabels: { 'k8s-app': 'kube-dns' } } } },
      ],
    },
  },
  {
    code: 'dns-not-node-local',
    wrong: {
      nodes: Array.from({ length: 12 }, (_, at) => node(`node-${at}`)),
      deployments: [dnsDeployment(2)],
    },
    evidence: /12 nodes/,
    right: {
      nodes: Array.from({ length: 12 }, (_, at) => node(`node-${at}`)),
      daemonSets: [daemonSet('node-local-dns', 'registry.k8s.io/dns/k8s-dns-node-cache:1.26')],
    },
  },
  {
    code: 'dns-ndots',
    wrong: { pods: [pod('web')] },
    evidence: /1 pods ask 8 questions.*web/,
    right: { pods: [pod('web', { dnsConfig: { options: [{ name: 'ndots', value: '2' }] } })] },
  },
  {
    code: 'dns-upstreams',
    wrong: { configMaps: [corefile('    forward . 10.0.0.2 {\n      max_concurrent 1000\n    }')] },
    evidence: /forward \. 10\.0\.0\.2/,
    right: { configMaps: [corefile('    forward . 10.0.0.2 10.0.1.2')] },
  },
  {
    code: 'dns-cache',
    wrong: { configMaps: [corefile('    errors # cache 30')] },
    evidence: /it has no cache/,
    right: { configMaps: [corefile('    cache 30')] },
  },
  {
    code: 'dns-not-measured',
    wrong: { configMaps: [corefile('    cache 30')] },
    evidence: /it has no prometheus/,
    right: { configMaps: [corefile('    prometheus :9153')] },
  },
  {
    code: 'dns-readiness',
    wrong: { configMaps: [corefile('    kubernetes cluster.local {\n      ready\n    }')] },
    evidence: /it has no ready/,
    right: { configMaps: [corefile('    ready')] },
  },
  {
    code: 'default-deny-ingress',
    wrong: { pods: [pod('web')], namespaces: [{ metadata: { name: 'shop' } }] },
    evidence: /1 of 1 pods are open: web/,
    right: {
      pods: [pod('web')],
      namespaces: [{ metadata: { name: 'shop' } }],
      networkPolicies: [{ ...meta('deny'), spec: { podSelector: {}, policyTypes: ['Ingress'] } }],
    },
  },
  {
    code: 'default-deny-egress',
    wrong: {
      pods: [pod('web')],
      networkPolicies: [
        { ...meta('web'), spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] } },
      ],
    },
    evidence: /covered one by one/,
    right: { pods: [pod('web')], networkPolicies: [egressPolicy([])] },
  },
  {
    code: 'default-deny-dns',
    wrong: { pods: [pod('web'), dnsPod('dns', 'node-1', '10.244.0.2')], networkPolicies: [egressPolicy([])] },
    evidence: /1 pods: web/,
    right: {
      pods: [pod('web'), dnsPod('dns', 'node-1', '10.244.0.2')],
      networkPolicies: [
        egressPolicy([{ namespaceSelector: {}, podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } } }]),
      ],
    },
  },
  {
    code: 'default-deny-matches-nothing',
    wrong: {
      pods: [pod('web')],
      networkPolicies: [{ ...meta('x'), spec: { podSelector: { matchLabels: { app: 'wbe' } } } }],
    },
    evidence: /wbe/,
    right: {
      pods: [pod('web')],
      networkPolicies: [{ ...meta('x'), spec: { podSelector: { matchLabels: { app: 'web' } } } }],
    },
  },
  {
    code: 'default-deny-host-network',
    wrong: { pods: [pod('web', { hostNetwork: true })] },
    evidence: /true/,
    right: { pods: [pod('web')] },
  },
  {
    code: 'default-deny-world',
    wrong: {
      networkPolicies: [
        {
          ...meta('x'),
          spec: { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0' } }] }] },
        },
      ],
    },
    evidence: /0\.0\.0\.0\/0 without exceptions/,
    right: {
      networkPolicies: [
        {
          ...meta('x'),
          spec: {
            podSelector: {},
            ingress: [{ from: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }] }],
          },
        },
      ],
    },
  },
  {
    code: 'dual-stack-nodes',
    wrong: { nodes: [node('node-1', { spec: { podCIDRs: ['10.244.0.0/24'] } })] },
    evidence: /10\.244\.0\.0\/24: no IPv6/,
    right: { nodes: [node('node-1', { spec: { podCIDRs: ['10.244.0.0/24', 'fd00::/64'] } })] },
  },
  {
    code: 'dual-stack-service-range',
    wrong: {
      pods: [
        {
          ...system('kube-apiserver'),
          spec: { containers: [{ command: ['kube-apiserver', '--service-cluster-ip-range=10.96.0.0/16'] }] },
        },
      ],
    },
    evidence: /=10\.96\.0\.0\/16/,
    right: { services: [service('web', { clusterIPs: ['10.96.0.9', 'fd00::9'] })] },
  },
  {
    code: 'dual-stack-proxy',
    wrong: {
      configMaps: [proxyConfig('clusterCIDR: 10.244.0.0/16\n')],
      services: [service('both', { clusterIPs: ['10.96.0.9', 'fd00::9'] })],
    },
    evidence: /10\.244\.0\.0\/16/,
    right: {
      configMaps: [proxyConfig('clusterCIDR: 10.244.0.0/16,fd00::/56\n')],
      services: [service('both', { clusterIPs: ['10.96.0.9', 'fd00::9'] })],
    },
  },
  {
    code: 'dual-stack-services',
    wrong: {
      services: [
        service('both', { clusterIPs: ['10.96.0.9', 'fd00::9'] }),
        service('one', { clusterIPs: ['10.96.0.10'] }),
      ],
    },
    evidence: /10\.96\.0\.10: no IPv6/,
    right: { services: [service('both', { clusterIPs: ['10.96.0.9', 'fd00::9'] })] },
  },
  {
    code: 'dual-stack-outside',
    wrong: { gateways: [gateway('edge', {}, { addresses: [{ value: '2001:db8::1' }] })] },
    evidence: /2001:db8::1: no IPv4/,
    right: {
      gateways: [gateway('edge', {}, { addresses: [{ value: '2001:db8::1' }, { value: '192.0.2.1' }] })],
    },
  },
];
