import type { Context } from '../context.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject } from '../object.ts';
import { isFields } from '../object.ts';

const DEFAULT_CLASS = 'ingressclass.kubernetes.io/is-default-class';
const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

/**
 * Gives a new Ingress without a class the default one (admission plugin DefaultIngressClass): of several the newest, of the
 * same age the first by name.
 */
export function admitIngress({ store }: Context, kind: Kind, object: ApiObject): ApiObject {
  if (kind.group !== 'networking.k8s.io' || kind.kind !== 'Ingress') return object;
  const spec = isFields(object['spec']) ? object['spec'] : {};
  const isGiven =
    (spec['ingressClassName'] ?? undefined) !== undefined ||
    object.metadata.annotations?.[CLASS_ANNOTATION] !== undefined;
  if (isGiven) return object;
  const [standard] = store
    .newestOf('networking.k8s.io/ingressclasses')
    .map(entry => entry.object)
    .filter(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true')
    .toSorted(byAge);
  return standard === undefined
    ? object
    : { ...object, spec: { ...spec, ingressClassName: standard.metadata.name ?? '' } };
}

function byAge({ metadata: one }: ApiObject, { metadata: other }: ApiObject): number {
  const [a, b] = [one.creationTimestamp ?? '', other.creationTimestamp ?? ''];
  if (a !== b) return a > b ? -1 : 1;
  return (one.name ?? '') < (other.name ?? '') ? -1 : 1;
}
