import type { GRPCRouteMatch, HTTPRouteMatch, HeaderMatch } from '../kube/types/gateway-routes.ts';
import { grpcPath } from './compile-grpc-rule.ts';
import { normaliseTarget, wholeMatcher } from './lookup/index.ts';
import type { TableMatch, TableValueMatch } from './table.ts';

/** Where a match asks for what is not supported: the field below the match, and a sentence. */
export interface Unsupported {
  readonly field: string;
  readonly sentence: string;
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];

/**
 * One match in the table's form. Absent parts match everything; the path is then the prefix `/`.
 * Regular expressions have the syntax of RE2, match whole values, and are asked in time that grows with the value alone.
 */
export function compileMatch(match: HTTPRouteMatch): TableMatch | Unsupported {
  const { type = 'PathPrefix', value = '/' } = match.path ?? {};
  const path = compilePath(type, value);
  if ('sentence' in path) return path;
  const { method } = match;
  if (method !== undefined && !METHODS.includes(method))
    return { field: 'method', sentence: `${method} is no method that can be matched` };
  const headers = compileValues(match.headers ?? [], 'headers', name => name.toLowerCase());
  if ('sentence' in headers) return headers;
  const query = compileValues(match.queryParams ?? [], 'queryParams', name => name);
  if ('sentence' in query) return query;
  return { path, ...(method === undefined ? {} : { method }), headers: headers.values, query: query.values };
}

/** The same for a GRPCRoute: what is matched of a call is its path, and its headers. */
export function compileGrpcMatch(match: GRPCRouteMatch): TableMatch | Unsupported {
  const path = grpcPath(match);
  if ('sentence' in path) return path;
  const headers = compileValues(match.headers ?? [], 'headers', name => name.toLowerCase());
  return 'sentence' in headers ? headers : { path, headers: headers.values, query: [] };
}

function compilePath(type: string, value: string): TableMatch['path'] | Unsupported {
  if (type === 'RegularExpression') return compileExpression(value, 'path.value') ?? { type, value };
  if (type !== 'Exact' && type !== 'PathPrefix')
    return { field: 'path.type', sentence: `${type} is no type of path match that is supported` };
  if (!/^\/[-\w.~!$&'()*+,;=:@%/]*$/.test(value))
    return { field: 'path.value', sentence: `${JSON.stringify(value)} is no absolute path` };
  // Requests are compared in this form: `/%7eme` is `/~me`.
  const path = normaliseTarget(value)?.path;
  if (path === undefined)
    return { field: 'path.value', sentence: `${JSON.stringify(value)} has an escape that is none` };
  // A prefix is made of whole elements: `/v2/` is the same as `/v2`.
  return { type, value: type === 'PathPrefix' ? path.replace(/(?<=.)\/+$/, '') : path };
}

/** A type that a later API may have. */
export const notSupported = (field: string, type: string): Unsupported => ({
  field,
  sentence: `${type} is no type of match that is supported`,
});

function compileExpression(value: string, field: string): Unsupported | undefined {
  return wholeMatcher(value) === undefined
    ? { field, sentence: `${JSON.stringify(value)} is no expression of RE2, or too large a one` }
    : undefined;
}

/** Of several entries with the same name the first counts (HTTPHeaderMatch.name, HTTPQueryParamMatch.name). */
function compileValues(
  entries: readonly HeaderMatch[],
  field: string,
  nameOf: (name: string) => string,
): { readonly values: readonly TableValueMatch[] } | Unsupported {
  const values = new Map<string, TableValueMatch>();
  for (const [index, { name: written, type = 'Exact', value }] of entries.entries()) {
    const name = nameOf(written);
    if (type !== 'Exact' && type !== 'RegularExpression')
      return notSupported(`${field}[${index}].type`, type);
    const wrong = type === 'RegularExpression' && compileExpression(value, `${field}[${index}].value`);
    if (wrong) return wrong;
    if (!values.has(name)) values.set(name, { type, name, value });
  }
  return { values: [...values.values()] };
}
