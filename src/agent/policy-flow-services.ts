import type { Clock } from '../base/clock.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import { matchesAll } from '../kube/selector.ts';
import { keyOf } from '../kube/resources.ts';
import type { Service } from '../kube/types/service.ts';
import type { PolicyModel, PolicyPod } from '../policy/index.ts';

const refreshMilliseconds = 1000;
/** Pods and ports whose Services are remembered until there are other Services. */
const mostRemembered = 1000;

/** Services by what packets show of them; read again when there are others, and not more often than once a second. */
export class ServiceNames {
  readonly #clock: Clock;
  #list: () => readonly Service[] = () => [];
  #read: readonly Service[] = [];
  #readAt = 0;
  #byAddress: ReadonlyMap<string, string> = new Map();
  #byNodePort: ReadonlyMap<string, string> = new Map();
  #byNamespace: ReadonlyMap<string, readonly Service[]> = new Map();
  readonly #ofPods = new Map<string, readonly string[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  follow(list: () => readonly Service[]): void {
    this.#list = list;
  }

  /** The event with the Service that was asked for, and those that its destination stands behind. */
  join<Event extends Pick<FlowEvent, 'destination' | 'protocol' | 'service'>>(
    event: Event,
    model: PolicyModel,
  ): Event {
    this.#refresh();
    const { destination, protocol, service } = event;
    const name = service === undefined ? undefined : this.#nameOf(service, protocol, model);
    const pod = model.podsByAddress.get(destination.address);
    const services = pod === undefined ? [] : this.#servicesOf(pod, protocol, destination.port);
    return {
      ...event,
      ...(service === undefined || name === undefined ? {} : { service: { ...service, name } }),
      ...(services.length === 0 ? {} : { destination: { ...destination, services } }),
    };
  }

  #nameOf(
    { address, port }: NonNullable<FlowEvent['service']>,
    protocol: string,
    { nodesByAddress }: PolicyModel,
  ): string | undefined {
    const ofNode = nodesByAddress.has(address) ? this.#byNodePort.get(`${protocol} ${port}`) : undefined;
    return this.#byAddress.get(address) ?? ofNode;
  }

  /** By their selectors, as EndpointSlices are made of them; Services without one are not among them. */
  #servicesOf(pod: PolicyPod, protocol: string, port: number | undefined): readonly string[] {
    const key = `${pod.uid} ${pod.key} ${protocol} ${port}`;
    const present = this.#ofPods.get(key);
    if (present !== undefined) return present;
    const found = (this.#byNamespace.get(pod.namespace) ?? [])
      .filter(
        ({ spec }) =>
          matchesAll(spec.selector, pod.labels) &&
          spec.ports?.some(one => (one.protocol ?? 'TCP') === protocol && targetOf(one, pod) === port) ===
            true,
      )
      .map(keyOf)
      .sort();
    if (this.#ofPods.size >= mostRemembered) this.#ofPods.clear();
    this.#ofPods.set(key, found);
    return found;
  }

  #refresh(): void {
    const now = this.#clock.now();
    if (Math.abs(now - this.#readAt) <= refreshMilliseconds || this.#list() === this.#read) return;
    this.#readAt = now;
    this.#read = this.#list();
    this.#ofPods.clear();
    this.#byAddress = new Map(
      this.#read.flatMap(one => addressesOf(one).map(address => [address, keyOf(one)] as const)),
    );
    this.#byNodePort = new Map(
      this.#read.flatMap(one =>
        (one.spec.ports ?? []).flatMap(({ nodePort, protocol = 'TCP' }) =>
          nodePort === undefined ? [] : [[`${protocol} ${nodePort}`, keyOf(one)] as const],
        ),
      ),
    );
    const selecting = this.#read.filter(({ spec }) => Object.keys(spec.selector ?? {}).length > 0);
    this.#byNamespace = Map.groupBy(selecting, ({ metadata }) => metadata.namespace ?? '');
  }
}

const addressesOf = ({ spec, status }: Service): readonly string[] => [
  ...(spec.clusterIPs ?? []),
  ...(spec.externalIPs ?? []),
  ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []),
];

function targetOf(
  { port, protocol = 'TCP', targetPort = port }: NonNullable<Service['spec']['ports']>[number],
  pod: PolicyPod,
): number | undefined {
  if (typeof targetPort === 'number') return targetPort;
  return pod.ports.find(named => named.name === targetPort && named.protocol === protocol)?.port;
}
