import type {
  GRPCRouteMatch,
  GRPCRouteRule,
  HTTPRouteMatch,
  HTTPRouteRule,
} from '../kube/types/gateway-routes.ts';
import type { Route } from './model.ts';
import type { TableMatch } from './table.ts';
import { notSupported } from './compile-match.ts';
import type { Unsupported } from './compile-match.ts';
import { wholeMatcher } from './lookup/index.ts';

const SERVICE = /^[a-zA-Z_][\w.]*$/;
const METHOD = /^[a-zA-Z_]\w*$/;
/** An element of a path. */
export const ANY_ELEMENT = '[^/]+';

/** The rules of a route, whichever it is, with matches that are left to be read by kind. */
export interface AnyRule extends Omit<HTTPRouteRule, 'matches'> {
  readonly matches?: readonly (HTTPRouteMatch | GRPCRouteMatch)[];
}

/** The rules of other kinds have the fields of an HTTPRoute's, and fewer of them. */
export const rulesOf = ({ spec }: Route): readonly AnyRule[] =>
  (spec.rules as readonly (HTTPRouteRule | GRPCRouteRule)[] | undefined) ?? [{}];

/**
 * A match of a GRPCRoute as the path that calls have, `/SERVICE/METHOD` (gRPC over HTTP/2): a service alone is a prefix, a
 * method alone the second element of any path. Regular expressions are those of HTTPRoutes, for each element.
 */
export function grpcPath({ method: asked = {} }: GRPCRouteMatch): TableMatch['path'] | Unsupported {
  const { type = 'Exact', service = '', method = '' } = asked;
  if (type === 'RegularExpression') return expressionPath(service, method);
  if (type !== 'Exact') return notSupported('method.type', type);
  if (service !== '' && !SERVICE.test(service))
    return { field: 'method.service', sentence: `${JSON.stringify(service)} is no name of a service` };
  if (method !== '' && !METHOD.test(method))
    return { field: 'method.method', sentence: `${JSON.stringify(method)} is no name of a method` };
  if (service !== '' && method !== '') return { type: 'Exact', value: `/${service}/${method}` };
  if (method !== '') return { type: 'RegularExpression', value: `/${ANY_ELEMENT}/${method}` };
  return { type: 'PathPrefix', value: `/${service}` };
}

function expressionPath(service: string, method: string): TableMatch['path'] | Unsupported {
  for (const [name, value] of Object.entries({ service, method }))
    if (value !== '' && wholeMatcher(value) === undefined)
      return {
        field: `method.${name}`,
        sentence: `${JSON.stringify(value)} is no expression of RE2, or too large a one`,
      };
  const element = (value: string) => (value === '' ? ANY_ELEMENT : `(?:${value})`);
  const value = `/${element(service)}/${element(method)}`;
  // Flags at the beginning of an element stand in the middle of the whole.
  return wholeMatcher(value) === undefined
    ? { field: 'method', sentence: 'flags have to be written for a group, as in (?i:echo)' }
    : { type: 'RegularExpression', value };
}
