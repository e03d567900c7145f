import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import { EventRecorder } from '../kube/events.ts';
import { Informer } from '../kube/informer.ts';
import { leadWhenElected } from '../kube/lease.ts';
import { NODES, SECRETS, SERVICES } from '../kube/resources.ts';
import { DnsLoop } from './dns-loop.ts';
import { GatewayLoop } from './gateways/loop.ts';
import { IngressLoop } from './ingresses/loop.ts';
import { LoadBalancers } from './load-balancer/loop.ts';
import { AddressPool } from './load-balancer/pool.ts';
import { PrefixAllocator } from './pod-prefixes/allocator.ts';
import type { NodePrefixLengths } from './pod-prefixes/allocator.ts';
import { PodPrefixes } from './pod-prefixes/loop.ts';

export interface ControllerOptions {
  readonly client: KubeClient;
  /** The cluster's pod prefixes, in the order in which nodes get theirs. */
  readonly podPrefixes: readonly string[];
  /** The length of a node's prefix by family. Default /24 and /64. */
  readonly nodePrefixLengths?: NodePrefixLengths;
  /** Of our DNS on every node, the primary family first; absent where the cluster has another. */
  readonly dnsAddresses?: readonly string[];
  /** Where Services of type LoadBalancer get their addresses from, of each family any number; absent: another's trade. */
  readonly loadBalancerPrefixes?: readonly string[];
  /** How Gateways and Ingresses of our classes are served; absent: not at all. */
  readonly gateways?: { readonly image: string; readonly replicas: number };
  readonly log: Log;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface Controller {
  /** Resolves once every loop has taken over what is there; rejects when stopped before. */
  readonly ready: Promise<void>;
  /** Seconds since the API server last said anything about what the loops follow. */
  staleness(): number;
}

/**
 *   Nodes ──▶ informer ─┬─▶ pod-prefixes ──▶ Node.spec.podCIDRs, condition NetworkUnavailable, Events
 *                       └─▶ dns ──▶ Service kube-dns and its mirror pods
 *   Services ──▶ informer ─┬─▶ load-balancer ──▶ Service.status.loadBalancer, Events
 *                          ├─▶ gateways (with their own) ──▶ proxies of each Gateway, status, Events
 *                          └─▶ ingresses (with their own) ──▶ proxies of each class, status, Events
 *
 * The loops that every cluster needs once. Throws for prefixes that cannot be used; runs until the signal is
 * aborted.
 */
export function startController(options: ControllerOptions): Controller {
  const { client, podPrefixes, nodePrefixLengths = { 4: 24, 6: 64 }, clock, signal } = options;
  const log = options.log.scope('controller');
  const nodes = new Informer(client, NODES, { clock, log });
  const events = new EventRecorder({ client, component: 'fairlead-controller', clock, log });
  const allocator = new PrefixAllocator(podPrefixes, nodePrefixLengths);
  const loop = new PodPrefixes({ client, nodes, allocator, events, clock, log: log.scope('pod-prefixes') });
  nodes.start(signal);
  const starts = [loop.start(signal)];
  if (options.dnsAddresses !== undefined) {
    const addresses = options.dnsAddresses;
    starts.push(new DnsLoop({ client, nodes, addresses, clock, log: log.scope('dns') }).start(signal));
  }
  const services = new Informer(client, SERVICES, { clock, log });
  if (options.loadBalancerPrefixes !== undefined || options.gateways !== undefined) services.start(signal);
  if (options.loadBalancerPrefixes !== undefined) {
    const pool = new AddressPool(options.loadBalancerPrefixes);
    const balancing = { client, services, pool, events, clock, log: log.scope('load-balancer') };
    starts.push(new LoadBalancers(balancing).start(signal));
  }
  if (options.gateways !== undefined) {
    const certificates = new Informer(client, SECRETS, {
      fieldSelector: 'type=kubernetes.io/tls',
      clock,
      log,
    });
    certificates.start(signal);
    const serving = { ...options.gateways, client, services, certificates, events, clock };
    starts.push(
      new GatewayLoop({ ...serving, log: log.scope('gateways') }).start(signal),
      new IngressLoop({ ...serving, log: log.scope('ingresses') }).start(signal),
    );
  }
  const ready = Promise.all(starts).then(() => undefined);
  ready.catch(() => undefined); // who does not wait for it need not handle that we were stopped
  return { ready, staleness: () => nodes.staleness() };
}

export interface ElectedControllerOptions extends ControllerOptions {
  /** Unique among the replicas, as the pod's name. */
  readonly identity: string;
  /** The namespace of the Lease `fairlead-controller`. */
  readonly namespace: string;
}

/** The same for a Deployment with replicas: one of them runs the loops. Ends when the signal is aborted. */
export async function startControllerWhenElected(options: ElectedControllerOptions): Promise<void> {
  const { client, identity, namespace, clock, log, signal } = options;
  const lease = { namespace, name: 'fairlead-controller' };
  await leadWhenElected(
    { client, lease, identity, clock, log, random: Math.random },
    signal,
    async leading => {
      await startController({ ...options, signal: leading }).ready;
      if (!leading.aborted)
        await new Promise(resolve => leading.addEventListener('abort', resolve, { once: true }));
    },
  );
}
