import type { Announcement, Outcome, Severity } from '../announcement.ts';
import type { IngressModel } from '../read.ts';
import { refused } from './verdict.ts';

const outcomes: readonly Outcome[] = ['same', 'approximated', 'refused'];
const severities: readonly Severity[] = ['cosmetic', 'subtle', 'outage', 'security'];

/**
 * Each annotation of each Ingress once, with the worst that was said of it, in the order of the Ingresses; then everything
 * else as it came. What nothing was said of is refused: silence would pass for `same`.
 */
export function oneEach(
  model: IngressModel,
  announcements: readonly Announcement[],
): readonly Announcement[] {
  const said = new Map<string, Announcement>();
  const others: Announcement[] = [];
  const seen = new Set<string>();
  for (const announcement of announcements) {
    const { annotation, ingress } = announcement;
    if (annotation !== undefined) {
      const key = `${ingress} ${annotation}`;
      const before = said.get(key);
      said.set(key, before === undefined ? announcement : merged(before, announcement));
      continue;
    }
    const key = JSON.stringify([ingress, announcement.subject, announcement.sentence]);
    if (!seen.has(key)) others.push(announcement);
    seen.add(key);
  }
  const annotations = model.ingresses.flatMap(ingress =>
    ingress.annotations.names.map(
      annotation =>
        said.get(`${ingress.id} ${annotation}`) ??
        refused(
          { ingress, annotation },
          {
            code: 'not-judged',
            severity: 'subtle',
            effects: [],
            sentence: 'The Ingress has no path that it is in force on.',
          },
        ),
    ),
  );
  return [...annotations, ...others];
}

function merged(a: Announcement, b: Announcement): Announcement {
  const [worse, other] = rankOf(b) > rankOf(a) ? [b, a] : [a, b];
  const sentence =
    other.class === 'same' || worse.sentence.includes(other.sentence)
      ? worse.sentence
      : `${worse.sentence} ${other.sentence}`.slice(0, 1000);
  return { ...worse, sentence, effects: [...new Set([...worse.effects, ...other.effects])] };
}

const rankOf = (announcement: Announcement): number =>
  outcomes.indexOf(announcement.class) * severities.length +
  (announcement.severity === undefined ? 0 : severities.indexOf(announcement.severity));
