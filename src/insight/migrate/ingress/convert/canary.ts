import type { HTTPBackendRef, HeaderMatch } from '../../../../kube/types/gateway-routes.ts';
import type { Announcement } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import type { Canary } from '../servers.ts';
import { approximated, hostToShow, refused, same } from './verdict.ts';

/** A choice between the two backends: who has these headers gets these weights. The last one has no headers. */
export interface CanaryChoice {
  readonly headers: readonly HeaderMatch[];
  readonly primary: number;
  readonly alternative: number;
  readonly because: string;
}

const all = { primary: 0, alternative: 1 };
const none = { primary: 1, alternative: 0 };

/** In the order in which they are asked: header, cookie, weight. */
export function choicesOf({ ingress }: Canary): readonly CanaryChoice[] {
  const { annotations } = ingress;
  const header = annotations.text('canary-by-header');
  const value = annotations.text('canary-by-header-value');
  const pattern = annotations.text('canary-by-header-pattern');
  const cookie = annotations.text('canary-by-cookie');
  const choices: CanaryChoice[] = [];
  const when = (name: string, text: string, weights: typeof all, because: string) =>
    choices.push({ headers: [{ name, value: text }], ...weights, because });
  if (header !== undefined && value !== undefined) when(header, value, all, 'canary-by-header-value');
  else if (header !== undefined && pattern !== undefined) {
    const literal = literalOf(pattern);
    if (literal !== undefined) when(header, literal, all, 'canary-by-header-pattern');
  } else if (header !== undefined) {
    when(header, 'always', all, 'canary-by-header');
    when(header, 'never', none, 'canary-by-header');
  }
  if (cookie !== undefined) {
    when('Cookie', `${cookie}=always`, all, 'canary-by-cookie');
    when('Cookie', `${cookie}=never`, none, 'canary-by-cookie');
  }
  const { alternative, total } = weightOf(ingress);
  return [...choices, { headers: [], primary: total - alternative, alternative, because: 'canary-weight' }];
}

/** A total below 100 counts as 100, as the controller's balancer has it. */
function weightOf({ annotations }: IngressReading): { readonly alternative: number; readonly total: number } {
  const total = Math.min(1_000_000, Math.max(100, annotations.number('canary-weight-total') ?? 100));
  const weight = annotations.number('canary-weight') ?? 0;
  return { total, alternative: Math.min(total, Math.max(0, weight)) };
}

/** The one text that an anchored pattern without special characters matches. */
const literalOf = (pattern: string): string | undefined => /^\^([-\w ]+)\$$/.exec(pattern)?.[1];

export const weighted = (
  { alternative, primary }: CanaryChoice,
  main: HTTPBackendRef,
  other: HTTPBackendRef,
): readonly HTTPBackendRef[] => {
  if (alternative === 0) return [main];
  if (primary === 0) return [other];
  return [
    { ...main, weight: primary },
    { ...other, weight: alternative },
  ];
};

/** What becomes of the annotations of a canary. */
export function judgeCanary(
  ingress: IngressReading,
  serves: boolean | 'as a main one',
): readonly Announcement[] {
  const { annotations } = ingress;
  const host = hostToShow(ingress);
  const announcements: Announcement[] = [];
  for (const annotation of annotations.names.filter(name => /^canary(?!-weight-total$)/.test(name))) {
    const subject = { ingress, annotation };
    if (serves !== true) {
      announcements.push(
        serves
          ? same(
              subject,
              'served',
              'Another Ingress was the first to name its Service: the controller serves its paths as those of any Ingress.',
            )
          : same(
              subject,
              'no-main',
              'No main Ingress has its host, path and type, or another Ingress was the first to name its Service: it gets no share.',
            ),
      );
      continue;
    }
    switch (annotation) {
      case 'canary-by-cookie': {
        const name = annotations.text(annotation) ?? '';
        announcements.push(
          approximated(subject, {
            code: 'canary-cookie',
            severity: 'subtle',
            effects: ['backend', 'weights'],
            sentence:
              'A match on the whole Cookie header takes its place: it holds where this is the only cookie.',
            request: { scheme: 'https', host, path: '/', headers: { Cookie: `a=b; ${name}=always` } },
          }),
        );
        break;
      }
      case 'canary-by-header-pattern':
        announcements.push(headerPattern(ingress, host));
        break;
      default:
        announcements.push(same(subject, 'canary', 'Weights of backends and matches of headers say it.'));
    }
  }
  return announcements;
}

function headerPattern(ingress: IngressReading, host: string): Announcement {
  const { annotations } = ingress;
  const subject = { ingress, annotation: 'canary-by-header-pattern' };
  const pattern = annotations.text('canary-by-header-pattern') ?? '';
  if (annotations.has('canary-by-header-value') || !annotations.has('canary-by-header'))
    return same(
      subject,
      'no-effect',
      'canary-by-header-value goes first, or there is no header: it has no effect.',
    );
  if (literalOf(pattern) !== undefined)
    return same(subject, 'canary', 'It matches one text, and a match of the header says it.');
  return refused(subject, {
    code: 'canary-pattern',
    severity: 'subtle',
    effects: ['backend', 'weights'],
    sentence:
      'Regular expressions of headers are the implementation’s: the header does not choose the alternative any more.',
    request: {
      scheme: 'https',
      host,
      path: '/',
      headers: { [annotations.text('canary-by-header') ?? '']: pattern },
    },
  });
}
