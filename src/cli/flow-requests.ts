import { sentenceOf } from '../base/errors.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import { joinRequests, readRequests } from '../flows/index.ts';
import type { LoggedRequest } from '../flows/index.ts';
import { createClient } from '../kube/client.ts';
import type { KubeClient } from '../kube/client.ts';
import { loadKubeconfig } from '../kube/kubeconfig.ts';
import { administratorKubeconfig } from './kubeconfig.ts';

const answerMilliseconds = 10_000;
/** Of a proxy's log, from the first event on. */
const mostBytes = 8 * 1024 * 1024;
/** A request may have begun before its connection. */
const beforeMilliseconds = 1000;

/**
 * Events of connections of Gateways' proxies, with the requests of their access logs. A log that cannot be read is
 * told on standard error, and costs no event.
 */
export async function withRequests(
  cluster: string,
  events: readonly FlowEvent[],
): Promise<readonly FlowEvent[]> {
  const ofGateways = events.filter(event => proxyOf(event) !== undefined);
  if (ofGateways.length === 0) return events;
  const client = createClient(loadKubeconfig(administratorKubeconfig(cluster, 'flows')));
  const requests = new Map<string, readonly LoggedRequest[]>();
  try {
    for (const [pod = '', own] of Map.groupBy(ofGateways, proxyOf)) {
      try {
        requests.set(pod, await requestsOf(client, pod, own));
      } catch (error) {
        process.stderr.write(`The requests of ${pod} are not known: ${sentenceOf(error)}\n`);
      }
    }
  } finally {
    client.close();
  }
  return events.map(event => joinRequests(event, requests.get(proxyOf(event) ?? '') ?? []));
}

/** `namespace/name` of the pod; of two proxies that which was asked. */
const proxyOf = ({ destination, source }: FlowEvent): string | undefined =>
  [destination, source].find(({ gateway }) => gateway !== undefined)?.pod;

async function requestsOf(
  client: KubeClient,
  pod: string,
  events: readonly FlowEvent[],
): Promise<readonly LoggedRequest[]> {
  const [namespace = '', name = ''] = pod.split('/');
  const first = Math.min(...events.map(({ at }) => Date.parse(at))) - beforeMilliseconds;
  const query = new URLSearchParams({
    sinceTime: new Date(first).toISOString(),
    limitBytes: String(mostBytes),
  });
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log?${query.toString()}`;
  const { body, status } = await client.request('GET', path, {
    signal: AbortSignal.timeout(answerMilliseconds),
  });
  if (status !== 200) throw new Error(`its log is answered with ${status}`);
  return readRequests(body.toString());
}
