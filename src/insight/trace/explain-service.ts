import type { Service } from '../../kube/types/service.ts';
import type { TracedCluster } from './cluster.ts';

/** What to do about a Service without endpoints: its selector, and the pods that it finds. */
export function explainNoEndpoints(
  cluster: TracedCluster,
  object: string,
  leftOut: number,
): string | undefined {
  const service = find(cluster, object);
  if (service === undefined) return undefined;
  const { metadata, spec } = service;
  const selector = Object.entries(spec.selector ?? {});
  if (selector.length === 0) return `Make an EndpointSlice for ${object}: it has no selector.`;
  const text = selector.map(([key, value]) => `${key}=${value}`).join(',');
  const matching = cluster.objects.pods.filter(
    pod =>
      pod.metadata.namespace === metadata.namespace &&
      selector.every(([key, value]) => pod.metadata.labels?.[key] === value),
  );
  if (matching.length === 0)
    return `Give pods in ${metadata.namespace ?? ''} the labels ${text}, or change spec.selector of ${object}: no pod has them.`;
  const names = matching
    .slice(0, 3)
    .map(pod => pod.metadata.name)
    .join(', ');
  const what = leftOut > 0 ? 'none of them is ready' : 'no endpoint stands behind this port';
  return `Look at the pods that its selector finds (${names}): ${what}.`;
}

/** What to do about a port that a Service does not have. */
export function explainNoPort(cluster: TracedCluster, object: string): string | undefined {
  const ports = find(cluster, object)?.spec.ports ?? [];
  if (ports.length === 0) return undefined;
  const list = ports.map(({ name, port, protocol = 'TCP' }) =>
    name === undefined ? `${port}/${protocol}` : `${port}/${protocol} (${name})`,
  );
  return `Ask for a port that it has: ${list.join(', ')}.`;
}

function find({ objects }: TracedCluster, object: string): Service | undefined {
  return objects.services.find(
    ({ metadata }) => object === `Service/${metadata.namespace ?? ''}/${metadata.name}`,
  );
}
