import { parseAddress, parsePrefix } from '../../base/ip.ts';
import type { Prefix } from '../../base/ip.ts';
import { parseLabelSelector } from '../../kube/selector.ts';
import { defaultRules } from '../model-rules.ts';
import type { NameRules } from '../model-rules.ts';
import { encodeName } from '../wire/name.ts';
import { typeNumber } from '../wire/type-names.ts';
import { defaultCache, defaultConfig, defaultForward, defaultHosts, defaultLimits } from './config.ts';
import type {
  AclConfig,
  CacheConfig,
  DnsConfig,
  ForwardConfig,
  HostsConfig,
  LimitsConfig,
  RewriteConfig,
  Upstream,
} from './config.ts';
import {
  badConfig,
  readBoolean,
  readChoice,
  readList,
  readMap,
  readNumber,
  readParsed,
  readText,
} from './read-document.ts';
import type { Node, Reader } from './read-document.ts';

/** Reads files that a configuration names; undefined for one that cannot be read. */
export type ReadFile = (path: string) => string | undefined;

const mostUpstreams = 15;
const dayMost = 86_400;

/** A parsed document as a configuration; throws `dns/bad-config` with line and column for what it does not know. */
export function readConfig(document: Node, readFile: ReadFile): DnsConfig {
  const { kubernetes, cache, hosts, ...rest } = readMap<DocumentFields>(
    {
      kubernetes: readKubernetes,
      forward: readList(forwardReader(readFile)),
      cache: orOff(readMap<CacheConfig>(cacheReaders, defaultCache)),
      hosts: orOff(readHosts),
      rewrite: readList(readRewrite),
      acl: readList(readAcl),
      log: readChoice('none', 'all', 'denial', 'error', 'success'),
      autopath: readBoolean,
      loopDetection: readBoolean,
      lameduckSeconds: readNumber(0, 600, false),
      limits: readMap<LimitsConfig>(limitReaders, defaultLimits),
    },
    { ...defaultConfig, kubernetes: defaultKubernetes },
  )(document, '');
  const { labels, namespaceLabels, transferTo, ...rules } = kubernetes;
  return { ...rest, rules, labels, namespaceLabels, transferTo, cache, hosts };
}

interface KubernetesFields extends NameRules, Pick<DnsConfig, 'labels' | 'namespaceLabels' | 'transferTo'> {}

type DocumentFields = Omit<DnsConfig, 'rules' | 'labels' | 'namespaceLabels' | 'transferTo'> & {
  readonly kubernetes: KubernetesFields;
};

const defaultKubernetes: KubernetesFields = {
  ...defaultRules,
  labels: '',
  namespaceLabels: '',
  transferTo: [],
};

/** `false` in the place of a map takes the whole out. */
const orOff =
  <T>(reader: Reader<T>): Reader<T | undefined> =>
  (node, path) =>
    node.kind === 'scalar' && node.value === false ? undefined : reader(node, path);

const readZone = readParsed(parseZone, 'a domain name');
const readPrefix = readParsed<Prefix>(prefixOrAddress, 'an address or a prefix such as 10.0.0.0/8');
const readSelector = readParsed(text => {
  try {
    parseLabelSelector(text);
    return text;
  } catch {
    return undefined; // said by the reader, with its place
  }
}, 'a label selector');

const readKubernetes: Reader<KubernetesFields> = readMap<KubernetesFields>(
  {
    ttl: readNumber(0, 3600),
    negativeTtl: readNumber(0, 3600),
    pods: readChoice('disabled', 'insecure', 'verified'),
    endpointPodNames: readBoolean,
    endpoints: readBoolean,
    clusterEndpoints: readBoolean,
    ignoreEmptyServices: readBoolean,
    zonal: readBoolean,
    namespaces: readList(readText),
    fallthrough: readList(readZone),
    labels: readSelector,
    namespaceLabels: readSelector,
    transferTo: readList(readPrefix),
  },
  defaultKubernetes,
);

function forwardReader(readFile: ReadFile): Reader<ForwardConfig> {
  const readUpstreams: Reader<readonly (readonly Upstream[])[]> = readList((node, path) => {
    const text = readText(node, path);
    if (text.startsWith('/')) return upstreamsOfFile(readFile(text), text, node, path);
    return [
      readParsed(parseUpstream, 'an address with or without a port, or the path of a resolv.conf')(
        node,
        path,
      ),
    ];
  });
  return (node, path) => {
    const found = readMap<Omit<ForwardConfig, 'to'> & { readonly to: readonly (readonly Upstream[])[] }>(
      {
        zones: readList(readZone),
        except: readList(readZone),
        to: readUpstreams,
        policy: readChoice('random', 'round_robin', 'sequential'),
        forceTcp: readBoolean,
        maxConcurrent: readNumber(1, 100_000),
        maxFails: readNumber(0, 1000),
        healthCheckSeconds: readNumber(0.05, 3600, false),
        timeoutSeconds: readNumber(0.05, 60, false),
        randomCase: readBoolean,
      },
      { ...defaultForward, to: [] },
    )(node, path);
    const to = found.to.flat();
    if (to.length === 0 || to.length > mostUpstreams)
      throw badConfig(`"to" has to name 1 to ${mostUpstreams} resolvers`, path, node.place);
    return { ...found, to };
  };
}

function upstreamsOfFile(
  text: string | undefined,
  file: string,
  node: Node,
  path: string,
): readonly Upstream[] {
  if (text === undefined) throw badConfig(`${file} cannot be read`, path, node.place);
  return text.split('\n').flatMap(line => {
    const [keyword, address = ''] = line.trim().split(/\s+/);
    const upstream = keyword === 'nameserver' ? parseUpstream(address) : undefined;
    return upstream === undefined ? [] : [upstream];
  });
}

const cacheReaders = {
  entries: readNumber(1, 10_000_000),
  bytes: readNumber(65_536, 2 ** 32),
  maxTtl: readNumber(0, dayMost),
  maxNegativeTtl: readNumber(0, dayMost),
  minTtl: readNumber(0, 3600),
  failureTtl: readNumber(0, 300),
  serveStale: readNumber(0, 7 * dayMost),
  prefetchHits: readNumber(0, 1_000_000),
  prefetchPercent: readNumber(10, 90),
  except: readList(readZone),
} as const;

const limitReaders = {
  tcpConnections: readNumber(1, 65_536),
  tcpConnectionsPerClient: readNumber(1, 65_536),
  tcpIdleSeconds: readNumber(1, 600),
  udpSize: readNumber(512, 4096),
} as const;

const readHosts: Reader<HostsConfig> = (node, path) => {
  const { file, ...rest } = readMap<Omit<HostsConfig, 'file'> & { readonly file: string }>(
    {
      file: readText,
      entries: readList(
        readMap<HostsConfig['entries'][number]>(
          {
            name: readZone,
            addresses: readList(
              readParsed(text => (parseAddress(text) === undefined ? undefined : text), 'an address'),
            ),
          },
          { name: '', addresses: [] },
        ),
        100_000,
      ),
      ttl: readNumber(0, 65_535),
      reverse: readBoolean,
    },
    { ...defaultHosts, file: '' },
  )(node, path);
  return file === '' ? rest : { ...rest, file };
};

const longestPattern = 500;

const readRewrite: Reader<RewriteConfig> = (node, path) => {
  const found = readMap<RewriteConfig>(
    {
      match: readChoice('exact', 'prefix', 'suffix', 'substring', 'regex', 'type'),
      from: readText,
      to: readText,
      continue: readBoolean,
    },
    { match: 'exact', from: '', to: '', continue: false },
  )(node, path);
  if (found.from === '') throw badConfig('"from" has to say what is rewritten', path, node.place);
  if (found.match === 'regex' && !isPattern(found.from))
    throw badConfig(`"${found.from.slice(0, 80)}" is not a pattern`, path, node.place);
  if (found.match === 'type' && [found.from, found.to].some(text => typeNumber(text) === undefined))
    throw badConfig('"from" and "to" have to be types of records, such as A', path, node.place);
  return found;
};

function isPattern(text: string): boolean {
  try {
    return text.length <= longestPattern && new RegExp(text) instanceof RegExp;
  } catch {
    return false; // said by the reader, with its place
  }
}

const readAcl: Reader<AclConfig> = readMap<AclConfig>(
  {
    action: readChoice('allow', 'block', 'filter', 'drop'),
    zones: readList(readZone),
    types: readList(
      readParsed(
        text => (typeNumber(text) === undefined ? undefined : text.toUpperCase()),
        'a type of records, such as A',
      ),
    ),
    from: readList(readPrefix),
  },
  { action: 'allow', zones: ['.'], types: [], from: [] },
);

function parseZone(text: string): string | undefined {
  const name = text.toLowerCase().replace(/(.)\.$/, '$1');
  return encodeName(name) === undefined ? undefined : name;
}

function prefixOrAddress(text: string): Prefix | undefined {
  const address = parseAddress(text);
  return address === undefined ? parsePrefix(text) : { ...address, length: address.family === 4 ? 32 : 128 };
}

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`. */
export function parseUpstream(text: string): Upstream | undefined {
  const [, bracketed, v4, digits = '53'] = /^(?:\[(.+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? v4 ?? text;
  const port = Number(digits);
  return parseAddress(host) !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
