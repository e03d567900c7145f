import type { Announcement, Conversion, IngressModel, ShownRequest } from '../../insight/migrate/index.ts';

export interface ConversionWords {
  readonly model: IngressModel;
  readonly conversion: Conversion;
  readonly unread: readonly string[];
  /** What is noteworthy of the target: that its features are not known. */
  readonly notes: readonly string[];
}

const severities = ['security', 'outage', 'subtle', 'cosmetic'] as const;

/** What a person has to know at once: counts, and what opens a door or breaks requests. */
export function summaryText(words: ConversionWords): readonly string[] {
  const { announcements, unserved } = words.conversion;
  const urgent = announcements.filter(isUrgent);
  return [
    ...countLines(words),
    ...urgent
      .slice(0, mostUrgent)
      .map(
        announcement =>
          `${announcement.severity?.toUpperCase()}: ${headOf(announcement)}. ${announcement.sentence}`,
      ),
    ...(urgent.length > mostUrgent ? [`${urgent.length - mostUrgent} more of them: --report`] : []),
    ...(unserved.length > 0
      ? [`${unserved.length} rules are not served by the controller either: --report`]
      : []),
    ...leftLines(words.model),
    ...words.unread.map(sentence => `NOT READ: ${sentence}`),
  ];
}

/** Why Ingresses were left, the most frequent reasons first. */
function leftLines({ left }: IngressModel): readonly string[] {
  const reasons = [...Map.groupBy(left, ({ why }) => why)].toSorted(([, a], [, b]) => b.length - a.length);
  return reasons
    .slice(0, 5)
    .map(([why, own]) =>
      oneLine(`LEFT: ${own.length === 1 ? own[0]?.id : `${own.length} Ingresses`}: ${why}`),
    );
}

const mostUrgent = 20;

/** It keeps people out, or requests would fail: somebody has to decide. */
export const isUrgent = (announcement: Announcement): boolean =>
  announcement.class === 'refused' &&
  (announcement.severity === 'security' || announcement.severity === 'outage');

/** Everything, for reading: the whole, then each Ingress with each annotation, then settings and behaviours. */
export function reportText(words: ConversionWords): readonly string[] {
  const { conversion, model, unread } = words;
  const byIngress = Map.groupBy(conversion.announcements, ({ ingress }) => ingress);
  const lines = [...countLines(words)];
  for (const { id, position } of model.ingresses) {
    const own = byIngress.get(id) ?? [];
    lines.push('', `Ingress ${id}${position === undefined ? '' : ` (${position})`}: ${classCounts(own)}`);
    lines.push(...own.flatMap(entryLines));
  }
  const whole = byIngress.get('') ?? [];
  lines.push('', `The controller: ${classCounts(whole)}`, ...whole.flatMap(entryLines));
  const section = (title: string, entries: readonly string[]) =>
    entries.length === 0 ? [] : ['', title, ...entries.map(entry => `  ${entry}`)];
  lines.push(
    ...section(
      'Not served by the controller, and not converted:',
      conversion.unserved.map(({ field, ingress, why }) => `${ingress} ${field}: ${why}`),
    ),
    ...section(
      'Of another class, or none:',
      model.left.map(({ id, why }) => `${id}: ${why}`),
    ),
    ...section('Not read:', unread),
  );
  return lines;
}

function countLines({ conversion, model, notes }: ConversionWords): readonly string[] {
  const { announcements, counts } = conversion;
  const annotations = announcements.filter(({ annotation }) => annotation !== undefined);
  const unknown = annotations.filter(({ code }) => code === 'unknown').length;
  const left = model.left.length === 0 ? '' : ` ${model.left.length} Ingresses are not the controller’s.`;
  return [
    `${counts.ingresses} Ingresses with ${counts.hosts} hosts and ${counts.paths} paths; the rules serve ${counts.served} paths.${left}`,
    `${annotations.length} annotations: ${classCounts(annotations)}${unknown === 0 ? '' : `; ${unknown} that the controller does not know`}.`,
    ...notes,
  ];
}

function classCounts(announcements: readonly Announcement[]): string {
  const count = (wanted: (announcement: Announcement) => boolean) => announcements.filter(wanted).length;
  const refused = announcements.filter(one => one.class === 'refused');
  const bySeverity = severities
    .map(severity => [severity, refused.filter(one => one.severity === severity).length] as const)
    .filter(([, number]) => number > 0)
    .map(([severity, number]) => `${number} ${severity}`);
  return `${count(one => one.class === 'same')} same, ${count(one => one.class === 'approximated')} approximated, ${refused.length} refused${bySeverity.length === 0 ? '' : ` (${bySeverity.join(', ')})`}`;
}

const headOf = ({ annotation, ingress, subject, value }: Announcement): string => {
  const short = value === undefined ? '' : `: ${value.length > 60 ? `${value.slice(0, 60)}…` : value}`;
  return oneLine(
    [ingress, annotation === undefined ? subject : `${annotation}${short}`].filter(Boolean).join(' '),
  );
};

function entryLines(announcement: Announcement): readonly string[] {
  const { hint, request, sentence, severity } = announcement;
  const head = headOf({ ...announcement, ingress: '' });
  return [
    `  ${announcement.class}${severity === undefined ? '' : ` (${severity})`}  ${head}`,
    `      ${oneLine(sentence)}`,
    ...(request === undefined || announcement.class === 'same' ? [] : [`      seen by: ${curlOf(request)}`]),
    ...(hint === undefined ? [] : [`      next: ${oneLine(hint)}`]),
  ];
}

/** The request as a command that a person can send. */
export function curlOf({ headers = {}, host, method, path, scheme }: ShownRequest): string {
  return [
    'curl -i --path-as-is',
    ...(scheme === 'https' ? ['-k'] : []),
    ...(method === undefined ? [] : [`-X ${method}`]),
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    quoted(`${scheme}://${host}${path}`),
  ].join(' ');
}

const quoted = (text: string): string => `'${oneLine(text).replaceAll("'", String.raw`'\''`)}'`;

/** What comes from objects must not write lines of its own. */
const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
