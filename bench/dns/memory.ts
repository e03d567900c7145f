import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { proportionalSetSize } from '../../src/kernel/process/index.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { ENDPOINT_SLICES, SERVICES } from '../../src/kube/resources.ts';
import type { Unpacked } from '../harness/debian.ts';
import { type Row, rowOf } from '../harness/result.ts';
import { type ClusterName, type PeerName, peers, startPeer } from './server.ts';

/** Endpoints of headless Services, which have names and addresses of their own. */
const sizes = [1000, 10_000, 100_000];
const inSlice = 100;
const settleMilliseconds = 1000;
const mostMilliseconds = 60_000;

export interface MemoryOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly directory: string;
  readonly unpacked: Unpacked;
  readonly firstPort: number;
  readonly pid: number;
  /** Resolves when our server has so many names more than before. */
  readonly untilServed: (more: number) => Promise<void>;
  readonly say: (text: string) => void;
}

/** What each server holds with so many endpoints: ours as they come, peers started with all of them. */
export async function measureMemory(options: MemoryOptions): Promise<readonly Row[]> {
  const { directory, firstPort, namespace, pid, say, unpacked } = options;
  const rows: Row[] = [];
  const names: ClusterName[] = [];
  for (const size of sizes) {
    say(`memory with ${size} endpoints`);
    const before = names.length;
    const services = Array.from(
      { length: (size - before) / inSlice },
      (_, index) => before / inSlice + index,
    );
    for (const service of services) names.push(...(await createEndpoints(options.client, service)));
    await options.untilServed(size);
    const ours = megabytes(await settled(pid));
    for (const [index, [key, peer]] of Object.entries(peers).entries()) {
      const own = join(directory, `${key}-${size}`);
      mkdirSync(own);
      const started = startPeer(
        peer,
        unpacked,
        { namespace, directory: own, port: firstPort + 10 + index },
        names,
      );
      try {
        await started.ready();
        const version = `${key} ${unpacked.version(peers[key as PeerName].package)}`; // a key of peers
        const samples = [megabytes(await settled(started.pid))];
        rows.push(rowOf(`memory with ${size} endpoints, beside ${key}`, 'MB', [ours], { version, samples }));
      } finally {
        await started.close();
      }
    }
  }
  return rows;
}

const megabytes = (bytes: number): number => bytes / 1e6;

/** When it changes no more. */
async function settled(pid: number): Promise<number> {
  const deadline = performance.now() + mostMilliseconds;
  let last = proportionalSetSize(pid);
  for (;;) {
    await sleep(settleMilliseconds);
    const now = proportionalSetSize(pid);
    if (Math.abs(now - last) < last / 100 || performance.now() > deadline) return now;
    last = now;
  }
}

/** A headless Service with a slice of endpoints, and the names that these have. */
async function createEndpoints(client: KubeClient, service: number): Promise<readonly ClusterName[]> {
  const name = `many-${service}`;
  const addresses = Array.from(
    { length: inSlice },
    (_, index) => `10.${100 + (service >> 8)}.${service & 255}.${index + 1}`,
  );
  await client.create(SERVICES, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'bench', name },
    spec: { clusterIP: 'None', ports: [{ port: 80 }] },
  });
  await client.create(ENDPOINT_SLICES, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'bench', name, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    endpoints: addresses.map(address => ({ addresses: [address] })),
    ports: [{ port: 80 }],
  });
  return addresses.map(address => ({
    name: `${address.replaceAll('.', '-')}.${name}.bench.svc.cluster.local`,
    addresses: [address],
  }));
}
