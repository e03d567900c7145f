import { type AccessEntry, members, type Why } from './access-log.ts';
import type { ProxyContext } from './context.ts';
import type { Endpoint } from './endpoints.ts';
import type { Routed } from './route-request.ts';
import type { Choice, RulePlan } from './rule-plan.ts';
import type { ExchangeClient } from './sides.ts';

/** What is known of a request, or of a connection that goes on as octets, from its beginning to its end. */
export class RequestRecord {
  readonly id: string;
  readonly method: string;
  readonly client: Pick<ExchangeClient, 'logged'> & Pick<AccessEntry, 'protocol'>;
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
  #sentAt = this.#startedAt;
  #answeredAt = 0;

  constructor(id: string, method: string, client: RequestRecord['client']) {
    this.id = id;
    this.method = method;
    this.client = client;
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
    context.log.add({
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
