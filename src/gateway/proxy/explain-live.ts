import { contains, parseAddress, parsePrefix } from '../../base/ip.ts';
import { objectNameOf } from '../../base/provenance.ts';
import type { Provenance } from '../../base/provenance.ts';
import { explainRequest } from '../decide.ts';
import type { NotChosen } from '../decide.ts';
import type { LiveTable } from '../lookup/index.ts';
import type { RequestHead } from './http1/request-head.ts';
import { type Routed, fieldOf } from './route-request.ts';
import type { ExchangeClient } from './sides.ts';

/** A request that has it is explained to clients that may know; no backend gets it. */
const ASKED = 'fairlead-explain';
const ANSWERED = 'fairlead-explanation';
/** Octets of the answer's value; what is last is left out. */
const LONGEST = 4096;
/** Candidates that do not have the request. */
const TOLD = 20;

/**
 * What `fairlead gateway explain` says, of a request as it is answered, as a field line: which listener, host and rule have it,
 * what came second, and why the others do not have it. '' for who does not ask, or is in none of the prefixes.
 */
export function explanationLine(
  index: LiveTable,
  head: RequestHead,
  { host, lookup, path, query }: Routed,
  { arrived }: Pick<ExchangeClient, 'arrived'>,
  prefixes: readonly string[],
): string {
  if (fieldOf(head, ASKED) === undefined || !isAmong(arrived.address, prefixes)) return '';
  const { port, serverName } = arrived;
  const table = { ...index.table(), certificates: {}, backends: {} };
  const found = explainRequest(
    table,
    { table, ports: index.ports },
    { port, serverName, host, method: head.method, path, query, header: name => fieldOf(head, name) },
  );
  const not = [...found.listeners, ...found.hosts, ...found.rules, ...found.later].slice(0, TOLD).map(told);
  const said = {
    outcome: lookup.outcome,
    ...('listener' in lookup ? { listener: lookup.listener.name } : {}),
    ...('host' in lookup ? { host: lookup.host.hostname } : {}),
    ...(lookup.outcome === 'rule' ? { rule: placeOf(lookup.rule.provenance) } : {}),
    ...(found.second === undefined ? {} : { second: told(found.second) }),
    not,
  };
  let value = ascii(said);
  while (value.length > LONGEST && not.length > 0) {
    not.pop();
    value = ascii(said);
  }
  return value.length > LONGEST ? '' : `${ANSWERED}: ${value}\r\n`;
}

function isAmong(text: string, prefixes: readonly string[]): boolean {
  const address = parseAddress(text);
  return (
    address !== undefined &&
    prefixes.some(written => {
      const prefix = parsePrefix(written);
      return prefix !== undefined && contains(prefix, address);
    })
  );
}

const placeOf = (provenance: Provenance): string => `${objectNameOf(provenance)} ${provenance.field}`;

const told = ({ provenance, sentence }: NotChosen): string => `${placeOf(provenance)}: ${sentence}`;

/** JSON on one line, of printable ASCII alone: whatever a client or an object said ends no line. */
const ascii = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
