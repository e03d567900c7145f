import type { ProxyContext } from './context.ts';
import type { Backend } from './endpoints.ts';
import type { RequestHead } from './http1/request-head.ts';
import { rewritePath } from './rewrite-path.ts';
import type { Routed } from './route-request.ts';
import { type Choice, choose, type RulePlan } from './rule-plan.ts';
import type { Session } from './session-seal.ts';
import type { ExchangeClient } from './sides.ts';
import { type OutgoingRequest, outgoingRequest } from './write-request.ts';

/** A request as it is to go out, and where to; it outlives the head that it came with. */
export interface Prepared {
  /** Absent: the rule leads nowhere. */
  readonly choice: Choice | undefined;
  readonly backend: Backend | undefined;
  /** It goes on with a session, which has chosen. */
  readonly session: Session | undefined;
  readonly request: OutgoingRequest;
}

export interface Preparing {
  readonly context: ProxyContext;
  readonly client: ExchangeClient;
  readonly plan: RulePlan;
  readonly routed: Routed;
  readonly requestId: string;
  readonly upgrade: string | undefined;
  readonly isTrusted: boolean;
}

/** Chooses the backend by the rule's weights or the request's session; `body` is all of it, where it came with the head. */
export function prepareRequest(preparing: Preparing, head: RequestHead, body: string | undefined): Prepared {
  const { context, client, plan, routed, requestId, upgrade, isTrusted } = preparing;
  const { choice, session } = chosen(context, plan, head);
  const key = choice?.reference.backend;
  const path = rewritePath(routed.path, choice?.path, plan.prefix);
  const request = outgoingRequest(
    {
      head,
      choice,
      target: routed.query === '' ? path : `${path}?${routed.query}`,
      authority: routed.authority,
      scheme: client.scheme,
      forwarded: client.forwarded,
      requestId,
      upgrade,
      isTrusted,
    },
    body,
  );
  return { choice, backend: key === undefined ? undefined : context.backends.get(key), session, request };
}

/** A session goes on where it began, while that is still there (GEP-1619). */
function chosen(
  { sessions, wallClock, random }: ProxyContext,
  plan: RulePlan,
  head: RequestHead,
): Pick<Prepared, 'choice' | 'session'> {
  if (plan.session === undefined) return { choice: choose(plan, random), session: undefined };
  const session = plan.session.sessionOf(head, sessions, wallClock());
  const choice = session && plan.choices.find(({ reference }) => reference.backend === session.backend);
  return choice === undefined ? { choice: choose(plan, random), session: undefined } : { choice, session };
}
