import { FairleadError } from '../../base/errors.ts';
import { parseAddress } from '../../base/ip.ts';
import type { HttpTarget, Origin, Target } from '../../insight/trace/index.ts';

/** Who is named on the command line: a Deployment stands for one of its pods. */
export type OriginWord =
  | Origin
  | { readonly kind: 'deployment'; readonly namespace: string; readonly name: string };

export interface HttpOptions {
  readonly method?: string;
  /** `Name: value`, as curl's -H. */
  readonly headers: readonly string[];
}

const originForms = 'world, pod/NAMESPACE/NAME, deployment/NAMESPACE/NAME or node/NAME';
const targetForms =
  'a URL (https://shop.example.com/), a name with a port (db.data:5432), or an address with a port (10.96.0.1:443, [fd00::1]:443)';

export function parseOrigin(word: string): OriginWord {
  const [kind = '', first = '', second = '', ...rest] = word.split('/');
  const isWhole = rest.length === 0 && first !== '' && second !== '';
  if (word === 'world') return { kind: 'world' };
  if (kind === 'node' && first !== '' && second === '' && rest.length === 0)
    return { kind: 'node', name: first };
  if (kind === 'pod' && isWhole) return { kind: 'pod', namespace: first, name: second };
  if ((kind === 'deployment' || kind === 'deploy') && isWhole)
    return { kind: 'deployment', namespace: first, name: second };
  throw new FairleadError(
    'trace/bad-origin',
    `"${shortened(word)}" is not a place that a request begins at.`,
    {
      field: 'FROM',
      hint: `Write ${originForms}.`,
    },
  );
}

/** A URL, a name or an address with a port; `udp://` and `tcp://` may stand before it. */
export function parseTarget(word: string, options: HttpOptions): Target {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(word)?.[1]?.toLowerCase();
  if (scheme === 'http' || scheme === 'https') return parseUrl(word, scheme, options);
  if (options.method !== undefined || options.headers.length > 0)
    throw badTarget(word, '-X and -H go with a URL that begins with http:// or https://.');
  if (scheme !== undefined && scheme !== 'tcp' && scheme !== 'udp')
    throw badTarget(word, `Nothing is known of ${scheme}://.`);
  const rest = scheme === undefined ? word : word.slice(scheme.length + '://'.length);
  const found = /^(?:\[([^\]]+)\]|([^:[\]/]+)):(\d{1,5})$/.exec(rest.replace(/\/$/, ''));
  const host = found?.[1] ?? found?.[2];
  const port = Number(found?.[3]);
  if (host === undefined) throw badTarget(word, `Write ${targetForms}.`);
  if (port < 1 || port > 65_535) throw badTarget(word, 'A port is a number from 1 to 65535.');
  return { host: checkedHost(word, host), port, protocol: scheme === 'udp' ? 'UDP' : 'TCP' };
}

function parseUrl(word: string, scheme: 'http' | 'https', { headers, method }: HttpOptions): Target {
  let url: URL;
  try {
    url = new URL(word);
  } catch (cause) {
    throw badTarget(word, `Write ${targetForms}.`, cause);
  }
  const http: HttpTarget = {
    scheme,
    method: (method ?? 'GET').toUpperCase(),
    path: `${url.pathname}${url.search}`,
    headers: headers.map(parseHeader),
  };
  if (!/^[A-Z][A-Z0-9-]{0,31}$/.test(http.method))
    throw new FairleadError('trace/bad-method', `"${shortened(http.method)}" is not an HTTP method.`, {
      field: '-X',
      hint: 'Give a method such as GET, POST or DELETE.',
    });
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  return { host: checkedHost(word, host), port, protocol: 'TCP', http };
}

function parseHeader(text: string): { readonly name: string; readonly value: string } {
  const at = text.indexOf(':');
  const name = text.slice(0, at).trim();
  const value = text.slice(at + 1).trim();
  // RFC 9110 sections 5.1 and 5.5.
  if (at > 0 && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    return { name, value };
  throw new FairleadError('trace/bad-header', `"${shortened(text)}" is not an HTTP header.`, {
    field: '-H',
    hint: 'Write it as "Name: value".',
  });
}

/** RFC 1123, and the underscore that SRV names have. */
function checkedHost(word: string, host: string): string {
  const isName = /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(host) && host.length <= 253;
  if (parseAddress(host) !== undefined) return host;
  if (isName && !/^[\d.]+$/.test(host)) return host.toLowerCase();
  throw badTarget(word, `"${shortened(host)}" is neither a name nor an address.`);
}

function badTarget(word: string, hint: string, cause?: unknown): FairleadError {
  return new FairleadError(
    'trace/bad-target',
    `"${shortened(word)}" is not a place that a request goes to.`,
    {
      field: 'TO',
      hint,
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

const shortened = (text: string): string => text.slice(0, 80);
