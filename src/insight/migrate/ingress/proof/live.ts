import type { KubeObject } from '../../../../kube/types/meta.ts';
import { compileModel } from '../model/index.ts';
import type { ModelRequest, Outcome } from '../model/index.ts';
import type { IngressModel } from '../read.ts';
import { shortly } from './compare.ts';
import { curlOf } from './curl.ts';
import { generateRequests } from './generate.ts';
import { answerNew, compileNewSide } from './new-side.ts';

/** What a gateway answered, or why it did not. */
export type GatewayAnswer =
  | { readonly status: number; readonly location: string | undefined }
  | { readonly failure: string };

/** Sends a request to a Gateway (`namespace/name`). */
export type AskGateway = (gateway: string, request: ModelRequest) => Promise<GatewayAnswer>;

export interface LiveProof {
  readonly asked: number;
  readonly agreed: number;
  /** The request goes to a backend, and the answer could be its own or the gateway's. */
  readonly unclear: number;
  /** The first of them; `different` is their number. */
  readonly differences: readonly { readonly curl: string; readonly said: string; readonly seen: string }[];
  readonly different: number;
}

export interface LiveOptions {
  readonly seed?: number;
  /** For each Ingress, 40 by default. */
  readonly requestsPerIngress?: number;
  /** In all, 4,000 by default. */
  readonly most?: number;
}

const SHOWN = 20;
/** A proxy is asked for answers, not for its speed. */
const AT_ONCE = 8;

/** Asks Gateways that serve converted objects what the tables of the proof say of them. */
export async function proveLive(
  ingresses: IngressModel,
  objects: readonly KubeObject[],
  ask: AskGateway,
  { most = 4000, requestsPerIngress = 40, seed = 1 }: LiveOptions = {},
): Promise<LiveProof> {
  const model = compileModel(ingresses);
  const side = compileNewSide(objects, ingresses);
  const requests = ingresses.ingresses
    .flatMap(ingress => generateRequests(model, ingress, { seed, most: requestsPerIngress }))
    .slice(0, most);
  const differences: { curl: string; said: string; seen: string }[] = [];
  const counts = { asked: 0, agreed: 0, unclear: 0, different: 0 };
  for (let at = 0; at < requests.length; at += AT_ONCE) {
    const some = requests.slice(at, at + AT_ONCE).map(async request => {
      const said = answerNew(side, request);
      return { request, said, seen: await ask(said.decided.gateway ?? side.gateways[0]?.key ?? '', request) };
    });
    for (const { request, said, seen } of await Promise.all(some)) {
      const verdict = judge(said, seen);
      counts.asked++;
      counts[verdict]++;
      if (verdict === 'different' && differences.length < SHOWN)
        differences.push({ curl: curlOf(request), said: shortly(said), seen: words(seen) });
    }
  }
  return { ...counts, differences };
}

function judge(said: Outcome, seen: GatewayAnswer): 'agreed' | 'unclear' | 'different' {
  if ('failure' in seen) return said.kind === 'refused' ? 'agreed' : 'different';
  if (said.kind === 'response') {
    const isSame =
      said.status === seen.status && (said.location === undefined || said.location === seen.location);
    return isSame ? 'agreed' : 'different';
  }
  if (said.kind !== 'backend') return said.kind === 'refused' ? 'different' : 'unclear';
  if (seen.status === 421) return 'different';
  return seen.status < 300 ? 'agreed' : 'unclear';
}

const words = (seen: GatewayAnswer): string =>
  'failure' in seen
    ? `no answer (${seen.failure})`
    : `${seen.status}${seen.location === undefined ? '' : ` to ${seen.location}`}`;

/** A live proof as lines for a person. */
export function liveLines({ agreed, asked, different, differences, unclear }: LiveProof): readonly string[] {
  return [
    `asked the Gateways ${asked} requests for real: ${agreed} as the tables say, ${different} not, ${unclear} answered by backends perhaps`,
    ...differences.flatMap(({ curl, said, seen }) => [`  said ${said}`, `    seen ${seen}`, `    ${curl}`]),
  ];
}
