import type { Ingress } from '../../kube/types/networking.ts';

/** Prefixes of other controllers' annotations. */
const PREFIXES = [
  'nginx.ingress.kubernetes.io/',
  'nginx.org/',
  'haproxy.org/',
  'haproxy-ingress.github.io/',
  'traefik.ingress.kubernetes.io/',
  'alb.ingress.kubernetes.io/',
];
const MOST_NAMED = 10;

/** What an Ingress asks of another controller by its annotations, and does not get: a Warning for people. */
export function unsupportedAnnotations({
  metadata,
}: Ingress): readonly { readonly reason: string; readonly note: string }[] {
  const names = Object.keys(metadata.annotations ?? {})
    .filter(name => PREFIXES.some(prefix => name.startsWith(prefix)))
    .toSorted();
  if (names.length === 0) return [];
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : '';
  return [
    {
      reason: 'AnnotationsNotSupported',
      note: `${names.slice(0, MOST_NAMED).join(', ')}${more}: these annotations change nothing here; fairlead migrate ingress says what becomes of each as routes of a Gateway`,
    },
  ];
}
