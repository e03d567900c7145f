import { routeKey, servicesOfPolicy } from '../../gateway/compile-keys.ts';
import type { Route } from '../../gateway/model.ts';
import type { BackendTLSPolicy } from '../../kube/types/gateway-policies.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { GatewayCluster } from './cluster.ts';

/** The Gateways of ours whose proxies follow a policy: their routes lead to a Service that it names. */
export function ancestorsOf(
  policy: BackendTLSPolicy,
  cluster: Pick<GatewayCluster, 'routes' | 'route' | 'parents' | 'attachments'>,
): readonly Gateway[] {
  const ancestors = new Map<string, Gateway>();
  const routes = servicesOfPolicy(policy).flatMap(service => cluster.routes.by('backend', service));
  for (const route of routes.filter(isProxied)) {
    const model = cluster.route(routeKey(route));
    for (const parent of model === undefined ? [] : cluster.parents(model))
      if (model !== undefined && cluster.attachments(model, parent).some(({ verdict }) => verdict.holds))
        ancestors.set(parent.key, parent.gateway);
  }
  return [...ancestors.values()];
}

/** Nobody speaks TLS for connections that the kernel leads. */
const isProxied = ({ kind }: Route): boolean => kind !== 'TCPRoute' && kind !== 'UDPRoute';
