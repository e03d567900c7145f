import { systemClock } from '../base/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { keyOf, SERVICES } from '../kube/resources.ts';
import type { Service } from '../kube/types/service.ts';
import {
  doorsWanted,
  LOOPBACK_ANNOTATION,
  LOOPBACK_HOST,
  parseDoors,
} from '../standalone/doors/annotation.ts';
import { table } from './table.ts';

/** A Service of type LoadBalancer, and how people reach it from this machine. */
export interface LoadBalancerStatus {
  /** `namespace/name` */
  readonly service: string;
  readonly addresses: readonly string[];
  readonly ports: readonly { readonly port: number; readonly loopback: string | null }[];
}

const openMilliseconds = 5000;
const lookAgainMilliseconds = 50;

/** The load balancers that have an address. Their loopback ports open just after it: they are waited for a little. */
export async function readLoadBalancers(client: KubeClient): Promise<readonly LoadBalancerStatus[]> {
  const deadline = systemClock.now() + openMilliseconds;
  while (true) {
    const found = loadBalancersOf((await client.list(SERVICES)).items);
    const isComplete = found.every(({ ports }) => ports.every(({ loopback }) => loopback !== null));
    if (isComplete || systemClock.now() > deadline) return found;
    await systemClock.sleep(lookAgainMilliseconds);
  }
}

export function loadBalancersOf(services: readonly Service[]): readonly LoadBalancerStatus[] {
  return services.flatMap(service => {
    const wanted = doorsWanted(service);
    if (wanted === undefined) return [];
    const doors = parseDoors(service.metadata.annotations?.[LOOPBACK_ANNOTATION]);
    const loopback = (port: number) => {
      const local = doors.get(port);
      return local === undefined ? null : `${LOOPBACK_HOST}:${local}`;
    };
    return {
      service: keyOf(service),
      addresses: (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
      ports: wanted.ports.map(port => ({ port, loopback: loopback(port) })),
    };
  });
}

/** A line a port. */
export function loadBalancersText(found: readonly LoadBalancerStatus[]): readonly string[] {
  return table(
    ['LOAD BALANCER', 'ADDRESSES', 'PORT', 'FROM THIS MACHINE'],
    found.flatMap(({ service, addresses, ports }) =>
      ports.map(({ port, loopback }) => [service, addresses.join(' '), String(port), loopback ?? '-']),
    ),
  );
}
