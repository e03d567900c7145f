import { formatAddress } from '../../base/ip.ts';
import { decideService, nodeAddressesOf } from '../../services/index.ts';
import type { Endpoint, Frontend, ServiceModel } from '../../services/index.ts';
import { zoneOf } from './client.ts';
import type { Asker } from './client.ts';

export interface ExplainedEndpoint {
  readonly address: string;
  readonly port: number;
  readonly pod?: string;
  readonly node?: string;
}

/** What one client gets at one address and port of a Service. */
export interface ExplainedFrontend {
  readonly address: string;
  readonly protocol: string;
  readonly port: number;
  readonly portName: string;
  readonly for: Frontend['exposure']['of'];
  readonly verdict: 'forward' | 'reject' | 'drop' | 'not-a-service';
  readonly sentence: string;
  /** The endpoint sees the node's address instead of the client's. */
  readonly masquerade?: boolean;
  readonly affinitySeconds?: number;
  readonly endpoints: readonly (ExplainedEndpoint & { readonly probability: number })[];
  readonly leftOut: readonly (ExplainedEndpoint & { readonly why: string })[];
}

export function explainFrontend(model: ServiceModel, frontend: Frontend, asker: Asker): ExplainedFrontend {
  const { address, affinity, endpoints, exposure, port, portName, protocol } = frontend;
  const own = asker.address(address.family);
  const zone = zoneOf(asker.node);
  const node = asker.node?.metadata.name ?? '';
  const decision = decideService(
    model,
    { address, port, protocol },
    {
      place: asker.place,
      node,
      zone,
      ...(own === undefined ? {} : { address: own }),
      ...(asker.node === undefined ? {} : { addresses: nodeAddressesOf(asker.node) }),
    },
  );
  const base = {
    address: formatAddress(address),
    protocol,
    port,
    portName,
    for: exposure.of,
    verdict: decision.verdict,
    ...(affinity === undefined ? {} : { affinitySeconds: affinity.seconds }),
  };
  if (decision.verdict !== 'forward') {
    const sentence = decision.verdict === 'not-a-service' ? 'no Service has this address' : decision.sentence;
    const leftOut = endpoints.map(endpoint => ({
      ...placeOf(endpoint),
      why: stateOf(endpoint) ?? 'not asked',
    }));
    return { ...base, sentence, endpoints: [], leftOut };
  }
  const used = new Set(decision.endpoints);
  const count = decision.endpoints.length;
  const source = decision.masquerade ? 'with the node’s address' : 'with the client’s own address';
  const drawn = count === 1 ? 'its one endpoint' : `one of ${count} endpoints`;
  const fallback = decision.fallback ? '; none is ready, these still serve while they terminate' : '';
  const sticky =
    affinity === undefined ? '' : `; a client of the last ${affinity.seconds} s stays with its own`;
  return {
    ...base,
    sentence: `${drawn}, ${source}${fallback}${sticky}`,
    masquerade: decision.masquerade,
    endpoints: decision.endpoints.map(endpoint => ({ ...placeOf(endpoint), probability: 1 / count })),
    leftOut: endpoints
      .filter(endpoint => !used.has(endpoint))
      .map(endpoint => ({
        ...placeOf(endpoint),
        why: stateOf(endpoint, decision.fallback) ?? whyFar(endpoint, decision.policy, node, zone),
      })),
  };
}

const placeOf = ({ address, nodeName, pod, port }: Endpoint): ExplainedEndpoint => ({
  address: formatAddress(address),
  port,
  ...(pod === undefined ? {} : { pod }),
  ...(nodeName === undefined ? {} : { node: nodeName }),
});

/** Undefined for one that could serve. */
function stateOf({ ready, serving, terminating }: Endpoint, isFallback = false): string | undefined {
  if (ready) return undefined;
  if (!terminating) return 'not ready';
  if (!serving) return 'terminating, and does not serve any more';
  return isFallback ? undefined : 'terminating, while others are ready';
}

function whyFar(
  { hints, nodeName }: Endpoint,
  policy: 'Cluster' | 'Local',
  node: string,
  zone: string | undefined,
): string {
  if (policy === 'Local') return `on ${nodeName ?? 'no node that is known'}, and the traffic policy is Local`;
  const { nodes = [], zones = [] } = hints ?? {};
  if (nodes.length > 0 && !nodes.includes(node)) return `hinted to ${nodes.join(', ')}, others to ${node}`;
  return `hinted to zone ${zones.join(', ')}, others to ${zone ?? node}`;
}
