import type {
  CounterChange,
  Finding,
  Hop,
  Judgement,
  Observed,
  ObservedConnection,
  TrackedTuple,
} from '../../insight/trace/index.ts';
import { endOf } from './hop-text.ts';
import { bad, faint, good } from './text-blocks.ts';
import type { Row } from './text-blocks.ts';

type Report = Observed & { readonly findings: readonly Finding[] };

/** What was seen of one hop, below what the model says of it. */
export function seenRows(index: number, hop: Hop, observed: Report): readonly Row[] {
  const findings = observed.findings.filter(finding => finding.index === index);
  return [...findings.map(findingRow), ...detailRows(hop, observed)];
}

function findingRow({ expected, result, seen }: Finding): Row {
  switch (result) {
    case 'agrees':
      return [good('seen'), good('agrees'), seen];
    case 'differs':
      return [bad('seen'), bad('differs'), `expected ${expected}; seen: ${seen}`];
    case 'unseen':
      return [faint('seen'), faint('-'), seen];
    default:
      return result satisfies never;
  }
}

function detailRows(hop: Hop, { connection, name }: Observed): readonly Row[] {
  if (hop.hop === 'name')
    return (name?.questions ?? []).map((question): Row => {
      const { answer, milliseconds, server, type, values } = question;
      const said = values.length === 0 ? answer : values.join(', ');
      return [
        '',
        faint(type),
        faint(`${question.name} → ${said} (${server}, ${milliseconds.toFixed(1)} ms)`),
      ];
    });
  if (connection === undefined) return [];
  if (hop.hop === 'service') return serviceRows(connection);
  if (hop.hop === 'policy') return policyRows(hop.choices, connection);
  return [];
}

function serviceRows({ service, tracked }: ObservedConnection): readonly Row[] {
  const entries = tracked.map(({ mark, node, original, reply }): Row => {
    const marked = mark === 0 ? '' : `, mark 0x${mark.toString(16)}`;
    return ['', faint(node), faint(`tracks ${tuple(original)}, answered ${tuple(reply)}${marked}`)];
  });
  if (service === undefined) return entries;
  const { accepted, dropped, endpoints, node, rejected } = service;
  const counts = [
    ...(accepted > 0 ? [`${accepted} translated`] : []),
    ...(rejected > 0 ? [`${rejected} refused`] : []),
    ...(dropped > 0 ? [`${dropped} dropped`] : []),
    ...endpoints.flatMap(({ drawn, ...end }) => (drawn > 0 ? [`${drawn} to ${endOf(end)}`] : [])),
  ];
  if (counts.length === 0) return entries;
  return [...entries, ['', faint(node), faint(`counted ${counts.join(', ')}`)]];
}

function policyRows(choices: readonly Judgement[], { counters, drops }: ObservedConnection): readonly Row[] {
  const ends = new Set(choices.map(({ to }) => endOf(to)));
  const reports = drops.filter(({ destination }) => ends.has(destination));
  return [
    ...counterRows(choices, counters),
    ...reports.map(({ destination, node, packets, source, sentence }): Row => [
      '',
      faint(node),
      faint(`reports ${packets} from ${source} to ${destination}: ${sentence}`),
    ]),
  ];
}

/** A counter of several possible connections is shown once. */
function counterRows(choices: readonly Judgement[], counters: readonly CounterChange[]): readonly Row[] {
  const moved = counters.filter(
    ({ after, before, destination, source }) =>
      after > before &&
      choices.some(
        ({ from, seenAs, to }) =>
          to.address === destination && (from.address === source || seenAs?.address === source),
      ),
  );
  const unique = new Map(moved.map(counter => [`${counter.node} ${counter.place}`, counter]));
  return [...unique.values()].map(({ after, before, by, does, isRule, node, place }): Row => {
    const count = `${after - before} ${does === 'allow' ? 'allowed' : 'dropped'}`;
    const who =
      by.length === 0 ? '' : isRule ? ` by ${by.join(', ')}` : ` of pods that ${by.join(', ')} isolate`;
    return ['', faint(node), faint(`${count}${who} (${place})`)];
  });
}

function tuple({ destination, destinationPort, source, sourcePort }: TrackedTuple): string {
  const end = (address: string, port: number | undefined) =>
    endOf({ address, ...(port === undefined ? {} : { port }) });
  return `${end(source, sourcePort)} → ${end(destination, destinationPort)}`;
}
