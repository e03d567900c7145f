import type { ContainerPort } from '../../kube/types/container.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Protocol } from '../../kube/types/scalars.ts';
import { addressesOf, canonical } from './addresses.ts';
import type { TracedCluster } from './cluster.ts';
import { placeAt } from './find-service.ts';
import type { Place } from './hops.ts';

/** The pod that has a port of the node with this address (core/v1 ContainerPort.hostPort), and its own port. */
export function findHostPort(
  cluster: TracedCluster,
  at: { readonly address: string; readonly port: number; readonly protocol: Protocol },
): { readonly node: string; readonly to: Place } | undefined {
  const node = cluster.nodesByAddress.get(at.address);
  if (node === undefined) return undefined;
  for (const pod of cluster.objects.pods) {
    if (pod.spec.nodeName !== node || !isReached(pod)) continue;
    const port = portsOf(pod).find(one => isAsked(one, at));
    const own = addressesOf(pod).find(text => text.includes(':') === at.address.includes(':'));
    if (port !== undefined && own !== undefined)
      return { node, to: placeAt(cluster, own, port.containerPort) };
  }
  return undefined;
}

/** One with the node's network has the port by itself. */
const isReached = ({ spec, status }: Pod): boolean =>
  spec.hostNetwork !== true && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

/** Sidecars are init containers that go on running. */
const portsOf = ({ spec }: Pod): readonly ContainerPort[] =>
  [
    ...spec.containers,
    ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ].flatMap(({ ports = [] }) => ports);

/** Without an address, or with the unspecified one, it is found at all of the node's. */
function isAsked(
  { hostIP = '', hostPort, protocol = 'TCP' }: ContainerPort,
  at: { readonly address: string; readonly port: number; readonly protocol: Protocol },
): boolean {
  const isAnywhere = ['', '0.0.0.0', '::'].includes(hostIP);
  return (
    hostPort === at.port && protocol === at.protocol && (isAnywhere || canonical(hostIP).includes(at.address))
  );
}
