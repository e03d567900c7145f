import type { Clock } from '../base/clock.ts';
import { sentenceOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { WorkQueue } from '../base/work-queue.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../kube/client.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { PODS, SERVICES } from '../kube/resources.ts';
import type { Pod } from '../kube/types/core.ts';
import type { Node } from '../kube/types/node.ts';
import {
  dnsLabels,
  dnsNamespace,
  dnsService,
  dnsServiceName,
  mirrorPod,
  mirrorPodName,
  mirrorStatus,
} from './dns-objects.ts';

export interface DnsLoopOptions {
  readonly client: KubeClient;
  readonly nodes: Informer<Node>;
  /** Of the cluster's DNS, the primary family first. */
  readonly addresses: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

const serviceKey = 'service';
const nodeKey = (name: string): string => `node/${name}`;

/**
 * Keeps the Service of the cluster's DNS and a mirror pod for each node:
 *
 *   Nodes ────────┐
 *   mirror pods ──┼─▶ queue ─▶ Service kube-dns, pods kube-dns-NODE with their status
 *   the Service ──┘
 *
 * A Service of that name that someone else has made is left as it is, and told of.
 */
export class DnsLoop {
  readonly #options: DnsLoopOptions;
  readonly #pods: Informer<Pod>;
  readonly #services;
  readonly #queue: WorkQueue<string>;
  #toldOf = '';

  constructor(options: DnsLoopOptions) {
    const { client, clock, log } = options;
    this.#options = options;
    this.#pods = new Informer(client, PODS, {
      namespace: dnsNamespace,
      labelSelector: `k8s-app=${dnsLabels['k8s-app']}`,
      clock,
      log,
    });
    this.#services = new Informer(client, SERVICES, {
      namespace: dnsNamespace,
      fieldSelector: `metadata.name=${dnsServiceName}`,
      clock,
      log,
    });
    this.#queue = new WorkQueue(
      key => (key === serviceKey ? this.#keepService() : this.#keepPod(key.slice(nodeKey('').length))),
      {
        clock,
        onError: (key, error, retryInMilliseconds) =>
          log.warn({ key, retryInMilliseconds, reason: sentenceOf(error) }, 'an object of DNS is not there'),
      },
    );
  }

  /** The informer of nodes has to be started by the caller. Resolves when the loop has seen what is there. */
  async start(signal: AbortSignal): Promise<void> {
    const { nodes } = this.#options;
    this.#pods.start(signal);
    this.#services.start(signal);
    await Promise.all([nodes.synced, this.#pods.synced, this.#services.synced]);
    this.#queue.add(serviceKey);
    const ends = [
      nodes.onChange(({ before, after }) => {
        const name = (after ?? before)?.metadata.name;
        if (name !== undefined) this.#queue.add(nodeKey(name));
      }),
      this.#pods.onChange(({ before, after }) => {
        const node = (after ?? before)?.spec.nodeName;
        if (node !== undefined) this.#queue.add(nodeKey(node));
      }),
      this.#services.onChange(() => this.#queue.add(serviceKey)),
    ];
    const stop = () => {
      for (const end of ends) end();
      void this.#queue.close();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  async #keepService(): Promise<void> {
    const { client, addresses, log } = this.#options;
    const present = this.#services.cache.get(`${dnsNamespace}/${dnsServiceName}`);
    const found = present?.spec.clusterIPs?.join() ?? '';
    if (present === undefined) {
      await client.create(SERVICES, dnsService(addresses)).catch(unless(isAlreadyExists));
    } else if (found !== addresses.join() && found !== this.#toldOf) {
      this.#toldOf = found;
      log.warn(
        { object: `Service/${dnsNamespace}/${dnsServiceName}`, clusterIPs: found, expected: addresses },
        'the Service of DNS has other addresses than the nodes answer on; delete it to have it made again',
      );
    }
  }

  async #keepPod(name: string): Promise<void> {
    const { client, nodes, clock } = this.#options;
    const node = nodes.cache.get(name);
    const key = { namespace: dnsNamespace, name: mirrorPodName(name) };
    const present = this.#pods.cache.get(`${key.namespace}/${key.name}`);
    if (node === undefined) {
      if (present !== undefined)
        await client.delete(PODS, key, { gracePeriodSeconds: 0 }).catch(unless(isNotFound));
      return;
    }
    if (present === undefined) {
      await client.create(PODS, mirrorPod(node)).catch(unless(isAlreadyExists));
      return; // told of by the watch, then its status is written
    }
    // Nobody runs it, so nobody but us ends it.
    if (present.metadata.deletionTimestamp !== undefined) {
      await client.delete(PODS, key, { gracePeriodSeconds: 0 }).catch(unless(isNotFound));
      return;
    }
    const status = mirrorStatus(present, node, clock.now());
    if (status === undefined) return;
    await client
      .update(PODS, { ...present, status }, { subresource: 'status' })
      .catch(unless(error => isConflict(error) || isNotFound(error)));
  }
}

/** What someone else did first is fine: the watch tells what is there now. */
function unless(isFine: (error: unknown) => boolean): (error: unknown) => void {
  return error => {
    if (!isFine(error)) throw error;
  };
}
