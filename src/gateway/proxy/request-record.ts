import { type AccessEntry, members, type Why } from './access-log.ts';
import type { ProxyContext } from './context.ts';
import type { Endpoint } from './endpoints.ts';
import type { Routed } from './route-request.ts';
import type { Choice, RulePlan } from './rule-plan.ts';
import type { ExchangeClient } from './sides.ts';

/** A request that is over. */
export interface RequestRecord {
  readonly id: string;
  readonly client: Pick<ExchangeClient, 'logged'> & Pick<AccessEntry, 'protocol'>;
  readonly routed: Routed | undefined;
  readonly plan: RulePlan | undefined;
  readonly choice: Choice | undefined;
  readonly endpoint: Endpoint | undefined;
  readonly method: string;
  readonly status: number;
  readonly why: Why;
  readonly detail: string | undefined;
  readonly received: number;
  readonly sent: number;
  readonly milliseconds: number;
  readonly upstreamMilliseconds: number | undefined;
  readonly tries: number;
}

/** Writes its line of the log, and counts it. */
export function tellOfRequest(context: ProxyContext, record: RequestRecord): void {
  const { client, routed, plan, choice, endpoint, status, why, received, sent, tries } = record;
  const { milliseconds, upstreamMilliseconds } = record;
  const path =
    routed === undefined ? '' : routed.query === '' ? routed.path : `${routed.path}?${routed.query}`;
  const listener = listenerOf(routed);
  context.log.add({
    id: record.id,
    connection: client.logged,
    route: plan?.logged ?? (listener === '' ? '' : members({ listener })),
    endpoint: choice === undefined ? '' : choice.logged + (endpoint?.logged ?? ''),
    method: record.method,
    host: routed?.host ?? '',
    path,
    protocol: client.protocol,
    status,
    why,
    detail: record.detail,
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

function listenerOf(routed: Routed | undefined): string {
  const lookup = routed?.lookup;
  return lookup === undefined || lookup.outcome === 'no-listener' ? '' : lookup.listener.name;
}
