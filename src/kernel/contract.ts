/**
 * The data-plane contract: everything that Fairlead puts into a kernel or a file system has its name, number or bit
 * here, once. Blocks take from it and never invent their own; `contract.test.ts` finds collisions. ARCHITECTURE.md
 * draws it.
 */

/** Directories of a cluster: what must survive a reboot, and what must not. */
export const paths = {
  stateRoot: '/var/lib/fairlead',
  runRoot: '/run/fairlead',
  state: (cluster: string) => `/var/lib/fairlead/${cluster}`,
  run: (cluster: string) => `/run/fairlead/${cluster}`,
  nodeState: (cluster: string, node: string) => `/var/lib/fairlead/${cluster}/nodes/${node}`,
  /** Files of PersistentVolumeClaims, by the claim's uid: every node of this machine reaches them. */
  claims: (cluster: string) => `/var/lib/fairlead/${cluster}/claims`,
  /** What pods find of their node by hostPath. */
  nodeFiles: (cluster: string, node: string) => `/var/lib/fairlead/${cluster}/nodes/${node}/files`,
  nodeRun: (cluster: string, node: string) => `/run/fairlead/${cluster}/nodes/${node}`,
  /** The CNI plugin's way to the agent. */
  cniSocket: (cluster: string, node: string) => `/run/fairlead/${cluster}/nodes/${node}/cni.sock`,
  /** Where the CNI plugin leaves a DEL for an agent that does not run. */
  cniReleaseQueue: (cluster: string, node: string) => `/var/lib/fairlead/${cluster}/nodes/${node}/releases`,
  /** Where the agent hears from the DNS server which addresses names have that policies wait for. */
  namesSocket: (cluster: string, node: string) => `/run/fairlead/${cluster}/nodes/${node}/names.sock`,
  /** Where the agent writes its conflist; its appearance makes the node Ready. */
  cniConfigDirectory: (cluster: string, node: string) => `/run/fairlead/${cluster}/nodes/${node}/net.d`,
} as const;

/** Network namespaces, as `ip netns` shows them. Dots separate: no cluster, node or pod name part may contain one. */
export const namespaces = {
  directory: '/run/netns',
  prefix: (cluster: string) => `fairlead.${cluster}.`,
  fabric: (cluster: string) => `fairlead.${cluster}.fabric`,
  world: (cluster: string) => `fairlead.${cluster}.world`,
  node: (cluster: string, node: string) => `fairlead.${cluster}.${node}`,
  pod: (cluster: string, podUid: string) => `fairlead.${cluster}.pod-${podUid}`,
} as const;

/** Control groups below the cgroup v2 mount; killing the cluster's group ends every process of the cluster. */
export const cgroups = {
  root: 'fairlead',
  cluster: (cluster: string) => `fairlead/${cluster}`,
  controlPlane: (cluster: string) => `fairlead/${cluster}/control-plane`,
  agent: (cluster: string, node: string) => `fairlead/${cluster}/${node}/agent`,
  /** The subtree that Service translation by socket hooks attaches to. */
  pods: (cluster: string, node: string) => `fairlead/${cluster}/${node}/pods`,
  pod: (cluster: string, node: string, podUid: string) => `fairlead/${cluster}/${node}/pods/${podUid}`,
  container: (cluster: string, node: string, podUid: string, container: string) =>
    `fairlead/${cluster}/${node}/pods/${podUid}/${container}`,
} as const;

/** bpffs: pins of one node. bpffs is not namespaced, so nodes have folders. */
export const bpf = {
  mount: '/sys/fs/bpf',
  /** Says that the mount is ours, and goes with the last cluster. */
  mountMarker: '/run/fairlead/bpf-mounted',
  node: (cluster: string, node: string) => `/sys/fs/bpf/fairlead/${cluster}/${node}`,
  cluster: (cluster: string) => `/sys/fs/bpf/fairlead/${cluster}`,
  /** The socket hooks of Services: a map or a link (`link_…`) each. */
  services: (cluster: string, node: string) => `/sys/fs/bpf/fairlead/${cluster}/${node}/services`,
  /** Answers of DNS on pods' links: a map each, and the program (`program_answer`). */
  dns: (cluster: string, node: string) => `/sys/fs/bpf/fairlead/${cluster}/${node}/dns`,
} as const;

/** Interface names (at most 15 bytes). */
export const interfaces = {
  /** A node's or the world's interface on its link, and a pod's only interface. */
  uplink: 'eth0',
  pod: 'eth0',
  /** The two links of the fabric are bridges; their ports are named after who is behind them. */
  link: (index: 1 | 2) => `link${index}`,
  /** `id` is eleven hexadecimal digits of SHA-256 over `containerID/ifname`: the host's end of a pod's veth. */
  podHostPrefix: 'fl',
  podHost: (id: string) => `fl${id}`,
  vxlan: 'fl-vxlan',
  /** The fabric's way out with `--outside`. */
  outside: 'tap0',
} as const;

/** Groups of links (`ip link … group`), per network namespace. */
export const linkGroups = {
  /** Links that are about to be deleted together join it first. */
  deletion: 0x00fa_1ead,
} as const;

/** Addresses and ports of the default cluster, as docs/reference lists them. */
export const defaults = {
  clusterDomain: 'cluster.local',
  podPrefixes: ['10.244.0.0/16', 'fd00:10:244::/56'],
  nodePodPrefixLengths: { 4: 24, 6: 64 },
  servicePrefixes: ['10.96.0.0/16', 'fd00:10:96::/112'],
  links: {
    1: { prefixes: ['172.30.0.0/16', 'fd00:172:30::/64'], gateways: ['172.30.255.254', 'fd00:172:30::ffff'] },
    2: { prefixes: ['172.31.0.0/16', 'fd00:172:31::/64'], gateways: ['172.31.255.254', 'fd00:172:31::ffff'] },
  },
  /** Clients outside the cluster stand on the first link. */
  world: ['172.30.250.1', 'fd00:172:30::fa:1'],
  /** On the first link, so that ARP and neighbour discovery reach them. */
  loadBalancerPrefixes: ['172.30.200.0/24', 'fd00:172:30::c8:0/112'],
  /** The pods' gateway: on link scope, the same on every node, with a permanent neighbour entry. */
  podGateways: ['169.254.1.1', 'fe80::1'],
  /**
   * The MAC of every veth's host end: 169.254.1.1 in it. The links are point to point, so they may share it, and a pod's
   * gateway is known before the veth exists.
   */
  podGatewayMac: '02:00:a9:fe:01:01',
  /** Inside the fabric, for nodes and pods; people come in by a loopback port of the host. */
  apiServerPort: 6443,
  vxlan: { id: 4242, port: 8472 },
  linkMtu: 1500,
} as const;

/**
 * nftables. One inet table a block, so that blocks load and fail apart. Base chains: hook, priority and policy; the
 * order on one hook is the order of the priorities.
 */
export const nft = {
  tables: {
    pods: 'fairlead-pods',
    services: 'fairlead-services',
    policy: 'fairlead-policy',
    dns: 'fairlead-dns',
    /** Only in the fabric of a standalone cluster with `--outside`. */
    fabric: 'fairlead-fabric',
  },
  chains: {
    'dns/notrack-prerouting': { hook: 'prerouting', priority: -300 },
    'dns/notrack-output': { hook: 'output', priority: -300 },
    'services/nat-prerouting': { hook: 'prerouting', priority: -110 },
    'services/nat-output': { hook: 'output', priority: -110 },
    'services/filter-input': { hook: 'input', priority: -20 },
    'services/filter-forward': { hook: 'forward', priority: -20 },
    'services/filter-output': { hook: 'output', priority: -20 },
    'policy/forward': { hook: 'forward', priority: -10 },
    'policy/input': { hook: 'input', priority: -10 },
    'policy/output': { hook: 'output', priority: -10 },
    'pods/prerouting-source': { hook: 'prerouting', priority: -310 },
    /** Behind Services: a port that is both a Service's and a pod's is the Service's. */
    'pods/prerouting-host-ports': { hook: 'prerouting', priority: -105 },
    'pods/output-host-ports': { hook: 'output', priority: -105 },
    'pods/forward-mss': { hook: 'forward', priority: 10 },
    'pods/postrouting-masquerade': { hook: 'postrouting', priority: 110 },
    'fabric/postrouting-masquerade': { hook: 'postrouting', priority: 100 },
    'services/postrouting-masquerade': { hook: 'postrouting', priority: 105 },
  },
} as const;

/** Groups of nfnetlink_log, one reader each in a network namespace; other programs use small numbers. */
export const logGroups = { policyReports: 9801 } as const;

/**
 * Connection mark bits (`ct mark`): what has to last longer than one hook. A block reads and writes only its own bits,
 * with masks. No packet mark (`meta mark`) is ours; policy uses it inside of one rule, and sets it to 0 on packets of
 * isolated pods.
 */
export const connectionMarks = {
  /** Services decided that this connection has to leave with the node's address. */
  masquerade: 0x0000_4000,
  /** The connection was opened from a local pod's veth. */
  fromPod: 0x0001_0000,
  /** Policy took this connection back: it is dropped before `established accept`. */
  revoked: 0x0002_0000,
} as const;

/** Policy routing: table numbers; rule priorities lie in 100..199. */
export const routing = {
  /** `proto` of every route, rule and neighbour that we install: how we know our own after a restart. */
  protocol: 98,
  tables: {},
  /**
   * The kernel's table of the node's own addresses. A route of type `local` with our protocol in it makes the node answer
   * ARP for a load balancer's address, and take its packets, while it is on no link and no program's source address.
   */
  localTable: 255,
} as const;

/** Ports of a Gateway's proxy pods. A listener with the same port is refused: they are taken. */
export const proxy = {
  /** The agent of the pod's node dials it and pushes the route table, by TLS with a pre-shared key. */
  controlPort: 15443,
  /** `GET /ready` over HTTP: 200 while the proxy holds a table. */
  healthPort: 15020,
} as const;

/** TCP ports of the node where scrapers find metrics (Prometheus' text format, `GET /metrics`). */
export const metricsPorts = {
  agent: 9804,
  /** As CoreDNS has it, so that dashboards and scrape jobs carry over. */
  dns: 9153,
} as const;

/** tc: clsact, direct action, one dispatcher a direction; slots run in this order. */
export const tc = {
  priority: 49152,
  handle: 1,
  ingressSlots: ['dns'],
  egressSlots: [],
} as const;
