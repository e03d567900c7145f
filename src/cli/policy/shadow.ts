import { bigNumbersAsText } from '../../base/big-numbers.ts';
import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { FlowEvent } from '../../base/flow-event.ts';
import { shadowReport, withCandidate } from '../../insight/policy/index.ts';
import type { ShadowDifference, ShadowReport } from '../../insight/policy/index.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import { loadCluster } from '../../standalone/cluster.ts';
import { askFlows } from '../flow-agents.ts';
import { noSuchCluster } from '../kubeconfig.ts';
import { readCanonical, readPolicyObjects, warnOfProblems } from './read-objects.ts';
import { reasonText } from './verdict-text.ts';

export interface ShadowRequest {
  readonly cluster: string;
  readonly files: readonly string[];
  readonly without: readonly string[];
  /** The files are all policies that there would be. */
  readonly only: boolean;
  /** Milliseconds since 1970; absent: all that the nodes keep. */
  readonly since?: number;
  readonly form: 'text' | 'json';
}

/**
 * Prints which connections that the nodes saw another set of policies would judge otherwise. Nothing is enforced. The exit
 * code is 1 when one that passes would be dropped, and when a node cannot tell what it saw.
 */
export async function shadow(request: ShadowRequest): Promise<number> {
  const { cluster, files, form, only, since, without } = request;
  if (files.length === 0 && without.length === 0)
    throw new FairleadError('policy/no-candidate', 'There are no policies to look at.', {
      hint: 'Give their files with -f, or those that would be gone with --without NAMESPACE/NAME',
    });
  const live = await readPolicyObjects({ cluster, files: [] });
  const config = loadCluster(cluster);
  if (config === undefined) throw noSuchCluster(cluster);
  const warn = (sentence: string) => void process.stderr.write(`Warning: ${sentence}\n`);
  const objects = files.length === 0 ? [] : await readCanonical(files, warn);
  const candidate = withCandidate(live, { objects, isWhole: only, without });
  const judging = buildPolicyModel(candidate);
  warnOfProblems(judging, warn);
  const events: FlowEvent[] = [];
  const silent: string[] = [];
  for (const { name } of config.nodes) {
    try {
      const filter = { verdict: 'dropped,audited,allowed', ...(since === undefined ? {} : { since }) };
      const answer = await askFlows(cluster, name, filter);
      events.push(...answer.events);
      if (answer.reported) continue;
      process.stderr.write(`${name} counts what policies drop, and cannot report it.\n`);
    } catch (error) {
      process.stderr.write(`${name} does not answer: ${sentenceOf(error)}\n`);
    }
    silent.push(name);
  }
  const report = { ...shadowReport(buildPolicyModel(live), judging, events), silent };
  process.stdout.write(
    form === 'json' ? `${JSON.stringify(report, bigNumbersAsText, 2)}\n` : shadowText(report),
  );
  return shadowExitCode(report);
}

/** As a CI system reads it: nobody's silence is a pass. */
export const shadowExitCode = ({ differences, silent }: ShadowAnswer): number =>
  silent.length > 0 || differences.some(({ allowed }) => !allowed) ? 1 : 0;

export interface ShadowAnswer extends ShadowReport {
  /** Nodes that did not answer, or cannot report what they see. */
  readonly silent: readonly string[];
}

export function shadowText({ differences, judged, silent, stale }: ShadowAnswer): string {
  const closed = differences.filter(({ allowed }) => !allowed);
  const lines = [
    ...differences.flatMap(differenceLines),
    `${judged} connections that were seen: ${closed.length} of their kinds would be dropped, ${differences.length - closed.length} would pass that do not now.`,
    ...(stale === 0 ? [] : [`${stale} more were of pods that are not there any more.`]),
    ...(silent.length === 0 ? [] : [`Nothing is known of what ${silent.join(', ')} saw.`]),
  ];
  return lines.map(line => `${line}\n`).join('');
}

function differenceLines(difference: ShadowDifference): readonly string[] {
  const { allowed, events, from, last, port, protocol, to, verdict } = difference;
  const how = port === undefined ? protocol : `${protocol} ${port}`;
  const times = events === 1 ? 'once' : `${events} times`;
  const side = verdict.egress.allowed ? verdict.ingress : verdict.egress;
  const [miss] = side.misses;
  return [
    `${allowed ? 'would pass' : 'would be dropped'}  ${from} → ${to} ${how}, seen ${times}, last ${last.last} [${last.id}]`,
    ...(allowed ? [] : [`    ${side.direction}: ${reasonText(side)}`]),
    ...(miss === undefined ? [] : [`    near: ${miss.sentence}`]),
  ];
}
