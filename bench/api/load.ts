import { request } from 'node:https';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Kubeconfig } from '../../src/kube/kubeconfig.ts';
import { CONFIG_MAPS, ENDPOINT_SLICES, SERVICES } from '../../src/kube/resources.ts';
import type { ConfigMap } from '../../src/kube/types/core.ts';

export const NAMESPACE = 'default';

const configMap = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: NAMESPACE, labels: { app: 'bench' } },
  data: { index: name },
});

/** Runs `make` for each index, sixteen at a time; resolves when all are done. */
export async function inParallel(count: number, make: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await make(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** Creates ConfigMaps named after a prefix; returns the milliseconds that it took. */
export async function createConfigMaps(client: KubeClient, prefix: string, count: number): Promise<number> {
  const began = performance.now();
  await inParallel(count, index => client.create(CONFIG_MAPS, configMap(`${prefix}-${index}`)));
  return performance.now() - began;
}

/** Milliseconds from sending a ConfigMap until a watch in the same process shows it, one after the other. */
export async function createAndWatch(client: KubeClient, count: number): Promise<readonly number[]> {
  const done = new AbortController();
  const { resourceVersion } = await client.list(CONFIG_MAPS, { namespace: NAMESPACE, limit: 1 });
  const events = client.watch(CONFIG_MAPS, { namespace: NAMESPACE, resourceVersion, signal: done.signal });
  const iterator = events[Symbol.asyncIterator]();
  const samples: number[] = [];
  for (let index = 0; index < count; index++) {
    const name = `trip-${index}`;
    const began = performance.now();
    const created = client.create(CONFIG_MAPS, configMap(name));
    while (true) {
      const next = await iterator.next();
      if (next.done === true) throw new Error('the watch ended before its event came');
      if (next.value.type === 'ADDED' && next.value.object.metadata.name === name) break;
    }
    samples.push(performance.now() - began);
    await created;
  }
  done.abort();
  return samples;
}

/** Services without selectors, each with a slice of ten endpoints: what a large cluster's API holds for networking. */
export async function createServices(client: KubeClient, count: number): Promise<void> {
  await inParallel(count, async index => {
    const name = `service-${index}`;
    await client.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: NAMESPACE },
      spec: { ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 8080 }] },
    });
    await client.create(ENDPOINT_SLICES, {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: Array.from({ length: 10 }, (_, at) => ({
        addresses: [`10.${index >> 8}.${index & 255}.${at + 1}`],
        conditions: { ready: true },
        nodeName: 'node-1',
        targetRef: { kind: 'Pod', namespace: NAMESPACE, name: `${name}-${at}` },
      })),
    });
  });
}

/** Connections that watch ConfigMaps and do nothing but count the lines that come. */
export interface Watchers {
  /** How many have seen fewer events than that, or are gone. */
  behind(events: number): number;
  close(): void;
}

export async function openWatchers(
  kubeconfig: Kubeconfig,
  count: number,
  resourceVersion: string,
): Promise<Watchers> {
  const lines: number[] = [];
  const open = (index: number) =>
    new Promise<() => void>((resolve, reject) => {
      lines[index] = 0;
      const url = `${kubeconfig.cluster.server}/api/v1/namespaces/${NAMESPACE}/configmaps?watch=1&resourceVersion=${resourceVersion}`;
      const call = request(
        url,
        {
          ca: kubeconfig.cluster.certificateAuthority,
          cert: kubeconfig.user.certificate?.certificate,
          key: kubeconfig.user.certificate?.key,
          agent: false,
        },
        answer => {
          answer.on('data', (chunk: Buffer) => {
            for (const byte of chunk) if (byte === 0x0a) lines[index] = (lines[index] ?? 0) + 1;
          });
          answer.on('close', () => (lines[index] = Number.NaN));
          resolve(() => call.destroy());
        },
      );
      call.on('error', reject);
      call.end();
    });
  const ends: (() => void)[] = [];
  for (let index = 0; index < count; index++) ends.push(await open(index));
  return {
    behind: events => lines.filter(seen => !(seen >= events)).length,
    close: () => ends.forEach(end => end()),
  };
}
