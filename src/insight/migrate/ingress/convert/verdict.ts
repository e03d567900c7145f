import type { Announcement, Effect, Severity, ShownRequest } from '../announcement.ts';
import type { IngressReading } from '../read.ts';
import type { Server } from '../servers.ts';

/** What may differ where another rule answers than did. */
export const OF_ANOTHER_RULE = [
  ...(['path', 'status', 'backend', 'location', 'host', 'weights', 'access', 'affinity'] as const),
  ...(['request-headers', 'response-headers', 'timeouts', 'body-limit', 'limits'] as const),
] as const;

interface Reason {
  readonly code: string;
  readonly sentence: string;
  readonly effects: readonly Effect[];
  readonly severity: Severity;
  readonly request?: ShownRequest;
  readonly hint?: string;
}

/** Whose it is: an annotation of an Ingress, a key of the ConfigMap, or a behaviour that neither asks for. */
export interface Subject {
  /** Absent: of every Ingress. */
  readonly ingress?: IngressReading | undefined;
  readonly annotation?: string;
  readonly key?: string;
  /** An annotation that is not written, of which the default differs. */
  readonly unwritten?: string;
}

function subjectOf({ annotation, ingress, key, unwritten }: Subject, code: string) {
  const value = annotation === undefined ? undefined : ingress?.annotations.raw(annotation);
  return {
    ingress: ingress?.id ?? '',
    ...(annotation === undefined ? {} : { annotation }),
    ...(value === undefined ? {} : { value }),
    subject: annotation ?? unwritten ?? (key === undefined ? `behaviour:${code}` : `config:${key}`),
  };
}

export const same = (subject: Subject, code: string, sentence: string): Announcement => ({
  ...subjectOf(subject, code),
  code,
  class: 'same',
  effects: [],
  sentence,
});

export const approximated = (subject: Subject, reason: Reason): Announcement => ({
  ...subjectOf(subject, reason.code),
  class: 'approximated',
  ...reason,
});

export const refused = (subject: Subject, reason: Reason): Announcement => ({
  ...subjectOf(subject, reason.code),
  class: 'refused',
  ...reason,
});

/** The first host of an Ingress, for a request that shows something. */
export const hostToShow = (ingress: IngressReading | undefined): string =>
  (ingress?.rules.find(({ host }) => host !== '')?.host ?? 'any.example').replace(/^\*/, 'www');

/** A request that shows something of a host. */
export const requestTo = ({ host }: Server, path: string): ShownRequest => ({
  scheme: 'http',
  host: host === '' ? 'any.example' : host.replace(/^\*/, 'www'),
  path,
});

/** A host, as a sentence begins with it. */
export const hostWord = ({ host }: Server): string => (host === '' ? 'Every host' : host);
