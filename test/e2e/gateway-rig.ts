/** What tests of Gateways share: workloads that tell who they are, routes, and a client outside of the cluster. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { namespaces } from '../../src/kernel/contract.ts';
import { namespacePath, spawnIn } from '../../src/kernel/ns/index.ts';
import { DEPLOYMENTS, GATEWAYS, HTTP_ROUTES, NAMESPACES, SERVICES } from '../../src/kube/resources.ts';
import type { HTTPRouteRule, HTTPRouteSpec } from '../../src/kube/types/gateway-routes.ts';
import type { Gateway, GatewaySpec, Listener } from '../../src/kube/types/gateway.ts';
import type { Condition } from '../../src/kube/types/meta.ts';
import { eventually, type TestCluster } from './cluster.ts';

/** Where the Gateways of a test and what they serve stand. */
export const namespace = 'edge';
export const host = 'shop.example.com';

export interface Answer {
  /** 0: there was none. */
  readonly status: number;
  readonly body: string;
  /** The field lines of the answer, in lower case. */
  readonly head: string;
}

export const http = (name: string, more: Partial<Listener> = {}): Listener => ({
  name,
  port: 80,
  protocol: 'HTTP',
  ...more,
});

export const https = (name: string, secret: string, more: Partial<Listener> = {}): Listener => ({
  name,
  port: 443,
  protocol: 'HTTPS',
  tls: { certificateRefs: [{ name: secret }] },
  ...more,
});

/** Everything below a path leads to port 80 of each of the Services alike. */
export const below = (path: string, ...services: readonly string[]): HTTPRouteRule => ({
  matches: [{ path: { type: 'PathPrefix', value: path } }],
  backendRefs: services.map(service => ({ name: service, port: 80 })),
});

export const status = (code: number) => (answer: Answer) => answer.status === code;
/** One of the pods of a workload answered. */
export const from = (app: string) => (answer: Answer) =>
  answer.status === 200 && (echoed(answer).pod ?? '').startsWith(`${app}-`);

/** What the echo server saw of the request. */
export interface Echo {
  readonly pod?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
}

export function echoed({ body }: Answer): Echo {
  try {
    return JSON.parse(body) as Echo;
  } catch {
    return {}; // it was not the echo server
  }
}

/** `True/Accepted` */
export function said(conditions: readonly Condition[] | undefined, type: string): string {
  const condition = conditions?.find(one => one.type === type);
  return `${condition?.status}/${condition?.reason}`;
}

export class GatewayRig {
  readonly cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
  }

  async makeNamespaces(...names: readonly string[]): Promise<void> {
    for (const name of names)
      await this.cluster.client.create(NAMESPACES, {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name },
      });
  }

  /** A Deployment that echoes requests, and its Service. */
  async serve(app: string, of = namespace): Promise<void> {
    const { client } = this.cluster;
    const env = [{ name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }];
    await client.create(DEPLOYMENTS, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: of, name: app },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app } },
        template: {
          metadata: { labels: { app } },
          spec: { containers: [{ name: 'main', image: 'echo', env }], terminationGracePeriodSeconds: 1 },
        },
      },
    });
    await client.create(SERVICES, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace: of, name: app },
      spec: { ipFamilyPolicy: 'PreferDualStack', selector: { app }, ports: [{ port: 80, targetPort: 3000 }] },
    });
  }

  async makeGateway(
    name: string,
    listeners: readonly Listener[],
    more: Partial<GatewaySpec> = {},
  ): Promise<void> {
    await this.cluster.client.create(GATEWAYS, {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { namespace, name },
      spec: { gatewayClassName: 'fairlead', listeners, ...more },
    });
  }

  /** Of Gateway `main` where `more` names no parent. */
  async makeRoute(
    name: string,
    rules: readonly HTTPRouteRule[],
    more: Partial<HTTPRouteSpec> = {},
  ): Promise<void> {
    await this.cluster.client.create(HTTP_ROUTES, {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { namespace, name },
      spec: { parentRefs: [{ name: 'main' }], rules, ...more },
    });
  }

  deleteRoute(name: string): Promise<void> {
    return this.cluster.client.delete(HTTP_ROUTES, { namespace, name });
  }

  gateway(name: string): Promise<Gateway> {
    return this.cluster.client.get(GATEWAYS, { namespace, name });
  }

  /** Waits until the Gateway is programmed. */
  async addressesOf(name: string): Promise<readonly string[]> {
    const found = await eventually(
      `Gateway ${name} is programmed`,
      async () => {
        const { status: now } = await this.gateway(name);
        if (said(now?.conditions, 'Programmed') !== 'True/Programmed') throw new Error(JSON.stringify(now));
        return now?.addresses;
      },
      60_000,
    );
    return found.map(({ value }) => value);
  }

  /** The condition of the route's first parent. */
  async parentSaid(route: string, type: string): Promise<string> {
    const found = await this.cluster.client.get(HTTP_ROUTES, { namespace, name: route });
    return said(found.status?.parents[0]?.conditions, type);
  }

  /** curl outside of the cluster; `--tls` asks over HTTPS, `--to-port=N` at another port. Nothing is trusted, nothing is asked of a name server. */
  async ask(address: string, path: string, ...words: readonly string[]): Promise<Answer> {
    const scheme = words.includes('--tls') ? 'https' : 'http';
    const target = address.includes(':') ? `[${address}]` : address;
    const own = ['--silent', '--insecure', '--include', '--max-time', '5', '--noproxy', '*'];
    const toPort = words.find(word => word.startsWith('--to-port='))?.slice('--to-port='.length);
    const connect = ['--connect-to', `::${target}:${toPort ?? (scheme === 'https' ? 443 : 80)}`];
    const code = ['--write-out', '\n%{http_code}'];
    const rest = words.filter(word => word !== '--tls' && !word.startsWith('--to-port='));
    const child = spawnIn(
      namespacePath(namespaces.world(this.cluster.name)),
      'curl',
      [...own, ...code, ...connect, ...rest, `${scheme}://${host}${path}`],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    assert.ok(child.stdout);
    const [output] = await Promise.all([text(child.stdout), once(child, 'close')]);
    const [headEnd, bodyEnd] = [output.indexOf('\r\n\r\n'), output.lastIndexOf('\n')];
    return {
      status: Number(output.slice(bodyEnd + 1)),
      head: output.slice(0, headEnd + 2).toLowerCase(),
      body: output.slice(headEnd + 4, bodyEnd),
    };
  }

  /** Asks until the answer is as it has to be, and then twice more: every proxy has to know. */
  async answers(
    address: string,
    path: string,
    check: (answer: Answer) => boolean,
    ...words: readonly string[]
  ): Promise<void> {
    await eventually(`${path} at ${address}`, async () => {
      for (let turn = 0; turn < 3; turn++) {
        const answer = await this.ask(address, path, ...words);
        if (!check(answer)) throw new Error(JSON.stringify(answer));
      }
      return true;
    });
  }
}
