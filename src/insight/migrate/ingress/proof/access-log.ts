import { compileModel } from '../model/index.ts';
import type { ModelRequest, NginxModel } from '../model/index.ts';
import type { IngressModel } from '../read.ts';
import { requestOf } from './generate.ts';

export interface AccessLog {
  readonly requests: readonly ModelRequest[];
  /** Lines that are neither of the controller's default format nor JSON with a path, and those beyond the bound. */
  readonly unread: number;
}

/** Requests of one shape count once; so many shapes are asked. */
const MOST_REQUESTS = 50_000;
const LONGEST_LINE = 32_768;
/** The default format names no host: the Service that had the request leads to the hosts that it may have had. */
const MOST_HOSTS = 4;

/**
 * Requests of access logs: in the controller's default format (`log-format-upstream`), or one JSON object a line with a
 * path (`request_uri`, `uri`, `path`), a host (`host`, `http_host`, `vhost`) and a method, by whatever names are usual.
 */
export function readAccessLog(lines: Iterable<string>, ingresses: IngressModel): AccessLog {
  const model = compileModel(ingresses);
  const hosts = hostsByUpstream(model);
  const requests = new Map<string, ModelRequest>();
  let unread = 0;
  for (const line of lines) {
    if (line.trim() === '') continue;
    const read =
      line.length > LONGEST_LINE || requests.size >= MOST_REQUESTS ? [] : readLine(line, model, hosts);
    if (read.length === 0) unread++;
    for (const request of read)
      requests.set(`${request.method} ${request.scheme} ${request.host} ${request.target}`, request);
  }
  return { requests: [...requests.values()], unread };
}

function readLine(
  line: string,
  model: NginxModel,
  hosts: ReadonlyMap<string, readonly string[]>,
): readonly ModelRequest[] {
  if (line.trimStart().startsWith('{')) return readObject(line, model);
  const [, client = '', method, target] =
    /^(\S+) - \S* ?\[[^\]]*\] "([A-Z]{1,12}) ((?:[^" \\]|\\x[0-9A-F]{2})+) HTTP\/[\d.]+"/.exec(line) ??
    /^(\S+) - .{0,256}? \[[^\]]*\] "([A-Z]{1,12}) ((?:[^" \\]|\\x[0-9A-F]{2})+) HTTP\/[\d.]+"/.exec(line) ??
    [];
  if (method === undefined || target === undefined) return [];
  const upstream = / \[([\w.-]*)\] \[[\w.-]*\] /.exec(line)?.[1] ?? '';
  return (hosts.get(upstream) ?? []).map(host =>
    loggedRequest(model, host, method, unescaped(target), client),
  );
}

function readObject(line: string, model: NginxModel): readonly ModelRequest[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return []; // counted by the caller as a line that is not read
  }
  if (typeof parsed !== 'object' || parsed === null) return [];
  const fields = new Map(Object.entries(parsed));
  const first = (...names: readonly string[]): string | undefined => {
    for (const name of names) {
      const value: unknown = fields.get(name);
      if (typeof value === 'string' && value !== '' && value !== '-') return value;
    }
    return undefined;
  };
  const host = first('host', 'http_host', 'vhost', 'server_name', 'request_host');
  const [, inLine, targetInLine] = /^([A-Z]+) (\S+) HTTP\//.exec(first('request') ?? '') ?? [];
  const path = first('request_uri', 'uri', 'path', 'url') ?? targetInLine;
  if (host === undefined || path?.startsWith('/') !== true) return [];
  const query = first('args', 'query', 'query_string', 'request_query');
  const target = query === undefined || path.includes('?') ? path : `${path}?${query}`;
  const method = first('method', 'request_method', 'verb') ?? inLine ?? 'GET';
  const client = first('remote_addr', 'remote_address', 'client', 'client_ip') ?? '';
  const request = loggedRequest(model, host, method.toUpperCase(), target, client);
  const scheme = first('scheme', 'x_forwarded_proto', 'proto');
  return [scheme === 'http' || scheme === 'https' ? { ...request, ...schemeOf(scheme, host) } : request];
}

function loggedRequest(
  model: NginxModel,
  host: string,
  method: string,
  target: string,
  client: string,
): ModelRequest {
  const isSecure = model.servers.certified.has(host.toLowerCase());
  const usual = requestOf(isSecure ? 'https' : 'http', host, target);
  return { ...usual, method, ...(client === '' ? {} : { client }) };
}

const schemeOf = (scheme: 'http' | 'https', host: string) => {
  const { serverName } = requestOf(scheme, host, '/');
  return serverName === undefined ? { scheme } : { scheme, serverName };
};

/** nginx writes octets that a log could not carry as `\xHH`. */
const unescaped = (text: string): string =>
  text.replaceAll(/\\x([0-9A-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );

/** By `namespace-service-port`, as the log has it. */
function hostsByUpstream({ servers }: NginxModel): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>();
  for (const [name, server] of servers.byName)
    for (const { upstream } of server.locations) {
      if (upstream === undefined) continue;
      const key = upstream.name.replace(/[/:]/g, '-');
      const known = hosts.get(key) ?? [];
      const host = name === '_' ? 'unknown.example' : name;
      if (known.length < MOST_HOSTS && !known.includes(host)) hosts.set(key, [...known, host]);
    }
  return hosts;
}
