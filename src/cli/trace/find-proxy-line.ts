import { setTimeout as sleep } from 'node:timers/promises';
import type { ProxyLine } from '../../insight/trace/index.ts';
import { isNotFound } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import { parseKey } from '../../kube/resources.ts';

/** A proxy gathers its lines for some fifty milliseconds. */
const waitMilliseconds = 2000;
const pauseMilliseconds = 100;
const sinceSeconds = 60;
const mostLines = 2000;

/** The line that one of the proxies wrote about a request, by its id; undefined where none has it in time. */
export async function findProxyLine(
  client: Pick<KubeClient, 'logs'>,
  pods: readonly string[],
  requestId: string,
): Promise<ProxyLine | undefined> {
  const deadline = performance.now() + waitMilliseconds;
  while (performance.now() < deadline) {
    for (const pod of pods) {
      const line = (await logOf(client, pod)).split('\n').find(text => text.includes(`"${requestId}"`));
      const found = line === undefined ? undefined : readLine(pod, line);
      if (found !== undefined) return found;
    }
    await sleep(pauseMilliseconds);
  }
  return undefined;
}

async function logOf(client: Pick<KubeClient, 'logs'>, pod: string): Promise<string> {
  try {
    const stream = await client.logs(parseKey(pod), { sinceSeconds, tailLines: mostLines });
    return Buffer.concat(await stream.toArray()).toString();
  } catch (error) {
    if (isNotFound(error)) return ''; // it went while we looked
    throw error;
  }
}

/** As src/gateway/proxy/access-log.ts writes it. */
function readLine(by: string, text: string): ProxyLine | undefined {
  let line: Partial<Record<string, unknown>>;
  try {
    line = JSON.parse(text) as typeof line;
  } catch {
    return undefined; // a line that is being written
  }
  const { backend, endpoint, field, milliseconds, pod, route, status, why } = line;
  if (typeof status !== 'number') return undefined;
  const texts = { backend, endpoint, field, pod, route };
  return {
    by,
    status,
    why: typeof why === 'string' ? why : '',
    milliseconds: typeof milliseconds === 'number' ? milliseconds : 0,
    ...Object.fromEntries(Object.entries(texts).filter(([, value]) => typeof value === 'string')),
  };
}
