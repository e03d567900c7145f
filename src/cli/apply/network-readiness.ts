import type { HTTPRoute } from '../../kube/types/gateway-routes.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { Condition } from '../../kube/types/meta.ts';
import type { Service } from '../../kube/types/service.ts';
import type { Readiness } from './readiness.ts';

const ready: Readiness = { state: 'ready' };

/** Every other Service is ready when it is stored; another class of load balancers is another program's business. */
export function loadBalancerReadiness({ spec, status }: Service): Readiness {
  if (spec.type !== 'LoadBalancer' || spec.loadBalancerClass !== undefined) return ready;
  return (status?.loadBalancer?.ingress ?? []).length > 0
    ? ready
    : waiting('has no load-balancer address', false);
}

/** Accepted, and all of its listeners and itself Programmed, as of the generation that stands there now. */
export function gatewayReadiness(gateway: Gateway): Readiness {
  const { conditions = [], listeners = [] } = gateway.status ?? {};
  const { generation = 0 } = gateway.metadata;
  const accepted = lackOf(conditions, 'Accepted', generation);
  if (accepted !== undefined) return waiting(accepted.why, accepted.isRefused);
  for (const { name } of gateway.spec.listeners) {
    const found = listeners.find(listener => listener.name === name)?.conditions ?? [];
    const lack = lackOf(found, 'Programmed', generation);
    if (lack === undefined) continue;
    // Why it is not programmed stands in another condition.
    const cause = lackOf(found, 'Accepted', generation) ?? lackOf(found, 'ResolvedRefs', generation) ?? lack;
    return waiting(`listener ${name}: ${cause.why}`, false);
  }
  const programmed = lackOf(conditions, 'Programmed', generation);
  return programmed === undefined ? ready : waiting(programmed.why, false);
}

/** Accepted by each Gateway that it names, and all that it refers to is there. */
export function routeReadiness(route: HTTPRoute): Readiness {
  const { generation = 0, namespace } = route.metadata;
  for (const parent of route.spec.parentRefs ?? []) {
    if ((parent.kind ?? 'Gateway') !== 'Gateway') continue;
    const own = (route.status?.parents ?? []).find(
      ({ parentRef }) =>
        parentRef.name === parent.name &&
        (parentRef.namespace ?? namespace) === (parent.namespace ?? namespace) &&
        parentRef.sectionName === parent.sectionName &&
        parentRef.port === parent.port,
    );
    for (const type of ['Accepted', 'ResolvedRefs']) {
      const lack = lackOf(own?.conditions ?? [], type, generation);
      if (lack !== undefined) return waiting(`Gateway ${parent.name}: ${lack.why}`, lack.isRefused);
    }
  }
  return ready;
}

interface Lack {
  readonly why: string;
  /** A controller has looked and said no. */
  readonly isRefused: boolean;
}

/** Undefined for a condition that is true, and not out of date. */
function lackOf(conditions: readonly Condition[], type: string, generation: number): Lack | undefined {
  const condition = conditions.find(it => it.type === type);
  if (condition === undefined || (condition.observedGeneration ?? 0) < generation) {
    return { why: `no controller has said yet whether it is ${type}`, isRefused: false };
  }
  if (condition.status === 'True') return undefined;
  const { reason, message } = condition;
  return {
    why: `is not ${type} (${reason}): ${message}`,
    isRefused: condition.status === 'False' && reason !== 'Pending',
  };
}

const waiting = (why: string, hopeless: boolean): Readiness => ({ state: 'waiting', why, hopeless });
