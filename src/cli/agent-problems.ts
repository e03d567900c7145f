import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { paths } from '../kernel/contract.ts';
import type { ClusterConfig } from '../standalone/cluster.ts';
import type { Problem } from './read-status.ts';

interface Complaint {
  readonly object: string;
  readonly field: string;
  readonly sentence: string;
}

/** How a node translates Services, and why so. */
export interface ServiceMode {
  readonly mode: string;
  readonly reason: string;
}

/** What is read of an agent's `GET /status`: each of its sections tells its problems in the same form. */
export interface AgentAnswer {
  readonly problems?: readonly Complaint[];
  readonly services?: { readonly problems?: readonly Complaint[]; readonly mode?: ServiceMode };
  readonly policy?: { readonly problems?: readonly Complaint[] };
  /** Of Gateways; `problem` says why one has not the newest table. */
  readonly proxies?: readonly { readonly pod: string; readonly gateway: string; readonly problem?: string }[];
}

const answerMilliseconds = 1000;

/**
 * What the agents of all nodes could not bring into the kernel, and by node how Services are translated. An agent that
 * does not answer says nothing here.
 */
export async function readAgents({ name, nodes }: ClusterConfig): Promise<{
  readonly problems: readonly Problem[];
  readonly serviceModes: ReadonlyMap<string, ServiceMode>;
}> {
  const answers = await Promise.all(
    nodes.map(async (node): Promise<{ readonly node: string; readonly answer: AgentAnswer }> => {
      const socket = join(paths.nodeRun(name, node.name), 'agent.sock');
      return { node: node.name, answer: await ask(socket).catch(() => ({})) };
    }),
  );
  return {
    problems: mergeComplaints(answers),
    serviceModes: new Map(
      answers.flatMap(({ node, answer }) => {
        const mode = answer.services?.mode;
        return mode === undefined ? [] : [[node, mode] as const];
      }),
    ),
  };
}

/** One problem for what several agents say alike. */
export function mergeComplaints(
  answers: readonly { readonly node: string; readonly answer: AgentAnswer }[],
): readonly Problem[] {
  const merged = new Map<string, { readonly complaint: Complaint; readonly nodes: string[] }>();
  for (const { node, answer } of answers) {
    const proxies = answer.proxies?.flatMap(proxyComplaint);
    const sections = [answer.problems, answer.services?.problems, answer.policy?.problems, proxies];
    for (const complaint of sections.flatMap(section => section ?? [])) {
      const key = JSON.stringify([complaint.object, complaint.field, complaint.sentence]);
      const known = merged.get(key) ?? { complaint, nodes: [] };
      known.nodes.push(node);
      merged.set(key, known);
    }
  }
  return [...merged.values()].map(({ complaint: { object, field, sentence }, nodes }) => ({
    object,
    text: `${field === '' ? '' : `${field}: `}${sentence} (on ${nodes.join(', ')})`,
  }));
}

function proxyComplaint({
  pod,
  gateway,
  problem,
}: NonNullable<AgentAnswer['proxies']>[number]): readonly Complaint[] {
  if (problem === undefined) return [];
  const sentence = `it has not got the newest table of Gateway ${gateway}: ${problem}`;
  return [{ object: `Pod/${pod}`, field: '', sentence }];
}

async function ask(socketPath: string): Promise<AgentAnswer> {
  const call = request({ socketPath, path: '/status', signal: AbortSignal.timeout(answerMilliseconds) });
  call.end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer); // no encoding is set
  return JSON.parse(Buffer.concat(chunks).toString()) as AgentAnswer;
}
