import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { ENDPOINT_SLICES, NAMESPACES, PODS, SERVICES } from '../kube/resources.ts';
import type { Pod } from '../kube/types/core.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { ClusterNames, NamesInput } from './compile-cluster.ts';
import { readNamespace, readService, readSlice } from './model.ts';

/** As CoreDNS tells them apart. */
export type ServiceKind = 'cluster_ip' | 'headless_with_selector' | 'headless_without_selector';

export interface FollowOptions {
  readonly client: KubeClient;
  readonly names: ClusterNames;
  /** Selectors of Services and EndpointSlices, and of namespaces; empty: all. */
  readonly labels?: string;
  readonly namespaceLabels?: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Told of each change of endpoints, once it is answered: seconds since it came to be. */
  readonly onProgrammed?: (kind: ServiceKind, seconds: number) => void;
}

export interface Following {
  /** Resolves once the names are those of the API server; rejects when stopped before. */
  readonly synced: Promise<void>;
  /** Seconds since the API server last said anything about what the names are made from. */
  staleness(): number;
  /** How many changes have come. */
  changes(): number;
}

const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Keeps the names as the API server has it, one object's change at a time. */
export function followCluster(options: FollowOptions): Following {
  const { client, names, clock, log, signal, labels = '', namespaceLabels = '' } = options;
  const selected = labels === '' ? {} : { labelSelector: labels };
  const services = new Informer(client, SERVICES, { ...selected, clock, log });
  const slices = new Informer(client, ENDPOINT_SLICES, { ...selected, clock, log });
  const namespaceSelection = namespaceLabels === '' ? {} : { labelSelector: namespaceLabels };
  const namespaces = new Informer(client, NAMESPACES, { ...namespaceSelection, clock, log });
  const pods = names.rules.pods === 'verified' ? podInformer(options) : undefined;
  const informers = [services, slices, namespaces, ...(pods === undefined ? [] : [pods])];
  const isHidden = (namespace: string) =>
    namespaceLabels !== '' && namespaces.cache.get(namespace) === undefined;
  let changes = 0;
  let isSynced = false;

  const setService = (namespace: string, name: string) => {
    const service = isHidden(namespace) ? undefined : services.cache.get(`${namespace}/${name}`);
    names.setService(namespace, name, service === undefined ? undefined : readService(service));
  };
  services.onChange(({ before, after }) => {
    const { namespace = '', name } = (after ?? before)?.metadata ?? { name: '' };
    setService(namespace, name);
    changes++;
  });
  slices.onChange(({ before, after }) => {
    const [gone, come] = [before, after].map(slice =>
      slice === undefined ? undefined : readSlice(slice, names.rules),
    );
    if (gone !== undefined && gone.service !== come?.service) names.removeSlice(gone);
    if (come !== undefined) names.putSlice(come);
    changes++;
    if (isSynced && after !== undefined) measure(after, before);
  });
  namespaces.onChange(({ before, after }) => {
    if (after !== undefined) names.putNamespace(readNamespace(after));
    else if (before !== undefined) names.removeNamespace(readNamespace(before));
    changes++;
    // Its Services are shown from now on, or no more.
    const namespace = (after ?? before)?.metadata.name ?? '';
    if (namespaceLabels !== '' && (before === undefined) !== (after === undefined))
      for (const { metadata } of services.cache.list())
        if (metadata.namespace === namespace) setService(namespace, metadata.name);
  });

  const measure = (slice: EndpointSlice, before: EndpointSlice | undefined) => {
    const { namespace = '', labels: own } = slice.metadata;
    const service = services.cache.get(`${namespace}/${own?.['kubernetes.io/service-name'] ?? ''}`);
    if (service === undefined || service.spec.type === 'ExternalName') return;
    const hasSelector = Object.keys(service.spec.selector ?? {}).length > 0;
    const isHeadless = service.spec.clusterIP === 'None';
    const kind = !isHeadless
      ? 'cluster_ip'
      : hasSelector
        ? 'headless_with_selector'
        : 'headless_without_selector';
    const since = changedAt(slice, before, hasSelector);
    if (since !== undefined) options.onProgrammed?.(kind, Math.max(0, (clock.now() - since) / 1000));
  };
  for (const informer of informers) informer.start(signal);

  const current = (): NamesInput => ({
    namespaces: namespaces.cache.list().map(readNamespace),
    services: services.cache
      .list()
      .filter(({ metadata }) => !isHidden(metadata.namespace ?? ''))
      .flatMap(service => readService(service) ?? []),
    slices: slices.cache.list().flatMap(slice => readSlice(slice, names.rules) ?? []),
  });
  const synced = Promise.all(informers.map(informer => informer.synced)).then(() => {
    // A Service that came before its namespace was taken for hidden.
    if (namespaceLabels !== '') names.putAll(current());
    names.keepOnly(current());
    names.isComplete = true;
    names.arePodsComplete = true;
    isSynced = true;
  });
  synced.catch(() => undefined); // who does not wait for it need not handle that we were stopped
  return {
    synced,
    staleness: () => Math.max(...informers.map(informer => informer.staleness())),
    changes: () => changes,
  };
}

/**
 * When the change came to be, in milliseconds since the epoch: as the endpoints' controller says. Nobody says it of slices
 * that are written by hand; a new one has the second in which it was made, and a change of an old one may carry the
 * annotation. Undefined where it is not known.
 */
function changedAt(
  slice: EndpointSlice,
  before: EndpointSlice | undefined,
  hasSelector: boolean,
): number | undefined {
  const own = slice.metadata.annotations?.[triggerAnnotation];
  const isNew = own !== before?.metadata.annotations?.[triggerAnnotation];
  const text =
    own !== undefined && isNew
      ? own
      : before === undefined && !hasSelector
        ? slice.metadata.creationTimestamp
        : undefined;
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** Of those that have, or will have, an address. */
function podInformer({ client, names, clock, log }: FollowOptions): Informer<Pod> {
  const fieldSelector = 'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown';
  const pods = new Informer(client, PODS, { fieldSelector, clock, log });
  const addressesOf = (pod: Pod | undefined) => pod?.status?.podIPs?.map(({ ip }) => ip) ?? [];
  pods.onChange(({ before, after }) => {
    const { namespace = '', name } = (after ?? before)?.metadata ?? { name: '' };
    names.setPod(namespace, name, addressesOf(after), addressesOf(before));
  });
  return pods;
}
