import { parsePrefix } from '../../../../base/ip.ts';
import type { Announcement } from '../announcement.ts';
import { REMOVED_ANNOTATIONS, annotationEntry } from '../catalogue/annotations.ts';
import type { CatalogueEntry } from '../catalogue/entry.ts';
import type { IngressReading } from '../read.ts';
import { isCanary } from '../servers.ts';
import { hostToShow, refused, same } from './verdict.ts';

/**
 * What becomes of each annotation that the catalogue alone can tell: those that no target has, details of others, unknown
 * and broken ones. What the converter decides by itself is not among them.
 */
export function judgeAnnotations(ingress: IngressReading, closest: Closest): readonly Announcement[] {
  return ingress.annotations.names.flatMap(name => judge(ingress, name, closest) ?? []);
}

/** The annotation that a name most likely was meant to be. */
export type Closest = (name: string) => string | undefined;

function judge(ingress: IngressReading, name: string, closest: Closest): Announcement | undefined {
  const subject = { ingress, annotation: name };
  const entry = annotationEntry(name);
  if (entry === undefined) return unknown(ingress, name, closest(name));
  if (isCanary(ingress) && !/^(canary|affinity-canary)/.test(name))
    return same(
      subject,
      'canary',
      'A canary has the annotations of its main Ingress: this one has no effect.',
    );
  const { fate } = entry;
  switch (fate.is) {
    case 'converted':
      return undefined;
    case 'inner':
      return same(subject, 'inner', `It ${entry.does}: it tunes nginx, and no request tells.`);
    case 'detail':
      return detail(ingress, entry, fate.of);
    case 'lost':
      return lost(ingress, entry, fate);
  }
}

function unknown(ingress: IngressReading, name: string, closest: string | undefined): Announcement {
  const subject = { ingress, annotation: name };
  const now = REMOVED_ANNOTATIONS.get(name);
  if (now !== undefined) {
    const instead = now === '' ? '' : ` (${now} took its place)`;
    return same(
      subject,
      'removed',
      `The controller’s last release does not read it any more${instead}: it has no effect.`,
    );
  }
  const meant = closest === undefined ? '' : `; ${closest} is the closest that it does`;
  return same(subject, 'unknown', `The controller knows no ${name}${meant}: it has no effect.`);
}

/** A detail is lost, kept or without effect as what it belongs to. */
function detail(ingress: IngressReading, { does, name }: CatalogueEntry, of: string): Announcement {
  const subject = { ingress, annotation: name };
  const whole = annotationEntry(of);
  const missing =
    !ingress.annotations.has(of) && !standsAlone.has(of) && !(of === 'limit-rps' && hasLimit(ingress));
  if (missing)
    return same(subject, 'no-effect', `It ${does} of ${of}, which is not there: it has no effect.`);
  if (whole?.fate.is !== 'lost') return same(subject, 'detail', `It ${does}: see ${of}.`);
  const { effects, severity } = whole.fate;
  return refused(subject, {
    code: of,
    severity: severity === 'security' ? 'subtle' : severity,
    effects,
    sentence: `It ${does}, and is lost with ${of}.`,
  });
}

/** Details of these change a default that is in force without them. */
const standsAlone: ReadonlySet<string> = new Set(['proxy-next-upstream', 'proxy-ssl-verify']);

const hasLimit = ({ annotations }: IngressReading): boolean =>
  ['limit-rps', 'limit-rpm', 'limit-connections'].some(name => annotations.has(name));

function lost(
  ingress: IngressReading,
  { does, form, name }: CatalogueEntry,
  fate: CatalogueEntry['fate'] & { is: 'lost' },
): Announcement {
  const subject = { ingress, annotation: name };
  const raw = ingress.annotations.raw(name) ?? '';
  if (letsAllIn(ingress, name))
    return same(subject, 'neutral', 'It lets every address in, as a gateway does.');
  if (!isRead(ingress, name))
    return fate.neutral.includes(raw.trim().toLowerCase())
      ? same(
          subject,
          'neutral',
          `It ${does}; ${JSON.stringify(raw)} asks for nothing that a gateway does not do.`,
        )
      : same(
          subject,
          'not-read',
          `${JSON.stringify(raw)} is no ${formWords[form]}: the controller uses its default.`,
        );
  const held =
    fate.guards === true
      ? ' Its paths are held back: the gateway answers 500 until they are guarded otherwise.'
      : '';
  return refused(subject, {
    code: name,
    severity: fate.severity,
    effects: fate.guards === true ? [...fate.effects, 'backend', 'location'] : fate.effects,
    sentence: `It ${does}; ${fate.why}.${held}`,
    request: { scheme: 'https', host: hostToShow(ingress), path: '/' },
  });
}

/** Whether the controller reads a value, and it asks for something. */
export function isRead(ingress: IngressReading, name: string): boolean {
  const entry = annotationEntry(name);
  const { annotations } = ingress;
  if (entry === undefined || isCanary(ingress)) return false;
  const raw = annotations.raw(name) ?? '';
  if (entry.fate.is === 'lost' && entry.fate.neutral.includes(raw.trim().toLowerCase())) return false;
  if (letsAllIn(ingress, name)) return false;
  switch (entry.form) {
    case 'flag':
      return annotations.flag(name) !== undefined;
    case 'number':
      return annotations.number(name) !== undefined;
    case 'size':
      return /^\d+[kKmMgGbB]?$/.test(raw.trim());
    case 'text':
    case 'list':
      // An empty list of addresses denies everybody: it is read.
      return annotations.text(name) !== undefined || name.endsWith('list-source-range');
  }
}

/** What cert-manager writes on its solvers: an allowlist of every address there is. */
function letsAllIn({ annotations }: IngressReading, name: string): boolean {
  if (name !== 'allowlist-source-range') return false;
  const ranges = (annotations.raw(name) ?? '').split(',').map(range => range.trim());
  // With an entry that is no address the controller lets nobody in.
  return (
    ['0.0.0.0/0', '::/0'].every(range => ranges.includes(range)) &&
    ranges.every(range => parsePrefix(range) !== undefined)
  );
}

const formWords: Readonly<Record<CatalogueEntry['form'], string>> = {
  flag: 'boolean (true or false)',
  number: 'whole number',
  size: 'size',
  text: 'text',
  list: 'list',
};
