import { KEY_NAME } from '../../gateway/channel.ts';
import { controlSecretName, gatewayLabel } from '../../gateway/compile-objects.ts';
import { FollowedObjects } from '../../gateway/follow-objects.ts';
import { LiveTable } from '../../gateway/live-table.ts';
import { GATEWAY_LABEL } from '../../gateway/model.ts';
import { CONFIG_MAPS, SECRETS, keyOf } from '../../kube/resources.ts';
import type { ConfigMap, Secret } from '../../kube/types/config.ts';
import type { Gateway } from '../../kube/types/gateway.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { GatewaysOptions } from './index.ts';
import type { ProxyTables, ReadTable, Wake } from './proxy-tables.ts';
import { TableSources } from './sources.ts';

interface Following {
  readonly sources: TableSources;
  readonly secrets: FollowedObjects<Secret>;
  readonly configMaps: FollowedObjects<ConfigMap>;
  readonly stop: AbortController;
  readonly tables: Map<string, LiveTable>;
  isKnown: boolean;
}

export interface GatewayTablesOptions extends Pick<
  GatewaysOptions,
  'client' | 'services' | 'slices' | 'clock' | 'log' | 'signal'
> {
  readonly digest: (text: string) => string;
  readonly wake: Wake;
}

/** Tables of Gateways: owners are `namespace/name`. */
export class GatewayTables implements ProxyTables {
  readonly #options: GatewayTablesOptions;
  #following: Following | undefined;

  constructor(options: GatewayTablesOptions) {
    this.#options = options;
  }

  serves({ metadata }: Pod): boolean {
    return metadata.labels?.[GATEWAY_LABEL] !== undefined;
  }

  ownerOf({ metadata }: Pod): string | undefined {
    if (this.#following?.isKnown !== true) return undefined;
    const label = metadata.labels?.[GATEWAY_LABEL];
    const found = this.#following.sources.gateways.cache
      .list()
      .find(
        gateway =>
          gateway.metadata.namespace === metadata.namespace &&
          gatewayLabel(gateway.metadata.name, this.#options.digest) === label,
      );
    return found === undefined ? undefined : keyOf(found);
  }

  want(owners: ReadonlySet<string>): void {
    if (this.#following === undefined) return;
    const { configMaps, secrets, sources, tables } = this.#following;
    for (const key of tables.keys()) if (!owners.has(key)) tables.delete(key);
    const gateways = [...owners].flatMap(key => sources.gateways.cache.get(key) ?? []);
    secrets.want(
      new Set(gateways.flatMap(gateway => [this.#controlOf(gateway), ...sources.secretsOf(gateway)])),
    );
    configMaps.want(new Set(gateways.flatMap(gateway => sources.configMapsOf(gateway))));
  }

  read(owner: string): ReadTable | undefined {
    const gateway = this.#following?.sources.gateways.cache.get(owner);
    if (this.#following === undefined || gateway === undefined) return undefined;
    const { configMaps, secrets, sources, tables } = this.#following;
    const control = this.#controlOf(gateway);
    if (!secrets.areKnown([control, ...sources.secretsOf(gateway)])) return undefined; // woken by them
    if (!configMaps.areKnown(sources.configMapsOf(gateway))) return undefined;
    const table = tables.get(owner) ?? new LiveTable(owner, sources.live);
    tables.set(owner, table);
    const revision = table.revision();
    if (revision === undefined) return undefined;
    return { table, revision, key: Buffer.from(secrets.get(control)?.data?.[KEY_NAME] ?? '', 'base64') };
  }

  revision(owner: string): number | undefined {
    return this.#following?.tables.get(owner)?.revision();
  }

  leave(): void {
    this.#following?.stop.abort(new Error('no proxy of a Gateway is here any more'));
    this.#following = undefined;
  }

  follow(): void {
    if (this.#following !== undefined) return;
    const { client, clock, log, services, signal, slices, wake } = this.#options;
    const stop = new AbortController();
    const ends = AbortSignal.any([signal, stop.signal]);
    const tables = new Map<string, LiveTable>();
    const tablesChanged = (keys?: readonly string[]) => {
      for (const [key, table] of tables) if (keys === undefined || keys.includes(key)) table.gatewayChanged();
      wake(keys);
    };
    const touched = {
      gateways: tablesChanged,
      route: (key: string, gateways: readonly string[]) => {
        for (const gateway of gateways) tables.get(gateway)?.routeChanged(key);
        wake(gateways);
      },
      endpoints: (service: string) => {
        for (const table of tables.values()) table.endpointsChanged(service);
        wake();
      },
    };
    const referenced = { client, clock, log, signal: ends };
    const secrets = new FollowedObjects({
      ...referenced,
      resource: SECRETS,
      onChange: () => tablesChanged(),
    });
    const configMaps = new FollowedObjects({
      ...referenced,
      resource: CONFIG_MAPS,
      onChange: key => {
        tablesChanged();
        for (const service of sources.servicesOfConfigMap(key)) touched.endpoints(service);
      },
    });
    const sources = new TableSources({
      client,
      services,
      slices,
      secret: key => secrets.get(key),
      configMap: key => configMaps.get(key),
      clock,
      log,
    });
    const following: Following = { sources, secrets, configMaps, stop, tables, isKnown: false };
    this.#following = following;
    sources.start(ends, touched).then(
      () => {
        following.isKnown = true;
        wake();
      },
      () => undefined, // stopped before
    );
  }

  #controlOf(gateway: Gateway): string {
    return `${gateway.metadata.namespace ?? ''}/${controlSecretName(gateway, this.#options.digest)}`;
  }
}
