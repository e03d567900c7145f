import { join } from 'node:path';
import { formatAddress } from '../../base/ip.ts';
import { paths } from '../../kernel/contract.ts';
import type { Node } from '../../kube/types/node.ts';
import { askAgent } from '../../probe/index.ts';
import type { Frontend } from '../../services/index.ts';

export interface Counted {
  readonly frontend: Frontend;
  readonly node: string;
  readonly counted: FrontendCounts;
}

/** As src/agent/observe.ts answers. */
interface FrontendCounts {
  readonly accepted: number;
  readonly rejected: number;
  readonly dropped: number;
  readonly endpoints: readonly {
    readonly address: string;
    readonly port: number;
    readonly packets: number;
  }[];
}

const timeoutMilliseconds = 3000;

/** What the agents of a cluster of this machine counted; one that does not answer is left out. */
export async function countersOf(
  cluster: string,
  nodes: readonly Node[],
  frontends: readonly Frontend[],
): Promise<readonly Counted[]> {
  const asked = nodes.map(async ({ metadata: { name: node } }) => {
    const socket = join(paths.nodeRun(cluster, node), 'agent.sock');
    const counted: Counted[] = [];
    // One after the other: an agent answers a few questions at once.
    for (const frontend of frontends) {
      const query = new URLSearchParams({
        address: formatAddress(frontend.address),
        protocol: frontend.protocol,
        port: String(frontend.port),
      });
      const answer = await askAgent(
        socket,
        `/observe/services?${query.toString()}`,
        timeoutMilliseconds,
      ).catch(() => undefined);
      if (isCounts(answer)) counted.push({ frontend, node, counted: answer });
    }
    return counted;
  });
  return (await Promise.all(asked)).flat();
}

const isCounts = (answer: unknown): answer is FrontendCounts =>
  typeof answer === 'object' && answer !== null && 'accepted' in answer && 'endpoints' in answer;
