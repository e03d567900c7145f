import { formatAddress, parseAddress } from '../../base/ip.ts';
import type { Protocol } from '../../kube/types/scalars.ts';
import { decideService } from '../../services/index.ts';
import type { Endpoint, Frontend } from '../../services/index.ts';
import { canonical } from './addresses.ts';
import type { TracedCluster } from './cluster.ts';
import type { Place, ServiceFrontend } from './hops.ts';
import { referenceOf } from './judge.ts';

export interface ServiceQuestion {
  readonly address: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly from: Place;
  readonly place: 'pod' | 'node' | 'world';
  /** Whose rules translate. */
  readonly node: string;
}

/** Where a Service's address leads; undefined for an address that is no Service's. */
export function findService(cluster: TracedCluster, question: ServiceQuestion): ServiceFrontend | undefined {
  const { from, node, place, port, protocol } = question;
  const address = parseAddress(question.address);
  if (address === undefined) return undefined;
  const source = parseAddress(from.address);
  const decision = decideService(
    cluster.services,
    { address, port, protocol },
    { place, node, zone: zoneOf(cluster, node), ...(source === undefined ? {} : { address: source }) },
  );
  const base = {
    address: question.address,
    port,
    protocol,
    ...(node === '' ? {} : { node }),
    endpoints: [],
    leftOut: [],
  };
  switch (decision.verdict) {
    case 'not-a-service':
      return undefined;
    case 'reject': {
      const { frontend, sentence } = decision;
      return {
        ...base,
        outcome: 'refused',
        service: frontend === undefined ? ownerOf(cluster, question.address) : referenceOf(frontend.service),
        sentence,
        leftOut: (frontend?.endpoints ?? []).map(leftOut),
      };
    }
    case 'drop': {
      const { frontend, sentence } = decision;
      return {
        ...base,
        outcome: 'dropped',
        service: frontend === undefined ? ownerOf(cluster, question.address) : referenceOf(frontend.service),
        sentence,
        leftOut: (frontend?.endpoints ?? []).map(leftOut),
      };
    }
    case 'forward': {
      const { endpoints, fallback, frontend, masquerade } = decision;
      const used = new Set(endpoints);
      const count = endpoints.length === 1 ? 'its one endpoint' : `one of ${endpoints.length} endpoints`;
      return {
        ...base,
        outcome: 'forwarded',
        exposure: frontend.exposure.of,
        source: masquerade ? 'node' : 'kept',
        service: referenceOf(frontend.service),
        sentence: [
          fallback ? `${count}: none is ready, these still serve while they terminate` : count,
          ...stays(frontend),
          ...translates(question, frontend, masquerade),
        ].join('; '),
        endpoints: endpoints.map(endpoint => ({
          ...placeOf(cluster, endpoint),
          from: referenceOf(endpoint.provenance),
        })),
        leftOut: frontend.endpoints.filter(endpoint => !used.has(endpoint)).map(leftOut),
      };
    }
    default:
      return decision satisfies never;
  }
}

const stays = ({ affinity }: Frontend): readonly string[] =>
  affinity === undefined
    ? []
    : [`a client of the last ${affinity.seconds} s stays with the one that it had (sessionAffinity)`];

/** Who translates an address that is not for the cluster alone, and whom the endpoint sees. */
function translates(
  { node, place }: ServiceQuestion,
  { exposure }: Frontend,
  masquerade: boolean,
): readonly string[] {
  if (exposure.of === 'cluster') return [];
  const announces = place === 'world' && exposure.of === 'load-balancer';
  const how = announces ? 'announces it and lets it in' : 'translates it';
  return [`${node} ${how} with ${masquerade ? 'its own address' : "the client's own address"}`];
}

/** core/v1 LabelTopologyZone. */
function zoneOf({ objects }: TracedCluster, node: string): string | undefined {
  const labels = objects.nodes.find(({ metadata }) => metadata.name === node)?.metadata.labels;
  return labels?.['topology.kubernetes.io/zone'];
}

function placeOf(cluster: TracedCluster, { address, nodeName, pod, port }: Endpoint): Place {
  const place = placeAt(cluster, formatAddress(address), port);
  return {
    ...place,
    ...(place.pod === undefined && pod !== undefined ? { pod } : {}),
    ...(place.node === undefined && nodeName !== undefined ? { node: nodeName } : {}),
  };
}

function leftOut(endpoint: Endpoint): ServiceFrontend['leftOut'][number] {
  const { address, nodeName, pod, port, provenance } = endpoint;
  return {
    address: formatAddress(address),
    port,
    ...(pod === undefined ? {} : { pod }),
    ...(nodeName === undefined ? {} : { node: nodeName }),
    from: referenceOf(provenance),
    why: whyLeftOut(endpoint),
  };
}

/** discovery/v1 EndpointConditions, in words. */
function whyLeftOut({ ready, serving, terminating }: Endpoint): string {
  if (terminating) return serving ? 'it terminates, and others are ready' : 'it terminates';
  return ready
    ? 'the traffic policy is Local, or hints prefer others: it is on another node'
    : 'it is not ready';
}

/** Who has an address: a pod, a node, or nobody in the cluster. */
export function placeAt(cluster: TracedCluster, address: string, port?: number): Place {
  const pod = cluster.policy.podsByAddress.get(address);
  const node = cluster.nodesByAddress.get(address) ?? (pod?.node === '' ? undefined : pod?.node);
  return {
    address,
    ...(port === undefined ? {} : { port }),
    ...(pod === undefined || pod.node === '' ? {} : { pod: pod.key }),
    ...(node === undefined ? {} : { node }),
  };
}

/** Whose address it is, where no port of it is asked for. */
function ownerOf({ objects }: TracedCluster, address: string): ServiceFrontend['service'] {
  const owner = objects.services.find(({ spec, status }) =>
    [
      ...(spec.clusterIPs ?? []),
      ...(spec.externalIPs ?? []),
      ...(status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip),
    ].some(text => canonical(text).includes(address)),
  );
  if (owner === undefined) return { object: 'Service', field: 'spec.clusterIPs' };
  const { name, namespace = '' } = owner.metadata;
  return { object: `Service/${namespace}/${name}`, field: 'spec.ports' };
}
