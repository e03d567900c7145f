import { type AccessEntry, members, type Why } from './access-log.ts';
import type { ProxyContext } from './context.ts';
import type { Endpoint } from './endpoints.ts';
import type { RequestHead } from './http1/request-head.ts';
import { fieldOf, type Routed } from './route-request.ts';
import type { TableOptions } from '../table.ts';
import type { Choice, RulePlan } from './rule-plan.ts';
import type { ExchangeClient } from './sides.ts';
import { trustedClient } from './trusted-client.ts';

/** W3C Trace Context, section 3.2: version, trace-id, parent-id, flags; and what later versions add. */
const traceId = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;

/** What is known of a request, or of a connection that goes on as octets, from its beginning to its end. */
export class RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly client: Pick<ExchangeClient, 'logged'> & Pick<AccessEntry, 'protocol'>;
  readonly address: string;
  readonly #startedAt = performance.now();
  routed: Routed | undefined;
  plan: RulePlan | undefined;
  choice: Choice | undefined;
  endpoint: Endpoint | undefined;
  status = 0;
  /** Octets of bodies. */
  received = 0;
  sent = 0;
  tries = 0;
  /** The client, by the word of trusted proxies. */
  from: string | undefined;
  /** Of W3C Trace Context, the trace's id. */
  trace: string | undefined;
  referer: string | undefined;
  agent: string | undefined;
  #sentAt = this.#startedAt;
  #answeredAt = 0;

  constructor(id: string, method: string, client: RequestRecord['client'], address: string) {
    this.address = address;
    this.id = id;
    this.method = method;
    this.client = client;
  }

  /** Of the listener that the request belongs to. */
  get options(): TableOptions | undefined {
    const lookup = this.routed?.lookup;
    return lookup === undefined || lookup.outcome === 'no-listener' ? undefined : lookup.listener.options;
  }

  /** What of the request's head is told of it. */
  read(head: RequestHead): void {
    this.trace = traceId.exec(head.traceParent ?? '')?.[1];
    const { options } = this;
    if (options === undefined) return;
    this.from = trustedClient(head.forwardedFor, options.trustedHops ?? 0);
    if (options.accessLog !== 'ingress-nginx') return;
    this.referer = fieldOf(head, 'referer');
    this.agent = fieldOf(head, 'user-agent');
  }

  /** A try is on its way to a backend. */
  sending(): void {
    this.#sentAt = performance.now();
  }

  answered(status: number): void {
    this.status = status;
    this.#answeredAt = performance.now();
  }

  /** Writes its line of the log, and counts it. */
  tell(context: ProxyContext, why: Why, detail: string | undefined): void {
    const { routed, plan, choice, endpoint, status, received, sent, tries } = this;
    const milliseconds = performance.now() - this.#startedAt;
    const upstreamMilliseconds = this.#answeredAt === 0 ? undefined : this.#answeredAt - this.#sentAt;
    const path =
      routed === undefined ? '' : routed.query === '' ? routed.path : `${routed.path}?${routed.query}`;
    const listener = listenerOf(routed);
    const format = this.options?.accessLog;
    const address = this.from ?? this.address;
    if (format === undefined)
      context.log.add({
        from: this.from,
        trace: this.trace,
        id: this.id,
        connection: this.client.logged,
        route: plan?.logged ?? (listener === '' ? '' : members({ listener })),
        endpoint: choice === undefined ? '' : choice.logged + (endpoint?.logged ?? ''),
        method: this.method,
        host: routed?.host ?? '',
        path,
        protocol: this.client.protocol,
        status,
        why,
        detail,
        received,
        sent,
        milliseconds,
        upstreamMilliseconds,
        tries,
      });
    else if (format === 'ingress-nginx')
      context.log.addNginx({
        client: address,
        method: this.method,
        target: path,
        protocol: this.client.protocol,
        status,
        sent,
        received,
        referer: this.referer,
        agent: this.agent,
        milliseconds,
        backend: choice?.reference.backend,
        endpoint: endpoint?.name,
        upstreamMilliseconds,
        id: this.id,
      });
    context.figures.add({
      listener,
      route: plan?.route ?? '',
      backend: choice?.reference.backend,
      status,
      isAnswered: upstreamMilliseconds !== undefined,
      milliseconds,
      upstreamMilliseconds,
      received,
      sent,
      tries,
    });
  }
}

function listenerOf(routed: Routed | undefined): string {
  const lookup = routed?.lookup;
  return lookup === undefined || lookup.outcome === 'no-listener' ? '' : lookup.listener.name;
}
