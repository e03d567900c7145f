import type {
  BackendObjectReference,
  HTTPHeader,
  HTTPHeaderFilter,
  HTTPPathModifier,
  HTTPRouteFilter,
} from '../kube/types/gateway-routes.ts';
import { compileExternalAuth } from './compile-external-auth.ts';
import { isHostname } from './compile-hostname.ts';
import type { Unsupported } from './compile-match.ts';
import type { TableFilter, TableHeaderChange, TablePathRewrite } from './table.ts';

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;
/** What may stand in a header's value (RFC 9110, 5.5), without the bytes that end a line. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const PATH = /^\/[-\w.~!$&'()*+,;=:@%/]*$/;
const STATUS_CODES = [301, 302, 303, 307, 308];
/** They say how long a message is and which connection it is on: the proxy's own affair (RFC 9110, 7.6.1). */
const OF_THE_CONNECTION = [
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** `incompatible`: each is supported, but not together. */
export type FilterProblem = Unsupported & { readonly incompatible?: true };

/** The key of the backend that a filter's reference leads to; undefined where it leads nowhere. */
export type LeadTo = (reference: BackendObjectReference, field: string) => string | undefined;

/** The filters of a rule or of a backendRef in the table's form, in their order. */
export function compileFilters(
  filters: readonly HTTPRouteFilter[],
  hasPrefix: boolean,
  leadTo: LeadTo,
): readonly TableFilter[] | FilterProblem {
  const types = filters.map(({ type }) => type);
  const twice = types.findIndex((type, index) => type !== 'RequestMirror' && types.indexOf(type) !== index);
  if (twice >= 0)
    return { field: `filters[${twice}]`, sentence: `${types[twice] ?? ''} stands twice`, incompatible: true };
  if (types.includes('RequestRedirect') && types.includes('URLRewrite')) {
    const sentence = 'RequestRedirect and URLRewrite cannot be used together';
    return { field: 'filters', sentence, incompatible: true };
  }
  const compiled: TableFilter[] = [];
  for (const [index, filter] of filters.entries()) {
    const field = filter.type === 'ExternalAuth' ? 'externalAuth' : 'requestMirror';
    const made = compileFilter(filter, hasPrefix, reference =>
      leadTo(reference, `filters[${index}].${field}.backendRef`),
    );
    if ('sentence' in made)
      return { ...made, field: `filters[${index}]${made.field === '' ? '' : `.${made.field}`}` };
    compiled.push(made);
  }
  return compiled;
}

function compileFilter(
  filter: HTTPRouteFilter,
  hasPrefix: boolean,
  leadTo: (reference: BackendObjectReference) => string | undefined,
): TableFilter | FilterProblem {
  switch (filter.type) {
    case 'RequestHeaderModifier':
    case 'ResponseHeaderModifier': {
      const field =
        filter.type === 'RequestHeaderModifier' ? 'requestHeaderModifier' : 'responseHeaderModifier';
      const change = compileHeaders(filter[field] ?? {});
      return 'sentence' in change
        ? { field: `${field}.${change.field}`, sentence: change.sentence }
        : { type: filter.type, change };
    }
    case 'RequestRedirect':
      return compileRedirect(filter, hasPrefix);
    case 'URLRewrite':
      return compileRewrite(filter, hasPrefix);
    case 'CORS':
      return compileCrossOrigin(filter);
    case 'RequestMirror':
      return compileMirror(filter, leadTo);
    case 'ExternalAuth':
      return compileExternalAuth(filter.externalAuth, leadTo);
    case 'ExtensionRef':
      return unsupportedType(filter.type);
    default:
      return unsupportedType(filter.type satisfies never);
  }
}

/** A later release of the API may have types that are unknown here. */
const unsupportedType = (type: string): FilterProblem => ({
  field: 'type',
  sentence: `filters of type ${type} are not supported`,
});

/** Absent, percent and fraction are all (HTTPRequestMirrorFilter). */
function compileMirror(
  { requestMirror }: HTTPRouteFilter,
  leadTo: (reference: BackendObjectReference) => string | undefined,
): TableFilter | FilterProblem {
  if (requestMirror === undefined) return { field: 'requestMirror', sentence: 'it is not there' };
  const { backendRef, percent = 100, fraction } = requestMirror;
  const { numerator, denominator = 100 } = fraction ?? { numerator: percent };
  if (!(numerator >= 0 && denominator > 0 && numerator <= denominator))
    return { field: 'requestMirror', sentence: 'its share is none between nothing and all' };
  const backend = leadTo(backendRef);
  return {
    type: 'RequestMirror',
    ...(backend === undefined ? {} : { backend }),
    share: numerator / denominator,
  };
}

const ORIGIN = /^(?:\*|https?:\/\/[-\w.*]+(?::(?:\d{1,5}|\*))?)$/i;

function compileCrossOrigin({ cors = {} }: HTTPRouteFilter): TableFilter | FilterProblem {
  const { allowOrigins = [], allowMethods = [], allowHeaders = [], exposeHeaders = [] } = cors;
  const wrong = allowOrigins.findIndex(origin => !ORIGIN.test(origin));
  if (wrong >= 0)
    return {
      field: `cors.allowOrigins[${wrong}]`,
      sentence: `${JSON.stringify(allowOrigins[wrong])} is no origin of http or https`,
    };
  for (const [field, names] of Object.entries({ allowMethods, allowHeaders, exposeHeaders })) {
    const bad = names.findIndex(name => !TOKEN.test(name));
    if (bad >= 0)
      return { field: `cors.${field}[${bad}]`, sentence: `${JSON.stringify(names[bad])} is no name` };
  }
  return {
    type: 'CORS',
    allowOrigins,
    allowMethods,
    allowHeaders,
    exposeHeaders,
    allowCredentials: cors.allowCredentials ?? false,
    maxAge: cors.maxAge ?? 5,
  };
}

function compileRedirect(
  { requestRedirect = {} }: HTTPRouteFilter,
  hasPrefix: boolean,
): TableFilter | FilterProblem {
  const { hostname, port, scheme, statusCode = 302 } = requestRedirect;
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    return { field: 'requestRedirect.scheme', sentence: `${String(scheme)} is not supported` };
  if (!STATUS_CODES.includes(statusCode))
    return { field: 'requestRedirect.statusCode', sentence: `${String(statusCode)} is not supported` };
  if (hostname !== undefined && !isPrecise(hostname))
    return { field: 'requestRedirect.hostname', sentence: `${JSON.stringify(hostname)} is no hostname` };
  const path = compilePath(requestRedirect.path, hasPrefix);
  if (path !== undefined && 'sentence' in path)
    return { ...path, field: `requestRedirect.path${path.field}` };
  return {
    type: 'RequestRedirect',
    ...(scheme === undefined ? {} : { scheme }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(port === undefined ? {} : { port }),
    ...(path === undefined ? {} : { path }),
    statusCode,
  };
}

function compileRewrite(
  { urlRewrite = {} }: HTTPRouteFilter,
  hasPrefix: boolean,
): TableFilter | FilterProblem {
  const { hostname } = urlRewrite;
  if (hostname !== undefined && !isPrecise(hostname))
    return { field: 'urlRewrite.hostname', sentence: `${JSON.stringify(hostname)} is no hostname` };
  const path = compilePath(urlRewrite.path, hasPrefix);
  if (path !== undefined && 'sentence' in path) return { ...path, field: `urlRewrite.path${path.field}` };
  return {
    type: 'URLRewrite',
    ...(hostname === undefined ? {} : { hostname }),
    ...(path === undefined ? {} : { path }),
  };
}

const isPrecise = (hostname: string): boolean => isHostname(hostname) && !hostname.startsWith('*');

/** `field` begins with a dot, or is empty. */
function compilePath(
  path: HTTPPathModifier | undefined,
  hasPrefix: boolean,
): TablePathRewrite | FilterProblem | undefined {
  if (path === undefined) return undefined;
  const type: string = path.type;
  if (type !== 'ReplaceFullPath' && type !== 'ReplacePrefixMatch')
    return { field: '.type', sentence: `${type} is not supported` };
  const name = type === 'ReplaceFullPath' ? 'replaceFullPath' : 'replacePrefixMatch';
  const value = path[name] ?? '';
  if (type === 'ReplacePrefixMatch' && !hasPrefix) {
    const sentence = 'ReplacePrefixMatch needs matches of type PathPrefix';
    return { field: '', sentence, incompatible: true };
  }
  // An empty path is the root (RFC 9110, 4.2.3).
  if (value !== '' && !PATH.test(value))
    return { field: `.${name}`, sentence: `${JSON.stringify(value)} is no absolute path` };
  return { type, value: value === '' ? '/' : value };
}

/** Of several entries with the same name the first counts (HTTPHeader.name). */
function compileHeaders({
  add = [],
  remove = [],
  set = [],
}: HTTPHeaderFilter): TableHeaderChange | FilterProblem {
  for (const [list, names] of [
    ['set', set.map(({ name }) => name)],
    ['add', add.map(({ name }) => name)],
    ['remove', remove],
  ] as const) {
    const wrong = names.findIndex(
      name => !TOKEN.test(name) || OF_THE_CONNECTION.includes(name.toLowerCase()),
    );
    if (wrong >= 0)
      return {
        field: `${list}[${wrong}]`,
        sentence: `the header ${JSON.stringify(names[wrong])} cannot be changed`,
      };
  }
  for (const [list, headers] of [
    ['set', set],
    ['add', add],
  ] as const) {
    const wrong = headers.findIndex(({ value }) => !VALUE.test(value));
    if (wrong >= 0)
      return { field: `${list}[${wrong}].value`, sentence: 'the value holds what no header may hold' };
  }
  return { set: firstOf(set), add: firstOf(add), remove: remove.map(name => name.toLowerCase()) };
}

function firstOf(headers: readonly HTTPHeader[]): readonly HTTPHeader[] {
  const found = new Map<string, HTTPHeader>();
  for (const { name, value } of headers) {
    const key = name.toLowerCase();
    if (!found.has(key)) found.set(key, { name, value: value.trim() });
  }
  return [...found.values()];
}
