import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { FairleadError } from '../base/errors.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import type { FlowFilter } from '../flows/index.ts';
import { paths } from '../kernel/contract.ts';

/** As src/agent/policy-flows.ts says. */
export interface NodeAnswer {
  readonly events: readonly FlowEvent[];
  readonly lost: number;
  /** The number of the youngest event, whatever the filter. */
  readonly newest: number;
  /** The node's kernel reports what it drops, and somebody reads it. */
  readonly reported: boolean;
}

const answerMilliseconds = 3000;

/** The youngest events of a node that match. */
export async function askFlows(cluster: string, node: string, filter: FlowFilter): Promise<NodeAnswer> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) query.set(name, String(value));
  const { status, text } = await ask(cluster, node, `/observe/flows?${query.toString()}`);
  if (status !== 200) throw new Error(text.trim());
  return JSON.parse(text) as NodeAnswer; // of the same version: the agent's own answer
}

/** One event, and what the engine says to its connection now; undefined where the node has no such event. */
export async function askWhy(cluster: string, node: string, number: number): Promise<unknown> {
  const { status, text } = await ask(cluster, node, `/observe/why?event=${number}`);
  if (status === 404) return undefined;
  if (status === 200) return JSON.parse(text) as unknown;
  throw new FairleadError('flows/agent', `The agent of ${node} cannot answer: ${text.trim()}`, {
    hint: 'fairlead status tells how it is',
  });
}

async function ask(
  cluster: string,
  node: string,
  path: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const socketPath = join(paths.nodeRun(cluster, node), 'agent.sock');
  const call = request({ socketPath, path, signal: AbortSignal.timeout(answerMilliseconds) });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer); // no encoding is set
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}
