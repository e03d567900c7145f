import type {
  GRPCRoute,
  GRPCRouteFilter,
  GRPCRouteMatch,
  HTTPRoute,
  HTTPRouteFilter,
  TLSRoute,
} from '../../../../kube/types/gateway-routes.ts';
import type { KubeObject } from '../../../../kube/types/meta.ts';
import type { Gateways } from './gateways.ts';
import type { RoutePlan } from './host-routes.ts';
import { createNamer, slugOf } from './names.ts';
import type { ExplainedRule } from './rules.ts';

/** An object for review: comments by the field that they stand above; '' is the object. */
export interface WrittenObject {
  readonly object: KubeObject;
  readonly comments: Readonly<Record<string, readonly string[]>>;
}

/** The API's bounds on a route. */
const mostRules = 16;
const mostHosts = 16;

/** Routes with their parents; a plan with more rules than a route may have becomes several. */
export function writeRoutes(plans: readonly RoutePlan[], gateways: Gateways): readonly WrittenObject[] {
  const nameFor = createNamer();
  return plans.flatMap(plan => {
    const wished = [slugOf(plan.host), plan.role].filter(Boolean).join('-');
    const parentRefs = plan.listeners.flatMap(key => gateways.parentsOf(key, plan.namespace));
    const metadata = () => ({ name: nameFor(plan.namespace, wished), namespace: plan.namespace });
    if (plan.stream !== undefined) return [tlsRoute(plan, plan.stream, parentRefs, metadata())];
    return chunks(plan.hostnames, mostHosts).flatMap(hostnames =>
      chunks(plan.rules, mostRules).map(rules => {
        const shared = {
          parentRefs,
          ...(hostnames.length === 0 ? {} : { hostnames }),
        };
        const object: HTTPRoute | GRPCRoute =
          plan.role === 'grpc'
            ? {
                apiVersion: 'gateway.networking.k8s.io/v1',
                kind: 'GRPCRoute',
                metadata: metadata(),
                spec: { ...shared, rules: rules.map(grpcRule) },
              }
            : {
                apiVersion: 'gateway.networking.k8s.io/v1',
                kind: 'HTTPRoute',
                metadata: metadata(),
                spec: { ...shared, rules: rules.map(({ rule }) => rule) },
              };
        return {
          object,
          comments: Object.fromEntries(rules.map(({ because }, index) => [`spec.rules[${index}]`, because])),
        };
      }),
    );
  });
}

/** At least one part, also of nothing. */
function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let at = 0; at < items.length || at === 0; at += size) parts.push(items.slice(at, at + size));
  return parts;
}

function tlsRoute(
  { hostnames, namespace, rules }: RoutePlan,
  stream: NonNullable<RoutePlan['stream']>,
  parentRefs: NonNullable<TLSRoute['spec']['parentRefs']>,
  metadata: TLSRoute['metadata'],
): WrittenObject {
  const object: TLSRoute = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'TLSRoute',
    metadata,
    spec: {
      parentRefs,
      hostnames,
      rules: [
        {
          backendRefs: [
            {
              name: stream.service,
              ...(stream.namespace === namespace ? {} : { namespace: stream.namespace }),
              ...(stream.portNumber === undefined ? {} : { port: stream.portNumber }),
            },
          ],
        },
      ],
    },
  };
  return { object, comments: { 'spec.rules[0]': rules.flatMap(({ because }) => because) } };
}

/** `/package.Service/Method`, `/package.Service` or `/` as what a GRPCRoute matches. */
function grpcRule({ rule }: ExplainedRule): NonNullable<GRPCRoute['spec']['rules']>[number] {
  const [match] = rule.matches ?? [];
  const [, service = '', method = ''] = /^\/([^/]+)?(?:\/([^/]+))?/.exec(match?.path?.value ?? '/') ?? [];
  const matches: GRPCRouteMatch = {
    ...(service === '' ? {} : { method: { service, ...(method === '' ? {} : { method }) } }),
    ...(match?.headers === undefined ? {} : { headers: match.headers }),
  };
  const filters = (rule.filters ?? []).filter(isOfGrpc);
  return {
    ...(Object.keys(matches).length === 0 ? {} : { matches: [matches] }),
    ...(filters.length === 0 ? {} : { filters }),
    ...(rule.backendRefs === undefined ? {} : { backendRefs: rule.backendRefs as never[] }), // without filters of their own
  };
}

const isOfGrpc = (filter: HTTPRouteFilter): filter is HTTPRouteFilter & GRPCRouteFilter =>
  ['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'ExtensionRef'].includes(filter.type);
