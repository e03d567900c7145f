import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as tlsConnect } from 'node:tls';
import type { Duplex } from 'node:stream';
import { namespaces } from '../../src/kernel/contract.ts';
import { connectIn, namespacePath } from '../../src/kernel/ns/index.ts';
import { GATEWAYS, PODS, SERVICES } from '../../src/kube/resources.ts';
import type { Pod } from '../../src/kube/types/pod.ts';
import { clusterFiles } from '../../src/standalone/cluster.ts';
import type { TestCluster } from './cluster.ts';

/** The example that people meet first, as tests use it. */
export const shopDirectory = resolve(import.meta.dirname, '..', '..', 'examples', 'shop');
export const shopHost = 'shop.example.com';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What a tier says of itself and of what it asked. */
export interface Tier {
  readonly tier: string;
  readonly from: string;
  readonly at: string;
  readonly forwardedFor?: string;
  readonly upstream?: Tier;
}

export const tiersOf = (body: string): readonly Tier[] => {
  const tiers: Tier[] = [];
  for (let next: Tier | undefined = JSON.parse(body) as Tier; next !== undefined; next = next.upstream)
    tiers.push(next);
  return tiers;
};

const answerMilliseconds = 10_000;

/** One request over a connection of its own. */
export async function ask(connection: Duplex, host: string, path = '/'): Promise<Answer> {
  const signal = AbortSignal.timeout(answerMilliseconds);
  const asked = request({ host, path, headers: { host }, signal, createConnection: () => connection });
  asked.end();
  const [response] = (await once(asked, 'response', { signal })) as [IncomingMessage];
  const body = await text(response);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

export class Shop {
  readonly cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
  }

  get #world(): string {
    return namespacePath(namespaces.world(this.cluster.name));
  }

  /** The Gateway's addresses, IPv4 first. */
  async addresses(): Promise<readonly string[]> {
    const gateway = await this.cluster.client.get(GATEWAYS, { namespace: 'shop', name: 'shop' });
    return (gateway.status?.addresses ?? []).map(({ value }) => value);
  }

  get authority(): string {
    return readFileSync(join(clusterFiles.selfSigned(this.cluster.name), 'ca.crt'), 'utf8');
  }

  /** The page as somebody outside of the cluster opens it. */
  async page(address: string, connectMilliseconds = 5000): Promise<Answer> {
    const options = { host: address, port: 443, timeoutMilliseconds: connectMilliseconds };
    const socket = await connectIn(this.#world, options);
    const connection = tlsConnect({ socket, servername: shopHost, ca: this.authority });
    try {
      return await ask(connection, shopHost);
    } finally {
      connection.destroy();
      socket.destroy();
    }
  }

  async plain(address: string): Promise<Answer> {
    const socket = await connectIn(this.#world, { host: address, port: 80, timeoutMilliseconds: 5000 });
    return ask(socket, shopHost, '/?a=b');
  }

  async pods(namespace: string, app: string): Promise<readonly Pod[]> {
    return (await this.cluster.client.list(PODS, { namespace, labelSelector: `app=${app}` })).items;
  }

  async firstPod(namespace: string, app: string): Promise<Pod> {
    const [pod] = await this.pods(namespace, app);
    if (pod === undefined) throw new Error(`there is no pod of ${app}`);
    return pod;
  }

  async serviceAddresses(namespace: string, name: string): Promise<readonly string[]> {
    return (await this.cluster.client.get(SERVICES, { namespace, name })).spec.clusterIPs ?? [];
  }

  /** A connection as the pod's own process would open it; needs no API server. */
  connectFrom(pod: Pod, host: string, port: number, timeoutMilliseconds = 2000) {
    const path = namespacePath(namespaces.pod(this.cluster.name, pod.metadata.uid ?? ''));
    return connectIn(path, { host, port, timeoutMilliseconds });
  }

  /** Whether a pod gets through to an address: true or false, and nothing between. */
  async reaches(pod: Pod, host: string, port = 80): Promise<boolean> {
    try {
      (await this.connectFrom(pod, host, port)).destroy();
      return true;
    } catch {
      return false;
    }
  }
}
