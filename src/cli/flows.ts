import { setTimeout as sleep } from 'node:timers/promises';
import { sentenceOf } from '../base/errors.ts';
import type { FlowEnd, FlowEvent, FlowRequest } from '../base/flow-event.ts';
import { numberOf } from '../flows/index.ts';
import type { FlowFilter } from '../flows/index.ts';
import { checkName, loadCluster } from '../standalone/cluster.ts';
import { askFlows } from './flow-agents.ts';
import { withRequests } from './flow-requests.ts';
import type { NodeAnswer } from './flow-agents.ts';
import { noSuchCluster } from './kubeconfig.ts';
import { requireRoot } from './require-root.ts';

export interface FlowsRequest {
  readonly cluster: string;
  readonly filter: FlowFilter;
  readonly follow: boolean;
  readonly form: 'text' | 'wide' | 'json' | 'ndjson';
}

const nothing: NodeAnswer = { events: [], lost: 0, newest: 0, reported: true };

const followMilliseconds = 500;

/** Prints what happened to connections, from all nodes; the exit code is 1 when one did not answer, or cannot report. */
export async function flows({ cluster, filter, follow, form }: FlowsRequest): Promise<number> {
  checkName(cluster);
  requireRoot('flows');
  const config = loadCluster(cluster);
  if (config === undefined) throw noSuchCluster(cluster);
  const after = new Map<string, number>();
  let isComplete = true;
  for (let round = 0; ; round++) {
    const answers = await Promise.all(
      config.nodes.map(async ({ name }) => {
        const last = after.get(name);
        try {
          const answer = await askFlows(
            cluster,
            name,
            last === undefined ? filter : { ...filter, after: last },
          );
          const seen = seenOf(last, answer);
          if (seen === undefined) after.delete(name);
          else after.set(name, seen);
          if (answer.reported) return answer;
          if (round === 0) process.stderr.write(`${name} counts what policies drop, and cannot report it.\n`);
          isComplete = false;
          return answer;
        } catch (error) {
          if (round === 0) process.stderr.write(`${name} does not answer: ${sentenceOf(error)}\n`);
          isComplete = false;
          return nothing;
        }
      }),
    );
    const seen = answers.flatMap(answer => answer.events).toSorted(byTime);
    // Who follows is told at once, when the requests are not over.
    const events = follow || form === 'text' ? seen : await withRequests(cluster, seen);
    print(events, answers, form, follow);
    if (!follow) return isComplete ? 0 : 1;
    await sleep(followMilliseconds);
  }
}

/** Which events of a node need not be told again; undefined when an agent was started anew, whose numbers begin again. */
export function seenOf(
  before: number | undefined,
  { events, newest }: Pick<NodeAnswer, 'events' | 'newest'>,
): number | undefined {
  if (before !== undefined && newest < before) return undefined;
  return events.reduce<number | undefined>((seen, event) => Math.max(numberOf(event), seen ?? 0), before);
}

function print(
  events: readonly FlowEvent[],
  answers: readonly NodeAnswer[],
  form: FlowsRequest['form'],
  follow: boolean,
): void {
  if (form === 'json' && !follow) {
    const lost = answers.reduce((sum, answer) => sum + answer.lost, 0);
    process.stdout.write(`${JSON.stringify({ events, lost }, null, 2)}\n`);
    return;
  }
  const isForPrograms = form === 'json' || form === 'ndjson';
  for (const event of events)
    process.stdout.write(isForPrograms ? `${JSON.stringify(event)}\n` : flowText(event, form === 'wide'));
  if (events.length === 0 && !follow && !isForPrograms)
    process.stdout.write('Nothing of this kind happened lately, as far as these agents know.\n');
}

/** One line: when, who, whom, how, verdict, why; `wide` says the change that would allow it. */
export function flowText(event: FlowEvent, isWide: boolean): string {
  const { at, id, source, destination, service, protocol, verdict, direction, packets, why } = event;
  const port = destination.port === undefined ? '' : ` ${destination.port}`;
  const asked = service && (service.name ?? hostAndPort(service.address, service.port));
  const behind = destination.services === undefined ? '' : ` (of ${destination.services.join(', ')})`;
  const through = asked === undefined ? behind : ` (asked for ${asked})`;
  const times = packets === 1 ? '' : ` ${packets}×`;
  const line = `${at} ${nameOf(source)} → ${nameOf(destination)} ${protocol}${port}${through} ${verdict}${times} at ${direction}: ${why.sentence} [${id}]\n`;
  if (!isWide) return line;
  const { change } = why;
  const lines = [
    `    rule ${[why.rule, ...(why.rules ?? []).map(({ id: number }) => number)].join(' ')} on ${event.node}; ${hostAndPort(source.address, source.port)} → ${hostAndPort(destination.address, destination.port)}`,
    ...(event.requests ?? []).map(
      request => `    ${destination.gateway === undefined ? 'perhaps for' : 'for'} ${requestText(request)}`,
    ),
    ...(change === undefined
      ? []
      : [
          `    would allow it: add ${JSON.stringify(change.add)} to ${change.field} of ${change.policy.kind} ${change.policy.namespace}/${change.policy.name}`,
        ]),
  ];
  return `${line}${lines.map(text => `${text}\n`).join('')}`;
}

/** Of a log that whoever runs the pod may write as they like: nothing of it moves the cursor or begins a line. */
const requestText = ({ host, id, method, path, route, status, why: reason }: FlowRequest): string =>
  visible(
    `${method} ${host}${path} ${status}${reason === '' ? '' : ` ${reason}`}${route === undefined ? '' : ` of ${route}`} [${id}]`,
  );

const visible = (text: string): string =>
  text
    .slice(0, longestRequest)
    .replaceAll(/\p{Cc}/gu, letter => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`);

const longestRequest = 4096;

const nameOf = ({ pod, gateway, names = [], node, address }: FlowEnd): string => {
  const name = node === undefined ? address : `node ${node}`;
  if (pod !== undefined) return gateway === undefined ? pod : `${pod} (gateway ${gateway})`;
  return names.length === 0 ? name : `${name} (${names.join(', ')})`;
};

function hostAndPort(address: string, port: number | undefined): string {
  if (port === undefined) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

const byTime = (a: FlowEvent, b: FlowEvent): number => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
