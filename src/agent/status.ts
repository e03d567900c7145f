import { chmodSync, rmSync } from 'node:fs';
import { http } from '../kube/node-http.ts';
import { FairleadError, sentenceOf } from '../base/errors.ts';
import { metricsContentType } from '../base/metrics.ts';
import type { PolicyStatus } from '../policy/index.ts';
import type { DnsKernelStatus } from './dns-kernel.ts';
import type { FlowsStatus } from './policy-flows.ts';
import type { Observe } from './observe.ts';
import type { ProxyStatus } from './gateways/index.ts';
import type { ServicesStatus } from './services.ts';

/** What `fairlead status` shows of a node's agent. */
export interface AgentStatus {
  readonly cluster: string;
  readonly node: string;
  /** Pods can be attached. */
  readonly ready: boolean;
  /** Why not, as a sentence. */
  readonly waitingFor?: string;
  readonly startedAt: string;
  readonly podPrefixes: readonly {
    readonly prefix: string;
    readonly taken: number;
    readonly capacity: string;
  }[];
  readonly attachments: number;
  readonly peers: readonly { readonly node: string; readonly prefix: string; readonly way: string }[];
  readonly lastReconcile?: string;
  /** How often something in the kernel was not as it has to be and was put right, since the start. */
  readonly corrections: number;
  /** Addresses that were freed because their pod was gone without a DEL. */
  readonly released: number;
  /** Seconds since the API server last said anything; null before it ever did. */
  readonly staleness: {
    readonly nodes: number | null;
    readonly pods: number | null;
    readonly services: number | null;
    readonly policies: number | null;
  };
  /** Cluster addresses in the kernel. */
  readonly services: ServicesStatus;
  /** NetworkPolicies in force on this node. */
  readonly policy: PolicyStatus & { readonly drops: FlowsStatus };
  /** Answers of DNS on pods' links. */
  readonly dnsKernel: DnsKernelStatus;
  /** Proxies of Gateways on this node. */
  readonly proxies: readonly ProxyStatus[];
  readonly problems: readonly {
    readonly object: string;
    readonly field: string;
    readonly sentence: string;
  }[];
}

export interface StatusServer {
  close(): Promise<void>;
}

/**
 * `GET /healthz` (200 while the process works), `GET /status`, `GET /metrics` and `GET /observe/…` (observe.ts) on a unix socket that only
 * root can open.
 */
export async function serveStatus(
  path: string,
  status: () => object,
  observe: Observe = () => Promise.resolve({ status: 404, body: { error: 'not found' } }),
  metrics: () => string = () => '',
): Promise<StatusServer> {
  rmSync(path, { force: true });
  const server = http.createServer((request, response) => {
    const url = URL.parse(request.url ?? '', 'http://agent');
    request.resume();
    const answer = (code: number, body: unknown) =>
      void response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    if (request.method === 'GET' && url?.pathname === '/healthz') {
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok\n');
    } else if (request.method === 'GET' && url?.pathname === '/status') {
      answer(200, status());
    } else if (request.method === 'GET' && url?.pathname === '/metrics') {
      response.writeHead(200, { 'content-type': metricsContentType }).end(metrics());
    } else if (request.method === 'GET' && url?.pathname.startsWith('/observe/') === true) {
      observe(url.pathname, url.searchParams).then(
        ({ body, status: code }) => answer(code, body),
        (error: unknown) => answer(500, { error: sentenceOf(error) }),
      );
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n');
    }
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => {
      reject(
        new FairleadError('agent/status-socket', `the status socket ${path} cannot be opened`, { cause }),
      );
    });
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
