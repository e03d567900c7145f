import { FairleadError, sentenceOf } from '../base/errors.ts';
import type { FlowEvent } from '../base/flow-event.ts';
import { objectNameOf } from '../base/provenance.ts';
import type { DirectionVerdict, RuleTrace, Verdict } from '../policy/index.ts';
import { checkName, loadCluster } from '../standalone/cluster.ts';
import { askWhy } from './flow-agents.ts';
import { flowText } from './flows.ts';
import { withRequests } from './flow-requests.ts';
import { noSuchCluster } from './kubeconfig.ts';
import { verdictText } from './policy/verdict-text.ts';
import { requireRoot } from './require-root.ts';

/** As src/agent/policy-flows.ts says. */
interface Explained {
  readonly event: FlowEvent;
  readonly now?: Verdict;
}

/** Prints one event that `flows` told of, with the engine's whole trace for its connection. */
export async function why(request: {
  readonly cluster: string;
  readonly id: string;
  readonly form: 'text' | 'json';
}): Promise<number> {
  const { cluster, form, id } = request;
  checkName(cluster);
  requireRoot('why');
  const config = loadCluster(cluster);
  if (config === undefined) throw noSuchCluster(cluster);
  const { node, number } = readEventId(id);
  if (!config.nodes.some(({ name }) => name === node))
    throw new FairleadError('flows/no-such-event', `There is no node "${node}" in the cluster ${cluster}.`, {
      hint: `Its nodes are ${config.nodes.map(({ name }) => name).join(', ')}`,
    });
  const found = (await askWhy(cluster, node, number).catch((error: unknown) => {
    throw new FairleadError('flows/agent', `The agent of ${node} does not answer: ${sentenceOf(error)}.`, {
      hint: 'fairlead status tells how it is',
      cause: error,
    });
  })) as Explained | undefined; // of the same version: the agent's own answer
  if (found === undefined)
    throw new FairleadError('flows/no-such-event', `${node} keeps no event ${number}.`, {
      hint: 'fairlead flows --verdict all shows those that are kept; the oldest go when others come',
    });
  const [event = found.event] = await withRequests(cluster, [found.event]);
  const told = { ...found, event };
  process.stdout.write(form === 'json' ? `${JSON.stringify(told, null, 2)}\n` : whyText(told));
  return 0;
}

/** `node-1/17` */
export function readEventId(id: string): { readonly node: string; readonly number: number } {
  const { node = '', number = '' } = /^(?<node>[^/]+)\/(?<number>\d{1,15})$/.exec(id)?.groups ?? {};
  if (node !== '') return { node, number: Number(number) };
  throw new FairleadError('flows/bad-event', `"${id}" is no event.`, {
    hint: 'fairlead flows ends each line with its event: node-1/17',
  });
}

export function whyText({ event, now }: Explained): string {
  const head = flowText(event, true);
  if (now === undefined) return head;
  const name = (end: FlowEvent['source']) => end.pod ?? end.address;
  const target = `${name(event.destination)}${event.destination.port === undefined ? '' : ` ${event.protocol} ${event.destination.port}`}`;
  const rules = [now.egress, now.ingress].flatMap(rulesText);
  const asked =
    event.verdict === 'audited'
      ? 'What the policies would say to it now, with those that are only tried'
      : 'What the policies in force say to it now';
  return `${head}\n${asked}:\n${verdictText(name(event.source), target, now)}${
    rules.length === 0 ? '' : `\nEvery rule that was asked:\n${rules.map(line => `${line}\n`).join('')}`
  }`;
}

const rulesText = ({ considered, direction }: DirectionVerdict): readonly string[] =>
  considered.map(trace => `  ${direction === 'egress' ? 'out' : 'in '}  ${ruleText(trace)}`);

function ruleText({ peerField, peerMisses, portField, portMisses, rule }: RuleTrace): string {
  const { action, id, name, provenance } = rule;
  const title = `${objectNameOf(provenance)} ${provenance.field}${name === undefined ? '' : ` "${name}"`}`;
  const misses = [...peerMisses, ...portMisses];
  const outcome =
    misses.length === 0
      ? `${action === 'Accept' ? 'allows' : action === 'Deny' ? 'denies' : 'passes'} it by ${[...new Set([peerField, portField])].join(' and ')}`
      : `does not match: ${misses.join('; ')}`;
  return `${title} (rule ${id}) ${outcome}`;
}
