import type { FlowEnd, FlowEvent, FlowRequest } from '../base/flow-event.ts';

/** A request of a Gateway's proxy, with where it went and when it was under way; milliseconds since 1970. */
export interface LoggedRequest extends FlowRequest {
  /** Both as `10.244.1.5:8080`, `[fd00::1]:8080`; the endpoint is empty where the proxy asked none. */
  readonly client: string;
  readonly endpoint: string;
  readonly from: number;
  readonly until: number;
}

/** An event is made when its packet was read, some time after it was sent. */
const reportMilliseconds = 500;
const mostRequests = 5;

/** Of lines of access logs; lines of other logs, and what cannot be read, are left out. */
export function readRequests(log: string): readonly LoggedRequest[] {
  return log.split('\n').flatMap(line => {
    if (!line.includes('"log":"access"')) return [];
    try {
      return requestOf(JSON.parse(line) as Readonly<Record<string, unknown>>) ?? [];
    } catch {
      return []; // a line that was cut off
    }
  });
}

function requestOf(line: Readonly<Record<string, unknown>>): LoggedRequest | undefined {
  const { client, endpoint = '', host, id, method, milliseconds, path, route, status, time, why } = line;
  const until = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  const texts = [client, endpoint, host, id, method, path, why];
  if (!texts.every(text => typeof text === 'string') || Number.isNaN(until)) return undefined;
  if (typeof milliseconds !== 'number' || typeof status !== 'number') return undefined;
  const [by = '', to = '', ofHost = '', ofId = '', ofMethod = '', ofPath = '', reason = ''] = texts;
  return {
    id: ofId,
    method: ofMethod,
    host: ofHost,
    path: ofPath,
    ...(typeof route === 'string' ? { route } : {}),
    status,
    why: reason,
    client: by,
    endpoint: to,
    from: until - milliseconds,
    until,
  };
}

/**
 * Of a connection to a Gateway's proxy the first requests that came over it. Of one that the proxy opened those that were
 * under way to its destination then: the one that it was opened for is among them, save where a later try went elsewhere.
 */
export function joinRequests(event: FlowEvent, requests: readonly LoggedRequest[]): FlowEvent {
  const opened = Date.parse(event.at) - reportMilliseconds;
  const last = Date.parse(event.verdict === 'dropped' ? event.last : event.at);
  const [client, endpoint] = [hostAndPort(event.source), hostAndPort(event.destination)];
  const isOfClient = event.destination.gateway !== undefined;
  const found = requests
    .filter(request =>
      isOfClient
        ? request.client === client && request.from >= opened
        : request.endpoint === endpoint && request.from <= last && request.until >= opened,
    )
    .slice(0, mostRequests)
    .map(({ client: _client, endpoint: _endpoint, from: _from, until: _until, ...request }) => request);
  return found.length === 0 ? event : { ...event, requests: found };
}

const hostAndPort = ({ address, port }: FlowEnd): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;
