import { doIntersect, intersect } from './compile-hostname.ts';
import { bad } from './model.ts';
import type { Attachment, ListenerModel, RouteModel } from './model.ts';

interface Attached {
  readonly route: RouteModel;
  readonly attachments: readonly Attachment[];
}

/**
 * Of an HTTPRoute and a GRPCRoute that have a name of a listener in common exactly one is accepted: the older one, or the
 * first by `namespace/name` (GRPCRouteSpec.hostnames). `routes` are all of one Gateway; their order stays.
 */
export function withoutRivals<T extends Attached>(routes: readonly T[]): readonly T[] {
  const isMixed = ['HTTPRoute', 'GRPCRoute'].every(kind =>
    routes.some(({ route }) => route.route.kind === kind),
  );
  if (!isMixed) return routes;
  const taken = new Map<string, RouteModel[]>();
  const decided = new Map<string, T>();
  for (const one of routes.toSorted((a, b) => compareAge(a.route, b.route)))
    decided.set(one.route.key, { ...one, attachments: attachBeside(one, taken) });
  return routes.map(one => decided.get(one.route.key) ?? one);
}

function compareAge({ route: a }: RouteModel, { route: b }: RouteModel): number {
  const ageOf = ({ metadata }: RouteModel['route']) => metadata.creationTimestamp ?? '';
  const nameOf = ({ metadata }: RouteModel['route']) => `${metadata.namespace ?? ''}/${metadata.name}`;
  return compare(ageOf(a), ageOf(b)) || compare(nameOf(a), nameOf(b)) || compare(a.kind, b.kind);
}

const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/** `taken`: by kind and listener, the older routes that stand there; the route joins them where it stands. */
function attachBeside(
  { route, attachments }: Attached,
  taken: Map<string, RouteModel[]>,
): readonly Attachment[] {
  const { kind } = route.route;
  if (kind !== 'HTTPRoute' && kind !== 'GRPCRoute') return attachments;
  const other = kind === 'HTTPRoute' ? 'GRPCRoute' : 'HTTPRoute';
  const rivalOn = (listener: ListenerModel) =>
    taken
      .get(`${other} ${listener.name}`)
      ?.find(rival =>
        namesOn(rival, listener).some(a => namesOn(route, listener).some(b => doIntersect(a, b))),
      );
  const left = attachments.map((attachment): Attachment => {
    const rivals = attachment.listeners.map(rivalOn);
    const rival = rivals.find(one => one !== undefined);
    if (rival === undefined) return attachment;
    const listeners = attachment.listeners.filter((_, index) => rivals[index] === undefined);
    if (listeners.length > 0) return { ...attachment, listeners };
    const { namespace = '', name } = rival.route.metadata;
    const sentence = `${other} ${namespace}/${name}, which comes first, has names in common with this ${kind}`;
    return { ...attachment, listeners, verdict: bad('HostnameConflict', sentence) };
  });
  for (const { name } of new Set(left.flatMap(({ listeners }) => listeners))) {
    const key = `${kind} ${name}`;
    const routes = taken.get(key);
    if (routes === undefined) taken.set(key, [route]);
    else routes.push(route);
  }
  return left;
}

/** Undefined stands for every name. */
function namesOn({ hostnames }: RouteModel, { hostname }: ListenerModel): readonly (string | undefined)[] {
  if (hostnames.length === 0) return [hostname];
  return hostnames.filter(name => doIntersect(name, hostname)).map(name => intersect(name, hostname));
}
