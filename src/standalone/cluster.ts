import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../base/errors.ts';
import { addressAt, formatAddress, formatPrefix, overlaps, parsePrefix, type Prefix } from '../base/ip.ts';
import { defaults, paths } from '../kernel/contract.ts';

export type Topology = 'one-link' | 'two-links';
/** `auto`: as the kernel allows. */
export type ServiceMode = 'auto' | 'ebpf' | 'nftables';
export type DnsKernel = 'auto' | 'off';

export interface NodeConfig {
  /** `node-1`, `node-2`, … */
  readonly name: string;
  readonly link: 1 | 2;
  /** The IPv4 address, then the IPv6 address. */
  readonly addresses: readonly string[];
}

/** Everything that is decided about a cluster before its first process starts; kept as `cluster.json` and never changed. */
export interface ClusterConfig {
  readonly name: string;
  readonly nodes: readonly NodeConfig[];
  readonly topology: Topology;
  /** Whether the fabric has a way to the networks of the host. */
  readonly outside: boolean;
  /** Where people reach the API server: a loopback address of the host. */
  readonly apiServer: { readonly host: string; readonly port: number };
  /** One prefix a family, the primary family first. */
  readonly podPrefixes: readonly string[];
  readonly servicePrefixes: readonly string[];
  readonly clusterDomain: string;
  /** How agents translate Services; absent: as the kernel allows. */
  readonly serviceMode?: ServiceMode;
  /** Whether the kernel answers DNS on pods' links; absent: where it can. */
  readonly dnsKernel?: DnsKernel;
}

/** What a person may choose. */
export interface ClusterChoice {
  readonly name: string;
  readonly nodes: number;
  readonly topology: Topology;
  readonly outside: boolean;
  readonly podPrefixes: readonly string[];
  readonly servicePrefixes: readonly string[];
  readonly serviceMode?: ServiceMode;
  readonly dnsKernel?: DnsKernel;
}

export const defaultChoice: ClusterChoice = {
  name: 'default',
  nodes: 3,
  topology: 'one-link',
  outside: false,
  podPrefixes: defaults.podPrefixes,
  servicePrefixes: defaults.servicePrefixes,
};

const mostNodes = 50;
const longestName = 20;

/** Files of a cluster, below `paths.state` (durable) and `paths.run` (until the next boot). */
export const clusterFiles = {
  config: (cluster: string) => join(paths.state(cluster), 'cluster.json'),
  pki: (cluster: string) => join(paths.state(cluster), 'pki'),
  /** The authority of self-signed certificates: `ca.crt` is what clients of Gateways trust. */
  selfSigned: (cluster: string) => join(paths.state(cluster), 'pki', 'self-signed'),
  /** The image map that people gave with --images. */
  images: (cluster: string) => join(paths.state(cluster), 'images.yaml'),
  store: (cluster: string) => join(paths.state(cluster), 'store.db'),
  /** `user` is admin, controllers, runtime, or a node's name. */
  kubeconfig: (cluster: string, user: string) => join(paths.state(cluster), `${user}.kubeconfig`),
  runtimeSocket: (cluster: string) => join(paths.run(cluster), 'runtime.sock'),
  /** What the supervisor runs; `status` reads it, and a new supervisor adopts from it. */
  processes: (cluster: string) => join(paths.run(cluster), 'processes.json'),
  logs: (cluster: string) => join(paths.run(cluster), 'logs'),
  log: (cluster: string, component: string) => join(paths.run(cluster), 'logs', `${component}.log`),
} as const;

/**
 * The configuration that follows from a choice. Throws a FairleadError that names the option (`field`) for anything
 * that cannot work.
 */
export function planCluster(choice: ClusterChoice, apiServerPort: number): ClusterConfig {
  checkName(choice.name);
  if (!Number.isInteger(choice.nodes) || choice.nodes < 1 || choice.nodes > mostNodes) {
    throw new FairleadError(
      'cluster/bad-nodes',
      `A cluster has 1 to ${mostNodes} nodes, not ${choice.nodes}.`,
      {
        field: '--nodes',
        hint: `Give --nodes a whole number from 1 to ${mostNodes}.`,
      },
    );
  }
  checkPrefixes(choice);
  return {
    name: choice.name,
    nodes: Array.from({ length: choice.nodes }, (_, index) => nodeAt(index + 1, choice.topology)),
    topology: choice.topology,
    outside: choice.outside,
    apiServer: { host: '127.0.0.1', port: apiServerPort },
    podPrefixes: choice.podPrefixes,
    servicePrefixes: choice.servicePrefixes,
    clusterDomain: defaults.clusterDomain,
    ...(choice.serviceMode === undefined ? {} : { serviceMode: choice.serviceMode }),
    ...(choice.dnsKernel === undefined ? {} : { dnsKernel: choice.dnsKernel }),
  };
}

/** A DNS label of at most 20 characters: it becomes part of namespace, cgroup and directory names. */
export function checkName(name: string): void {
  if (name.length <= longestName && /^[a-z]([a-z0-9-]*[a-z0-9])?$/.test(name)) return;
  throw new FairleadError('cluster/bad-name', `"${name.slice(0, 80)}" cannot be the name of a cluster.`, {
    field: '--name',
    hint: `Use at most ${longestName} lower-case letters, digits and dashes, with a letter first and no dash last.`,
  });
}

/** Undefined when the cluster was never planned, or is gone. Throws when the file is there and cannot be used. */
export function loadCluster(name: string): ClusterConfig | undefined {
  const file = clusterFiles.config(name);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FairleadError('cluster/unreadable', `The configuration of cluster ${name} cannot be read`, {
      cause,
    });
  }
  try {
    const config = JSON.parse(text) as ClusterConfig;
    if (config.name !== name || config.nodes.length < 1 || config.apiServer.port < 1) {
      throw new Error('it does not describe this cluster');
    }
    return config;
  } catch (cause) {
    throw new FairleadError('cluster/corrupt', `${file} is damaged`, {
      cause,
      hint: `Remove what is left of the cluster with "fairlead down --name ${name}" and bring it up again.`,
    });
  }
}

/** Durable and atomic: a reader sees the old file or the whole new one. */
export function saveCluster(config: ClusterConfig): void {
  const file = clusterFiles.config(config.name);
  mkdirSync(paths.state(config.name), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

/** Odd nodes stand on the first link and, where there are two links, even nodes on the second. */
function nodeAt(number: number, topology: Topology): NodeConfig {
  const link = topology === 'two-links' && number % 2 === 0 ? 2 : 1;
  return {
    name: `node-${number}`,
    link,
    addresses: defaults.links[link].prefixes.map(text => {
      const prefix = mustParse(text);
      return formatAddress(addressAt(prefix, BigInt(number)));
    }),
  };
}

function checkPrefixes(choice: ClusterChoice): void {
  const pods = familiesOf(choice.podPrefixes, '--pod-prefixes');
  const services = familiesOf(choice.servicePrefixes, '--service-prefixes');
  for (const prefix of pods) {
    const nodeLength = defaults.nodePodPrefixLengths[prefix.family];
    if (prefix.length <= nodeLength && 2 ** Math.min(nodeLength - prefix.length, 30) >= choice.nodes)
      continue;
    const enough = nodeLength - Math.ceil(Math.log2(choice.nodes));
    throw new FairleadError(
      'cluster/pod-prefix-too-small',
      `${formatPrefix(prefix)} has no room for a /${nodeLength} for each of ${choice.nodes} nodes.`,
      { field: '--pod-prefixes', hint: `Give a prefix of /${enough} or shorter, or fewer nodes.` },
    );
  }
  for (const prefix of services) {
    const hostBits = (prefix.family === 4 ? 32 : 128) - prefix.length;
    if (hostBits >= 4 && hostBits <= 20) continue;
    throw new FairleadError(
      'cluster/service-prefix-size',
      `${formatPrefix(prefix)} cannot hold the addresses of Services: it has to leave 4 to 20 bits to them.`,
      {
        field: '--service-prefixes',
        hint: `Give a length from /${prefix.family === 4 ? 12 : 108} to /${prefix.family === 4 ? 28 : 124}.`,
      },
    );
  }
  if (pods.map(prefix => prefix.family).join() !== services.map(prefix => prefix.family).join()) {
    throw new FairleadError(
      'cluster/families-differ',
      `Pods (${choice.podPrefixes.join(', ')}) and Services (${choice.servicePrefixes.join(', ')}) need the same address families in the same order.`,
      {
        field: '--service-prefixes',
        hint: 'Give --pod-prefixes and --service-prefixes alike, IPv4 or IPv6 or both.',
      },
    );
  }
  checkApart([
    ...pods.map(prefix => ({ prefix, what: '--pod-prefixes' })),
    ...services.map(prefix => ({ prefix, what: '--service-prefixes' })),
    ...linkPrefixes().map(({ link, text }) => ({
      prefix: mustParse(text),
      what: `link ${link} of the nodes`,
    })),
  ]);
}

interface Range {
  readonly prefix: Prefix;
  readonly what: string;
}

function checkApart(ranges: readonly Range[]): void {
  for (const [index, a] of ranges.entries()) {
    for (const b of ranges.slice(index + 1)) {
      if (!overlaps(a.prefix, b.prefix)) continue;
      throw new FairleadError(
        'cluster/prefixes-overlap',
        `${formatPrefix(a.prefix)} (${a.what}) overlaps ${formatPrefix(b.prefix)} (${b.what}).`,
        { field: a.what, hint: 'Choose prefixes that have no address in common.' },
      );
    }
  }
}

/** The prefixes of both links, whether the topology uses both or not. */
export const linkPrefixes = (): readonly { readonly link: 1 | 2; readonly text: string }[] =>
  ([1, 2] as const).flatMap(link => defaults.links[link].prefixes.map(text => ({ link, text })));

function familiesOf(texts: readonly string[], field: string): readonly Prefix[] {
  const prefixes = texts.map(text => {
    const prefix = parsePrefix(text);
    if (prefix !== undefined) return prefix;
    throw new FairleadError('cluster/bad-prefix', `"${text.slice(0, 80)}" is not a network prefix.`, {
      field,
      hint: 'Write it as ADDRESS/LENGTH without host bits, such as 10.244.0.0/16 or fd00:10:244::/56.',
    });
  });
  if (prefixes.length === 0 || new Set(prefixes.map(prefix => prefix.family)).size !== prefixes.length) {
    throw new FairleadError(
      'cluster/bad-prefix',
      `${field} needs one prefix, or one of each address family.`,
      {
        field,
        hint: 'Separate an IPv4 and an IPv6 prefix by a comma.',
      },
    );
  }
  return prefixes;
}

function mustParse(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new Error(`the contract has a bad prefix: ${text}`);
  return prefix;
}
