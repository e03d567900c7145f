import { quantityMilliValue } from '../../../kube/quantity.ts';
import type { Node } from '../../../kube/types/core.ts';
import type { Endpoint } from '../../../kube/types/discovery.ts';
import type { Service } from '../../../kube/types/service.ts';
import type { EndpointGroup } from './desired.ts';

const MODE = 'service.kubernetes.io/topology-mode';
/** Its former name. */
const FORMER_MODE = 'service.kubernetes.io/topology-aware-hints';
const ZONE = 'topology.kubernetes.io/zone';
/** Nodes with these take no workloads, and no part in the sharing out. */
const EXCLUDED = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];
/** How much more than its share of CPUs a zone may be asked for (KEP-2433). */
const overload = 0.2;

/** Whether endpoints are shared out among zones by their CPUs; then `trafficDistribution` does not count. */
export function isShared({ metadata: { annotations = {} } }: Service): boolean {
  return (annotations[MODE] ?? annotations[FORMER_MODE] ?? '').toLowerCase() === 'auto';
}

export interface SharedOut {
  readonly groups: readonly EndpointGroup[];
  /** Why nobody gets hints, in one family or both. */
  readonly refusals: readonly string[];
}

/**
 * Hints that give each zone about as many of the ready endpoints as it has of the nodes' CPUs: an endpoint is for its own
 * zone, unless that has too many (KEP-2433). Where that cannot be done without overloading a zone, nobody gets hints.
 */
export function shareOut(groups: readonly EndpointGroup[], nodes: readonly Node[]): SharedOut {
  const ratios = ratiosOf(nodes);
  const refusals: string[] = [];
  const shared = [...Map.groupBy(groups, ({ addressType }) => addressType)].flatMap(([addressType, own]) => {
    const ready = own.flatMap(({ endpoints }) => endpoints.filter(isReady));
    const hints = typeof ratios === 'string' ? ratios : hintsFor(ready, ratios);
    if (typeof hints === 'string') refusals.push(`${hints}, addressType: ${addressType}`);
    return own.map(group => ({
      ...group,
      endpoints: group.endpoints.map((before): Endpoint => {
        const { hints: _, ...endpoint } = before;
        const zone = typeof hints === 'string' ? undefined : hints.get(placeOf(endpoint));
        return zone === undefined ? endpoint : { ...endpoint, hints: { forZones: [{ name: zone }] } };
      }),
    }));
  });
  return { groups: shared, refusals };
}

const isReady = ({ conditions }: Endpoint): boolean => conditions?.ready !== false;
const placeOf = ({ addresses, targetRef }: Endpoint): string =>
  `${targetRef?.uid ?? ''} ${addresses.join(' ')}`;

/** Each zone's part of the CPUs, or why that is not known. */
function ratiosOf(nodes: readonly Node[]): ReadonlyMap<string, number> | string {
  const counted = nodes.filter(
    ({ metadata, status }) =>
      !EXCLUDED.some(label => label in (metadata.labels ?? {})) &&
      status?.conditions?.some(({ status: is, type }) => type === 'Ready' && is === 'True') === true,
  );
  const sums = new Map<string, number>();
  for (const { metadata, status } of counted) {
    const zone = metadata.labels?.[ZONE] ?? '';
    const cpus = quantityMilliValue(status?.allocatable?.['cpu'] ?? '0') ?? 0;
    if (zone === '' || cpus === 0)
      return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
    sums.set(zone, (sums.get(zone) ?? 0) + cpus);
  }
  if (sums.size < 2) return 'Nodes only ready in one zone';
  const total = [...sums.values()].reduce((sum, one) => sum + one, 0);
  return new Map([...sums].toSorted(byName).map(([zone, cpus]) => [zone, cpus / total]));
}

/** The zone that each endpoint is for, or why none is. */
function hintsFor(
  ready: readonly Endpoint[],
  ratios: ReadonlyMap<string, number>,
): ReadonlyMap<string, string> | string {
  if (ready.length < ratios.size)
    return 'Insufficient number of Endpoints, impossible to safely allocate proportionally';
  const desired = desiredBy(ratios, ready.length);
  if (desired === undefined) return 'Minimum allocation of required endpoints exceeds the overload threshold';
  if (ready.some(({ zone = '' }) => zone === '')) return 'One or more endpoints do not have a zone specified';
  const sorted = ready.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
  const hints = new Map(sorted.map(endpoint => [placeOf(endpoint), endpoint.zone ?? '']));
  for (const [from, to] of moves(countBy(hints.values()), desired)) {
    const moved = sorted.find(endpoint => hints.get(placeOf(endpoint)) === from && endpoint.zone === from);
    if (moved !== undefined) hints.set(placeOf(moved), to);
  }
  return hints;
}

/** Undefined where the least that each zone needs is more than there is. */
function desiredBy(
  ratios: ReadonlyMap<string, number>,
  count: number,
): ReadonlyMap<string, number> | undefined {
  let left = count;
  const desired = new Map<string, number>();
  for (const [zone, ratio] of ratios) {
    const least = Math.ceil((ratio * count) / (1 + overload));
    left -= least;
    desired.set(zone, Math.max(ratio * count, least));
  }
  return left < 0 ? undefined : desired;
}

/** From zones that have too many to those that have too few, one endpoint at a time, until nothing much is gained. */
function moves(
  have: ReadonlyMap<string, number>,
  desired: ReadonlyMap<string, number>,
): readonly (readonly [from: string, to: string])[] {
  const surplus = new Map<string, number>();
  for (const zone of [...new Set([...have.keys(), ...desired.keys()])].toSorted())
    surplus.set(zone, (have.get(zone) ?? 0) - (desired.get(zone) ?? 0));
  const found: [string, string][] = [];
  for (;;) {
    const ranked = [...surplus].toSorted(([, a], [, b]) => b - a);
    const [giving, receiving] = [ranked[0], ranked.at(-1)];
    if (giving === undefined || receiving === undefined) return found;
    const [gives, takes] = [giving[1], -receiving[1]];
    if (gives < 0.5 || takes < 0.5 || (gives < 1 && takes < 1)) return found;
    found.push([giving[0], receiving[0]]);
    surplus.set(giving[0], gives - 1);
    surplus.set(receiving[0], 1 - takes);
  }
}

function countBy(zones: Iterable<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const zone of zones) counts.set(zone, (counts.get(zone) ?? 0) + 1);
  return counts;
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);
