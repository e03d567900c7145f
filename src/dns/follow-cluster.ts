import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { ENDPOINT_SLICES, NAMESPACES, SERVICES } from '../kube/resources.ts';
import type { ClusterNames, NamesInput } from './compile-cluster.ts';
import { readNamespace, readService, readSlice } from './model.ts';

export interface FollowOptions {
  readonly client: KubeClient;
  readonly names: ClusterNames;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export interface Following {
  /** Resolves once the names are those of the API server; rejects when stopped before. */
  readonly synced: Promise<void>;
  /** Seconds since the API server last said anything about what the names are made from. */
  staleness(): number;
  /** How many changes have come. */
  changes(): number;
}

/** Keeps the names as the API server has it, one object's change at a time. */
export function followCluster({ client, names, clock, log, signal }: FollowOptions): Following {
  const services = new Informer(client, SERVICES, { clock, log });
  const slices = new Informer(client, ENDPOINT_SLICES, { clock, log });
  const namespaces = new Informer(client, NAMESPACES, { clock, log });
  const informers = [services, slices, namespaces];
  let changes = 0;

  services.onChange(({ before, after }) => {
    const { namespace = '', name } = (after ?? before)?.metadata ?? { name: '' };
    names.setService(namespace, name, after === undefined ? undefined : readService(after));
    changes++;
  });
  slices.onChange(({ before, after }) => {
    const [gone, come] = [before, after].map(slice => (slice === undefined ? undefined : readSlice(slice)));
    if (gone !== undefined && gone.service !== come?.service) names.removeSlice(gone);
    if (come !== undefined) names.putSlice(come);
    changes++;
  });
  namespaces.onChange(({ before, after }) => {
    if (after !== undefined) names.putNamespace(readNamespace(after));
    else if (before !== undefined) names.removeNamespace(readNamespace(before));
    changes++;
  });
  for (const informer of informers) informer.start(signal);

  const current = (): NamesInput => ({
    namespaces: namespaces.cache.list().map(readNamespace),
    services: services.cache.list().flatMap(service => readService(service) ?? []),
    slices: slices.cache.list().flatMap(slice => readSlice(slice) ?? []),
  });
  const synced = Promise.all(informers.map(informer => informer.synced)).then(() => {
    names.keepOnly(current());
    names.isComplete = true;
  });
  synced.catch(() => undefined); // who does not wait for it need not handle that we were stopped
  return {
    synced,
    staleness: () => Math.max(...informers.map(informer => informer.staleness())),
    changes: () => changes,
  };
}
