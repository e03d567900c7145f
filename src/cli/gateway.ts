import { FairleadError } from '../base/errors.ts';
import { closestOf } from '../base/closest.ts';
import { parseAddress } from '../base/ip.ts';
import { explainGateways, traceObjectsOf } from '../insight/trace/index.ts';
import type {
  ClusterFacts,
  ExplainedGateways,
  HttpTarget,
  Target,
  TraceObjects,
} from '../insight/trace/index.ts';
import { defaults } from '../kernel/contract.ts';
import { clientOf } from './object-source.ts';
import type { ObjectSource } from './object-source.ts';
import { readCanonical } from './policy/read-objects.ts';
import { hopBlock } from './trace/hop-text.ts';
import { parseTarget } from './trace/parse-request.ts';
import { readObjects } from './trace/read-objects.ts';
import { faint, renderBlocks, strong } from './trace/text-blocks.ts';
import type { Block } from './trace/text-blocks.ts';

export interface ExplainCall {
  readonly url: string;
  readonly method?: string;
  readonly headers: readonly string[];
  /** `namespace/name`; absent: every Gateway of ours. */
  readonly gateway?: string;
  readonly form: 'text' | 'json';
}

/** Objects that cannot be read, in the hint of an error. */
const MOST_NAMED = 3;

/** Of a request at a Gateway nothing else of a cluster is asked. */
const facts: ClusterFacts = {
  clusterDomain: defaults.clusterDomain,
  links: [],
  servicePrefixes: [],
  world: [],
};

/**
 * Prints what Gateways do with a request, what came second, and why everything else does not have it. The exit code is 0
 * where one of them sends it on, or redirects it, and 1 where none does.
 */
export async function explainGateway(source: ObjectSource, call: ExplainCall): Promise<number> {
  const target = urlOf(call);
  const objects = await objectsOf(source);
  const found = explainGateways(objects, target, call.gateway);
  if (found.answers.length === 0) throw noGateway(objects, call.gateway, source, found.problems);
  process.stdout.write(
    call.form === 'json' ? `${JSON.stringify(found, null, 2)}\n` : textOf(call, target, found),
  );
  return found.answers.some(({ outcome }) => outcome === 'forwarded' || outcome === 'redirected') ? 0 : 1;
}

function urlOf(call: ExplainCall): Target & { readonly http: HttpTarget } {
  if (/^https?:\/\//i.test(call.url)) {
    const { http, ...target } = parseTarget(call.url, call);
    if (http !== undefined) return { ...target, http };
  }
  throw new FairleadError(
    'trace/bad-target',
    `"${call.url.slice(0, 80)}" is no request that a Gateway reads.`,
    { field: 'URL', hint: 'Write a URL, as in https://shop.example.com/cart.' },
  );
}

async function objectsOf(source: ObjectSource): Promise<TraceObjects> {
  if (source.files.length > 0) {
    const warn = (sentence: string) => process.stderr.write(`Warning: ${sentence}\n`);
    return traceObjectsOf(await readCanonical(source.files, warn), facts);
  }
  const client = clientOf(source, 'gateway explain');
  try {
    return await readObjects(client, facts);
  } finally {
    client.close();
  }
}

function noGateway(
  { gateways }: TraceObjects,
  wanted: string | undefined,
  { files }: ObjectSource,
  problems: readonly string[],
): FairleadError {
  const names = gateways.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`);
  const similar = wanted === undefined ? undefined : closestOf(wanted, names);
  const where = files.length > 0 ? 'in the files' : 'in the cluster';
  return new FairleadError(
    'gateway/no-such-gateway',
    wanted === undefined
      ? `There is no Gateway of a class of fairlead.dev/gateway-controller, and no Ingress of one of fairlead.dev/ingress-controller, ${where}.`
      : `There is no Gateway "${wanted.slice(0, 80)}" of a class of fairlead.dev/gateway-controller ${where}.`,
    {
      field: '--gateway',
      hint:
        problems.length > 0
          ? `Look first at what could not be read: ${problems.slice(0, MOST_NAMED).join('; ')}`
          : similar === undefined
            ? 'kubectl get gateway -A shows those that there are, with their classes.'
            : `Did you mean ${similar}?`,
    },
  );
}

function textOf(
  { url }: ExplainCall,
  { host, http, port }: Target & { readonly http: HttpTarget },
  { answers, problems }: ExplainedGateways,
): string {
  const { columns, isTTY } = process.stdout;
  const isColoured = isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
  const isName = parseAddress(host) === undefined;
  const asked = `${http.method} ${http.path} for ${host}, port ${port}`;
  const head: Block = {
    label: 'request',
    sections: [
      [
        [strong(`${http.method} ${url}`)],
        [faint(isName ? asked : `${asked}; a client that names no server`)],
      ],
    ],
  };
  const blocks = [
    head,
    ...answers.map(hopBlock),
    ...(problems.length === 0
      ? []
      : [{ label: 'unread', sections: [problems.map(sentence => [sentence])] } satisfies Block]),
  ];
  return renderBlocks(blocks, { isColoured, ...(isTTY && columns > 0 ? { columns } : {}) });
}
