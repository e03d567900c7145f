import type { Pods } from '../pods.ts';
import { ephemeralContainers } from '../pod/restart.ts';
import type { PodWorker } from '../pod/pod-worker.ts';
import type { Container } from '../../../kube/types/core.ts';
import { badRequest, notFound, type Refusal } from './answer.ts';

export interface Target {
  readonly kind: string;
  readonly worker: PodWorker;
  readonly container: Container | undefined;
}

const KINDS = ['containerLogs', 'exec', 'attach', 'portForward'];

/** `/KIND/NAMESPACE/POD[/CONTAINER]`: a kubelet's paths. */
export function findTarget(path: string, pods: Pods): Target | Refusal {
  const [, kind = '', namespace = '', name = '', containerName = ''] = path.split('/').map(decode);
  if (!KINDS.includes(kind)) return notFound(`there is nothing at ${path}`);
  const worker = pods.byName(namespace, name);
  if (worker === undefined)
    return notFound(`pod "${name}" in namespace "${namespace}" does not run on this machine`);
  if (kind === 'portForward') return { kind, worker, container: undefined };
  const { containers, initContainers = [] } = worker.pod.spec;
  const all = [...containers, ...initContainers, ...ephemeralContainers(worker.pod)];
  const container = all.find(each => each.name === containerName);
  if (container === undefined) return badRequest(`container ${containerName} is not valid for pod ${name}`);
  return { kind, worker, container };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
