import type { Namespace, Pod } from '../kube/types/core.ts';
import type { EndpointSlice } from '../kube/types/discovery.ts';
import type { Service } from '../kube/types/service.ts';
import { ClusterNames } from './compile-cluster.ts';
import type { Decision } from './decide.ts';
import { readNamespace, readService, readSlice } from './model.ts';
import { defaultRules } from './model-rules.ts';
import type { NameRules } from './model-rules.ts';
import { keyOfName, types } from './wire/index.ts';

/** A whole cluster, as its API server lists it. */
export interface NameObjects {
  readonly clusterDomain: string;
  /** Those of a cluster without a configuration where none are given. */
  readonly rules?: NameRules;
  /** For rules that verify pods' names. */
  readonly pods?: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
}

/** The names of a cluster that is known whole, for those who read and explain. */
export function buildClusterNames(objects: NameObjects): ClusterNames {
  const { clusterDomain, pods = [], rules = defaultRules } = objects;
  const names = new ClusterNames({ clusterDomain, dnsAddresses: [], prefixes: [], serial: 0, rules });
  names.putAll({
    namespaces: objects.namespaces.map(readNamespace),
    services: objects.services.flatMap(service => readService(service) ?? []),
    slices: objects.endpointSlices.flatMap(slice => readSlice(slice, rules) ?? []),
  });
  for (const { metadata, status } of pods)
    names.setPod(metadata.namespace ?? '', metadata.name, status?.podIPs?.map(({ ip }) => ip) ?? [], []);
  names.isComplete = true;
  names.arePodsComplete = true;
  return names;
}

/** What the cluster's DNS answers; undefined for what is no domain name. */
export function decideName(names: ClusterNames, name: string, type: 'A' | 'AAAA'): Decision | undefined {
  const labels = name.replace(/\.$/, '').split('.');
  const isName = name.length <= 253 && labels.every(label => /^[\x21-\x7e]{1,63}$/.test(label));
  return isName && !name.includes('\\') ? names.decide(keyOfName(name), types[type]) : undefined;
}
