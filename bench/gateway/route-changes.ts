import { Agent, request } from 'node:http';
import { connectIn } from '../../src/kernel/ns/index.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { HTTP_ROUTES } from '../../src/kube/resources.ts';
import type { HTTPRoute } from '../../src/kube/types/gateway-routes.ts';
import { namespace, route } from './objects.ts';

/** Routes that are made at the same time. */
const atOnce = 16;

const nameOf = (index: number): string => `route-${index}`;
const hostOf = (index: number): string => `h${index}.example.com`;

export async function makeRoutes(client: KubeClient, count: number): Promise<void> {
  let next = 0;
  const maker = async () => {
    for (let index = next++; index < count; index = next++)
      await client.create(HTTP_ROUTES, route(nameOf(index), [hostOf(index)], 'backend') as HTTPRoute);
  };
  await Promise.all(Array.from({ length: atOnce }, maker));
}

export interface RouteChanges {
  /** From the API's acknowledgement to the first answer by the new rule; 0 where that came earlier. */
  readonly milliseconds: readonly number[];
  readonly failed: number;
  readonly asked: number;
}

/** Changes one route after the other and asks without a pause, on one connection that stays open. */
export async function changeRoutes(
  client: KubeClient,
  world: string,
  address: string,
  indexes: readonly number[],
): Promise<RouteChanges> {
  const socket = await connectIn(world, { host: address, port: 80, timeoutMilliseconds: 5000 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => socket;
  const milliseconds: number[] = [];
  let [asked, failed] = [0, 0];
  for (const index of indexes) {
    const mark = `changed-${index}`;
    let acknowledged = Number.NaN;
    const change = [
      { type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-mark', value: mark }] } },
    ];
    const rules = [{ filters: change, backendRefs: [{ name: 'backend', port: 80 }] }];
    const patched = client
      .patch(HTTP_ROUTES, { namespace, name: nameOf(index) }, { spec: { rules } }, { type: 'merge' })
      .then(() => (acknowledged = performance.now()));
    for (;;) {
      const { status, mark: seen } = await ask(agent, hostOf(index));
      asked++;
      if (status !== 200) failed++;
      if (seen === mark) break;
    }
    const seenAt = performance.now();
    await patched;
    milliseconds.push(Math.max(0, seenAt - acknowledged));
  }
  agent.destroy();
  return { milliseconds, failed, asked };
}

function ask(agent: Agent, host: string): Promise<{ status: number; mark: string | undefined }> {
  return new Promise((resolve, reject) => {
    const asked = request({ agent, headers: { host } }, response => {
      response.resume();
      response.on('end', () => {
        const mark = response.headers['x-mark'];
        resolve({ status: response.statusCode ?? 0, mark: typeof mark === 'string' ? mark : undefined });
      });
    });
    asked.on('error', reject);
    asked.end();
  });
}
