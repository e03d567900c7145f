import { FairleadError } from '../../../base/errors.ts';
import type { Container, Pod, ResourceFieldSelector } from '../../../kube/types/core.ts';
import { parseQuantity } from '../../../kube/quantity.ts';

/** What a pod's fields may refer to besides the object itself; addresses are known once the sandbox stands. */
export interface PodFacts {
  readonly pod: Pod;
  readonly podAddresses: readonly string[];
  readonly hostAddresses: readonly string[];
  readonly nodeName: string;
  /** Of the node: what a container without limits may use. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** The value of a downward API `fieldRef` (core/v1 ObjectFieldSelector). Throws for a path that it does not know. */
export function fieldValue(facts: PodFacts, path: string): string {
  const { pod } = facts;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (keyed !== null) {
    const map = keyed[1] === 'labels' ? pod.metadata.labels : pod.metadata.annotations;
    return map?.[keyed[2] as string] ?? '';
  }
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name;
    case 'metadata.namespace':
      return pod.metadata.namespace ?? '';
    case 'metadata.uid':
      return pod.metadata.uid ?? '';
    case 'metadata.labels':
      return formatMap(pod.metadata.labels);
    case 'metadata.annotations':
      return formatMap(pod.metadata.annotations);
    case 'spec.nodeName':
      return facts.nodeName;
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? '';
    case 'status.hostIP':
      return facts.hostAddresses[0] ?? '';
    case 'status.hostIPs':
      return facts.hostAddresses.join(',');
    case 'status.podIP':
      return facts.podAddresses[0] ?? '';
    case 'status.podIPs':
      return facts.podAddresses.join(',');
    default:
      throw new FairleadError('runtime/field-reference', `the field path "${path}" is not supported`);
  }
}

/** The value of a `resourceFieldRef`: an amount divided by the divisor, rounded up (core/v1 ResourceFieldSelector). */
export function resourceValue(
  facts: PodFacts,
  container: Container,
  selector: ResourceFieldSelector,
): string {
  const found = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/.exec(selector.resource);
  if (found === null) {
    throw new FairleadError(
      'runtime/resource-reference',
      `the resource "${selector.resource}" is not supported`,
    );
  }
  const [, kind, name = ''] = found;
  const limits = container.resources?.limits?.[name] ?? facts.allocatable[name];
  const text = kind === 'limits' ? limits : container.resources?.requests?.[name];
  const amount = parseQuantity(text ?? '0') ?? 0n;
  const asked = parseQuantity(selector.divisor ?? '1') ?? 0n;
  const divisor = asked > 0n ? asked : ONE;
  return String((amount + divisor - 1n) / divisor);
}

/** `parseQuantity` counts in billionths. */
const ONE = 1_000_000_000n;

/** As the kubelet writes maps to files: sorted lines of `key="value"`, quoted as Go's %q. */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
