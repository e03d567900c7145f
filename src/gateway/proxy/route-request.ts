import { hostnameOf, lookUp, normaliseTarget } from '../lookup/index.ts';
import type { Lookup } from '../lookup/index.ts';
import type { RequestHead } from './http1/request-head.ts';
import { problem } from './http1/problems.ts';
import type { PortsIndex } from '../lookup/index.ts';

/** What a request asks for, with its head read to the end. */
export interface Routed {
  readonly authority: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly lookup: Lookup;
}

export interface Arrival {
  readonly port: number;
  readonly scheme: 'http' | 'https';
  readonly serverName: string | undefined;
}

/** Clients ask for the same name again and again: the last answer is kept. */
export class Hostnames {
  #authority = '';
  #hostname: string | undefined;

  of(authority: string): string | undefined {
    if (authority !== this.#authority) {
      this.#authority = authority;
      this.#hostname = hostnameOf(authority);
    }
    return this.#hostname;
  }
}

/** Where a request goes, or a problem with its target or Host. */
export function routeRequest(
  index: PortsIndex,
  head: RequestHead,
  arrival: Arrival,
  hostnames: Hostnames,
): Routed | number {
  let { target } = head;
  let authority = head.host ?? '';
  if (!target.startsWith('/') && target !== '*') {
    const absolute = readAbsoluteForm(target, arrival.scheme);
    if (absolute === undefined) return problem.target;
    // RFC 9112 section 3.2.2 lets the target win over Host; here they have to agree, as section 3.2 has clients send them.
    if (head.host !== undefined && absolute.authority.toLowerCase() !== head.host.toLowerCase())
      return problem.hostInvalid;
    ({ authority, target } = absolute);
  }
  if (target === '*' && head.method !== 'OPTIONS') return problem.target;
  const host = authority === '' && head.minor === 0 ? '' : hostnames.of(authority);
  if (host === undefined) return problem.hostInvalid;
  const normal = normaliseTarget(target);
  if (normal === undefined) return problem.target;
  const { path, query } = normal;
  const lookup = lookUp(index, {
    port: arrival.port,
    serverName: arrival.serverName,
    host,
    method: head.method,
    path,
    query,
    header: name => fieldOf(head, name),
  });
  // The table may be another since the handshake: no request is for a listener that leads connections as octets.
  if (lookup.outcome === 'rule' && lookup.listener.protocol === 'TLS') {
    const { listener } = lookup;
    const misdirected = { outcome: 'misdirected', listener, tlsListener: listener } as const;
    return { authority, host, path, query, lookup: misdirected };
  }
  return { authority, host, path, query, lookup };
}

const absoluteForm = /^(https?):\/\/([^/?]*)(.*)$/i;

function readAbsoluteForm(target: string, scheme: string): { authority: string; target: string } | undefined {
  const [, asked, authority, rest] = absoluteForm.exec(target) ?? [];
  if (asked === undefined || authority === undefined || rest === undefined) return undefined;
  if (asked.toLowerCase() !== scheme || authority === '') return undefined;
  return { authority, target: rest.startsWith('/') ? rest : `/${rest}` };
}

/** The values of all fields of a name, joined by commas; `wanted` in lower case. */
export function fieldOf({ fields }: Pick<RequestHead, 'fields'>, wanted: string): string | undefined {
  let found: string | undefined;
  for (let index = 0; index < fields.count; index++) {
    const length = (fields.nameEnd[index] as number) - (fields.lineStart[index] as number); // index < count
    if (length !== wanted.length || fields.name(index).toLowerCase() !== wanted) continue;
    found = found === undefined ? fields.value(index) : `${found},${fields.value(index)}`;
  }
  return found;
}
