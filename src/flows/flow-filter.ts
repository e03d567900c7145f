import type { FlowEnd, FlowEvent } from '../base/flow-event.ts';
import { contains, formatAddress, parseAddress, parseInterface, prefixOf } from '../base/ip.ts';

/** All that is given has to hold. */
export interface FlowFilter {
  /** An end: `namespace/pod`, `namespace/` (all of its pods), an address, a prefix, or a domain name that was resolved. */
  readonly from?: string;
  readonly to?: string;
  readonly port?: number;
  /** One of FlowVerdict, or several with commas between. */
  readonly verdict?: string;
  /** `namespace/name` of a policy that isolates, or whose rule let it pass; `/name` of one for the cluster. */
  readonly policy?: string;
  /** Milliseconds since 1970: seen then or later. */
  readonly since?: number;
  /** The id of an event of a node: only later ones of that node. */
  readonly after?: number;
}

export function matchesFlow(filter: FlowFilter, event: FlowEvent): boolean {
  const { from, to, port, verdict, policy, since, after } = filter;
  return (
    (from === undefined || isEnd(from, event.source)) &&
    (to === undefined || isEnd(to, event.destination)) &&
    (port === undefined || event.destination.port === port) &&
    (verdict === undefined || verdict.split(',').includes(event.verdict)) &&
    (policy === undefined ||
      event.why.policies.some(({ namespace, name }) => `${namespace}/${name}` === policy)) &&
    (since === undefined || Date.parse(event.last) >= since) &&
    (after === undefined || numberOf(event) > after)
  );
}

export const numberOf = ({ id }: FlowEvent): number => Number(id.slice(id.lastIndexOf('/') + 1));

function isEnd(wanted: string, end: FlowEnd): boolean {
  if (end.pod === wanted || end.address === wanted || end.names?.includes(wanted) === true) return true;
  if (wanted.endsWith('/')) return end.pod?.startsWith(wanted) === true;
  const address = parseAddress(end.address);
  const one = parseAddress(wanted);
  // Written otherwise than formatAddress does: FD00:0::1.
  if (one !== undefined) return end.address === formatAddress(one);
  const prefix = parseInterface(wanted);
  return (
    address !== undefined &&
    prefix !== undefined &&
    contains(prefixOf(prefix.address, prefix.length), address)
  );
}
