import type { FieldError, Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields } from '../object.ts';
import { StatusError, invalid } from '../status.ts';
import type { Store } from '../store/store.ts';
import type { Allocator } from './allocator.ts';
import { Pool } from './pool.ts';
import { serviceSpec, specOf, withSpec } from './service.ts';

const SERVICE = { group: '', kind: 'Service' };
const FIRST = 30_000;
const LAST = 32_767;
/** min(max(16, size / 32), 128) ports are left to people (KEP-3668). */
const STATIC_BAND = 86;
const TAKEN = 'provided port is already allocated';

/**
 * `spec.ports[*].nodePort` and `spec.healthCheckNodePort`, from 30000 to 32767. One Service may use a number for several
 * protocols; two Services never share one.
 */
export class NodePorts implements Allocator {
  readonly #store: Store;
  readonly #pool = new Pool(FIRST, LAST, STATIC_BAND);

  constructor(store: Store) {
    this.#store = store;
  }

  appliesTo(kind: Kind): boolean {
    return kind.group === '' && kind.plural === 'services';
  }

  rebuild(): void {
    this.#pool.clear();
    for (const entry of this.#store.newestOf('/services'))
      for (const port of portsOf(entry.object)) this.#pool.take(port);
  }

  claim(object: ApiObject | undefined, before: ApiObject | undefined): void {
    const kept = object === undefined ? [] : portsOf(object);
    for (const port of before === undefined ? [] : portsOf(before))
      if (!kept.includes(port)) this.#pool.release(port);
    for (const port of kept) this.#pool.take(port);
  }

  assign(object: ApiObject, before: ApiObject | undefined): ApiObject {
    const own = before === undefined ? [] : portsOf(before);
    const chosen = new Set<number>();
    const ports = portList(object);
    if (!takesPorts(object)) return withoutStalePorts(object, before);
    // Without allocation those stay that are written; a load balancer's health is told at a port all the same.
    const allocates = wantsPorts(object);
    const assigned = ports.map((port, index) => {
      const past = allocates ? sameInPast(port, before, chosen) : undefined;
      const nodePort = numberOf(port['nodePort']) || past || 0;
      if (nodePort === 0 && !allocates) return port;
      const taken = nodePort === 0 ? this.#proposed(chosen) : this.#wished(nodePort, index, own, object);
      chosen.add(taken);
      return { ...port, nodePort: taken };
    });
    return this.#withHealthPort(withSpec(object, { ports: assigned }), own, chosen, before);
  }

  #withHealthPort(
    object: ApiObject,
    own: readonly number[],
    chosen: ReadonlySet<number>,
    before: ApiObject | undefined,
  ): ApiObject {
    const { type, externalTrafficPolicy, healthCheckNodePort } = specOf(object);
    if (type !== 'LoadBalancer' || externalTrafficPolicy !== 'Local') {
      return object;
    }
    const wish =
      numberOf(healthCheckNodePort) ||
      numberOf(before === undefined ? 0 : specOf(before)['healthCheckNodePort']);
    const port = wish === 0 ? this.#proposed(chosen) : this.#wishedForHealth(wish, own, chosen);
    return withSpec(object, { healthCheckNodePort: port });
  }

  #proposed(chosen: ReadonlySet<number>): number {
    const port = this.#pool.propose(chosen);
    if (port !== undefined) return port;
    throw new StatusError(
      500,
      'InternalError',
      'Internal error occurred: failed to allocate a nodePort: range is full',
    );
  }

  #wished(port: number, index: number, own: readonly number[], object: ApiObject): number {
    const refusal = this.#refusalOf(port, own);
    if (refusal === undefined) return port;
    const field = `spec.ports[${index}].nodePort`;
    const error: FieldError = { type: 'Invalid', field, value: port, detail: refusal };
    throw invalid(SERVICE, object.metadata.name ?? '', [error]);
  }

  /** Upstream answers with an error of its own here, and a Service's ports are no exception for it. */
  #wishedForHealth(port: number, own: readonly number[], chosen: ReadonlySet<number>): number {
    const refusal = chosen.has(port) ? TAKEN : this.#refusalOf(port, own);
    if (refusal === undefined) return port;
    const message = `Internal error occurred: failed to allocate requested HealthCheck NodePort ${port}: ${refusal}`;
    throw new StatusError(500, 'InternalError', message);
  }

  #refusalOf(port: number, own: readonly number[]): string | undefined {
    const inRange = port >= FIRST && port <= LAST;
    if (own.includes(port) || (inRange && this.#pool.isFree(port))) return undefined;
    return inRange
      ? TAKEN
      : `provided port is not in the valid range. The range of valid ports is ${FIRST}-${LAST}`;
  }
}

function takesPorts(object: ApiObject): boolean {
  const { type } = serviceSpec(object);
  return type === 'NodePort' || type === 'LoadBalancer';
}

function wantsPorts(object: ApiObject): boolean {
  const { type } = serviceSpec(object);
  if (type === 'NodePort') return true;
  return type === 'LoadBalancer' && specOf(object)['allocateLoadBalancerNodePorts'] !== false;
}

/** Ports that the type no longer has go, unless they were asked for anew (validation speaks to those). */
function withoutStalePorts(object: ApiObject, before: ApiObject | undefined): ApiObject {
  if (before === undefined || !takesPorts(before)) return object;
  const own = portsOf(before);
  const ports = portList(object).map(port => {
    if (!own.includes(numberOf(port['nodePort']))) return port;
    const { nodePort: _nodePort, ...rest } = port;
    return rest;
  });
  return withSpec(object, { ports, healthCheckNodePort: undefined });
}

/** The node port that the port of this name had, for manifests that do not say it. */
function sameInPast(
  port: Fields,
  before: ApiObject | undefined,
  chosen: ReadonlySet<number>,
): number | undefined {
  const past = before === undefined ? [] : portList(before);
  const same = past.find(other => (other['name'] ?? '') === (port['name'] ?? ''));
  const nodePort = numberOf(same?.['nodePort']);
  return nodePort === 0 || chosen.has(nodePort) ? undefined : nodePort;
}

function portList(object: ApiObject): readonly Fields[] {
  const ports = specOf(object)['ports'];
  return Array.isArray(ports) ? ports.filter(isFields) : [];
}

function portsOf(object: ApiObject): readonly number[] {
  const all = [...portList(object).map(port => port['nodePort']), specOf(object)['healthCheckNodePort']];
  return all.map(numberOf).filter(port => port !== 0);
}

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
