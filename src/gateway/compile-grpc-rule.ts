import type {
  GRPCRouteMatch,
  GRPCRouteRule,
  HTTPRouteMatch,
  HTTPRouteRule,
} from '../kube/types/gateway-routes.ts';
import type { Route } from './model.ts';
import type { TableMatch } from './table.ts';
import type { Unsupported } from './compile-match.ts';

const SERVICE = /^[a-zA-Z_][\w.]*$/;
const METHOD = /^[a-zA-Z_]\w*$/;

/** The rules of a route, whichever it is, with matches that are left to be read by kind. */
export interface AnyRule extends Omit<HTTPRouteRule, 'matches'> {
  readonly matches?: readonly (HTTPRouteMatch | GRPCRouteMatch)[];
}

/** The rules of other kinds have the fields of an HTTPRoute's, and fewer of them. */
export const rulesOf = ({ spec }: Route): readonly AnyRule[] =>
  (spec.rules as readonly (HTTPRouteRule | GRPCRouteRule)[] | undefined) ?? [{}];

/**
 * A match of a GRPCRoute as the path that calls have, `/SERVICE/METHOD` (gRPC over HTTP/2): a service alone is a prefix, a
 * method alone the second element of any path. Regular expressions are not supported, as for HTTPRoutes.
 */
export function grpcPath({ method: asked = {} }: GRPCRouteMatch): TableMatch['path'] | Unsupported {
  const { type = 'Exact', service = '', method = '' } = asked;
  if (type !== 'Exact')
    return { field: 'method.type', sentence: `${type} is no type of match that is supported` };
  if (service !== '' && !SERVICE.test(service))
    return { field: 'method.service', sentence: `${JSON.stringify(service)} is no name of a service` };
  if (method !== '' && !METHOD.test(method))
    return { field: 'method.method', sentence: `${JSON.stringify(method)} is no name of a method` };
  if (service !== '' && method !== '') return { type: 'Exact', value: `/${service}/${method}` };
  if (method !== '') return { type: 'RegularExpression', value: `/[^/]+/${method}` };
  return { type: 'PathPrefix', value: `/${service}` };
}
