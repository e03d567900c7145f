import { FairleadError } from '../../base/errors.ts';
import type { ClusterNetworkPolicy } from '../../kube/types/cluster-network-policy.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { buildPolicyModel } from '../../policy/index.ts';
import { builtInKinds } from '../../standalone/apiserver/kinds/index.ts';
import type { Manifest } from '../apply/read-manifests.ts';

/** Objects as an API server would keep them, and what it would have said to them. */
export interface CanonicalManifests {
  readonly objects: readonly KubeObject[];
  /** Sentences, each with file and line. */
  readonly warnings: readonly string[];
}

const clusterPolicies = 'policy.networking.k8s.io/v1alpha2';

/**
 * Reads manifests as an API server does before anybody acts on them: a null is an absent field, a field that it does not
 * have is a warning, and what does not fit its type throws. Kinds that say something of policies and that are not ours are
 * warned of, too: they are not looked at.
 */
export function canonicalManifests(manifests: readonly Manifest[]): CanonicalManifests {
  const kinds = new Map(builtInKinds().map(kind => [`${apiVersionOf(kind)} ${kind.kind}`, kind]));
  const names = new Set([...kinds.values()].map(({ kind }) => kind));
  const warnings: string[] = [];
  const objects = manifests.flatMap(({ line, object, source }): readonly KubeObject[] => {
    const what = `${source}:${line}: ${object.kind}/${[object.metadata.namespace, object.metadata.name].filter(part => part !== undefined && part !== null).join('/')}`;
    const kind = kinds.get(`${object.apiVersion} ${object.kind}`);
    if (kind === undefined) {
      if (object.kind === 'ClusterNetworkPolicy' && object.apiVersion === clusterPolicies)
        return [readableClusterPolicy(withoutNulls(object), what)];
      const isOurs = names.has(object.kind) || object.kind.endsWith('NetworkPolicy');
      if (isOurs) warnings.push(`${what} is of ${object.apiVersion}, and is not looked at`);
      return isOurs ? [] : [withoutNulls(object)];
    }
    const fields = object as unknown as Readonly<Record<string, unknown>>; // of unknown shape until here
    const [mismatch] = kind.typeErrors(fields);
    if (mismatch !== undefined)
      throw new FairleadError('policy/bad-manifest', `${what} cannot be read: ${mismatch}.`, {
        hint: 'An API server refuses it: kubectl explain tells what a field is',
      });
    for (const unknown of kind.unknownFields(fields))
      warnings.push(`${what} has an ${unknown}: an API server refuses it, and nothing is read of it`);
    return [kind.withDefaults(object as Parameters<typeof kind.withDefaults>[0]) as unknown as KubeObject]; // its types fit
  });
  return { objects, warnings };
}

/** Nobody but its CustomResourceDefinition has its types: what the engine cannot read has not its form. */
function readableClusterPolicy(object: KubeObject, what: string): KubeObject {
  const nothing = { pods: [], namespaces: [], policies: [], nodes: [], nodeLocalServices: [] };
  try {
    buildPolicyModel({ ...nothing, clusterPolicies: [object as ClusterNetworkPolicy] }); // of its kind
    return object;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new FairleadError('policy/bad-manifest', `${what} cannot be read: a field has another type.`, {
      hint: 'ingress, egress, from, to and protocols are lists, spec and each entry are objects',
      cause,
    });
  }
}

const apiVersionOf = ({ group, version }: { readonly group: string; readonly version: string }): string =>
  group === '' ? version : `${group}/${version}`;

/** As the decoder of a typed field does it; an entry of a list stays, and is empty. */
function withoutNulls<T>(value: T): T {
  if (Array.isArray(value))
    return value.map((item: unknown) => (item === null ? {} : withoutNulls(item))) as T; // of the same items
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutNulls(item)])) as T; // without nulls
}
