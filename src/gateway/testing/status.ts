/** What the objects' status would say, short enough to compare with. For tests. */
import type { Condition } from '../../kube/types/meta.ts';
import { attach } from '../compile-attachment.ts';
import { readGateway } from '../compile-gateway.ts';
import { readRoute } from '../compile-route.ts';
import { gatewayStatus, listenerSetStatus, routeStatus } from '../compile-status.ts';
import type { Infrastructure } from '../compile-status.ts';
import { compileTable } from '../compile-table.ts';
import type { Attachment, GatewayModel, RouteModel } from '../model.ts';
import type { RouteTable } from '../table.ts';
import { sourcesOf } from './objects.ts';
import type { ClusterObject } from './objects.ts';

const now = '2026-02-02T00:00:00Z';
const ready: Infrastructure = {
  addresses: [{ type: 'IPAddress', value: '172.30.200.1' }],
  availableProxies: 2,
};

/** `Accepted=True/Accepted` */
export const short = (conditions: readonly Condition[] = []): readonly string[] =>
  conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`).toSorted();

export interface Seen {
  /** By `namespace/name`. */
  readonly models: ReadonlyMap<string, GatewayModel>;
  readonly routes: ReadonlyMap<string, RouteModel>;
  attachments(route: string): readonly Attachment[];
  /** A Gateway's conditions. */
  gateway(key: string, infrastructure?: Infrastructure): readonly string[];
  /** A listener's conditions. */
  listener(key: string, name: string, infrastructure?: Infrastructure): readonly string[];
  /** Conditions of a set of the Gateway, and of each of its listeners. */
  set(gateway: string, key: string): Readonly<Record<string, readonly string[]>>;
  attachedListenerSets(gateway: string): number;
  attachedRoutes(key: string): Readonly<Record<string, number>>;
  /** Conditions of each of the route's parents that is ours. */
  parents(route: string): readonly (readonly string[])[];
  messages(route: string): readonly string[];
  table(gateway: string): RouteTable;
}

export function see(objects: readonly ClusterObject[]): Seen {
  const sources = sourcesOf(objects);
  const models = new Map<string, GatewayModel>();
  const routes = new Map<string, RouteModel>();
  for (const object of objects) {
    const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
    if (object.kind === 'Gateway') models.set(key, readGateway(object, sources));
    if (object.kind === 'HTTPRoute' || object.kind === 'TCPRoute' || object.kind === 'UDPRoute')
      routes.set(key, readRoute(object, sources));
  }
  const model = (key: string) => present(models.get(key), key);
  const route = (key: string) => present(routes.get(key), key);
  const attachments = (key: string) => [...models.values()].flatMap(of => attach(route(key), of, sources));
  const counts = (key: string) => {
    const found = new Map<string, number>();
    for (const of of routes.values())
      for (const { listeners } of attach(of, model(key), sources))
        for (const { name } of listeners) found.set(name, (found.get(name) ?? 0) + 1);
    return found;
  };
  const statusOf = (key: string, infrastructure: Infrastructure) =>
    gatewayStatus(model(key), infrastructure, counts(key), now);
  const parents = (key: string) => routeStatus(route(key), attachments(key), now)?.parents ?? [];
  return {
    models,
    routes,
    attachments,
    gateway: (key, infrastructure = ready) => short(statusOf(key, infrastructure)?.conditions),
    listener: (key, name, infrastructure = ready) =>
      short(statusOf(key, infrastructure)?.listeners?.find(one => one.name === name)?.conditions),
    set: (of, key) => {
      const found = present(
        model(of).sets.find(set => set.key === key),
        key,
      );
      const status = listenerSetStatus(found, model(of), ready, counts(of), now);
      return {
        set: short(status?.conditions),
        ...Object.fromEntries(
          (status?.listeners ?? []).map(({ conditions, name }) => [name, short(conditions)]),
        ),
      };
    },
    attachedListenerSets: key => statusOf(key, ready)?.attachedListenerSets ?? 0,
    attachedRoutes: key => Object.fromEntries(counts(key)),
    parents: key => parents(key).map(({ conditions }) => short(conditions)),
    messages: key => parents(key).flatMap(({ conditions }) => conditions.map(({ message }) => message)),
    table: key => {
      const of = model(key);
      const attached = [...routes.values()].map(one => ({
        route: one,
        attachments: attach(one, of, sources),
      }));
      return compileTable(of, attached, sources);
    },
  };
}

function present<T>(value: T | undefined, key: string): T {
  if (value === undefined) throw new Error(`the test has no ${key}`);
  return value;
}
