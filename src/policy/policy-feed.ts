import type { Address } from '../base/ip.ts';
import type { ClusterNetworkPolicy } from '../kube/types/cluster-network-policy.ts';
import type { NetworkPolicy } from '../kube/types/networking.ts';
import type { Node } from '../kube/types/node.ts';
import type { Pod } from '../kube/types/pod.ts';
import type { Service } from '../kube/types/service.ts';
import { Register } from './compile-anchors.ts';
import type { PolicyIndex } from './compile-index.ts';
import { readNode, readNodeLocalService, readPod } from './compile-model.ts';
import { readClusterPolicy } from './compile-cluster-policy.ts';
import { readPolicy } from './compile-policy.ts';
import type { Labels } from './model.ts';

/** The cluster as it is known now. */
export interface PolicySources {
  pods(): readonly Pod[];
  policies(): readonly NetworkPolicy[];
  clusterPolicies(): readonly ClusterNetworkPolicy[];
  nodes(): readonly Node[];
  /** Services whose addresses each node answers itself: that of the cluster's DNS. */
  nodeLocalServices(): readonly Service[];
  /** Undefined for a namespace that is not there (any more). */
  namespaceLabels(name: string): Labels | undefined;
}

/** One object that is another now; absent: it is gone. */
export type PolicyChange =
  | { readonly kind: 'pod'; readonly key: string; readonly object: Pod | undefined }
  | { readonly kind: 'policy'; readonly key: string; readonly object: NetworkPolicy | undefined }
  | {
      readonly kind: 'clusterPolicy';
      readonly name: string;
      readonly object: ClusterNetworkPolicy | undefined;
    }
  | { readonly kind: 'namespace'; readonly name: string }
  /** Nodes or node-local Services: few, and read again together. */
  | { readonly kind: 'others' };

/** Addresses that the node gave to a pod, before its status tells them. */
export interface Given {
  readonly uid: string;
  readonly addresses: readonly Address[];
  /** The object that the gate was asked with: the cache may be behind it. */
  readonly object?: Pod;
}

/** Reads objects into an index: those that changed, or all of them. */
export class PolicyFeed {
  readonly #index: PolicyIndex;
  readonly #sources: PolicySources;
  readonly #given: (pod: string) => Given | undefined;
  readonly #pods = new Map<string, Pod>();
  readonly #podsOfNamespace = new Register<string>();
  readonly #policies = new Map<string, NetworkPolicy>();
  readonly #clusterPolicies = new Map<string, ClusterNetworkPolicy>();
  readonly #labels = new Map<string, Labels | undefined>();
  #services: readonly string[] = [];
  #dirtyPods = new Set<string>();
  #areOthersDirty = true;

  constructor(index: PolicyIndex, sources: PolicySources, given: (pod: string) => Given | undefined) {
    this.#index = index;
    this.#sources = sources;
    this.#given = given;
  }

  /** As the cluster knows it. */
  pod(key: string): Pod | undefined {
    return this.#pods.get(key);
  }

  /** The pod's addresses, or the object that the gate knows, are others now. */
  touchPod(key: string): void {
    this.#dirtyPods.add(key);
  }

  tell(change: PolicyChange): void {
    switch (change.kind) {
      case 'pod':
        this.#tellPod(change.key, change.object);
        break;
      case 'policy':
        this.#tellPolicy(change.key, change.object);
        break;
      case 'clusterPolicy':
        this.#tellClusterPolicy(change.name, change.object);
        break;
      case 'namespace':
        this.#tellNamespace(change.name);
        break;
      case 'others':
        this.#areOthersDirty = true;
        break;
      default:
        change satisfies never;
    }
  }

  /** Looks at everything there is. */
  tellAll(): void {
    const present = new Map(this.#sources.pods().map(pod => [keyOf(pod), pod]));
    for (const key of this.#pods.keys()) if (!present.has(key)) this.#tellPod(key, undefined);
    for (const [key, pod] of present) this.#tellPod(key, pod);
    const wanted = new Map(this.#sources.policies().map(policy => [keyOf(policy), policy]));
    for (const key of this.#policies.keys()) if (!wanted.has(key)) this.#tellPolicy(key, undefined);
    for (const [key, policy] of wanted) this.#tellPolicy(key, policy);
    const clusterWide = new Map(
      this.#sources.clusterPolicies().map(policy => [policy.metadata.name, policy]),
    );
    for (const name of this.#clusterPolicies.keys())
      if (!clusterWide.has(name)) this.#tellClusterPolicy(name, undefined);
    for (const [name, policy] of clusterWide) this.#tellClusterPolicy(name, policy);
    for (const name of this.#labels.keys()) this.#tellNamespace(name);
    this.#areOthersDirty = true;
  }

  /** Reads what was told into the index. */
  settle(): void {
    const services = this.#sources.nodeLocalServices();
    const namespaces = new Set(services.map(({ metadata }) => metadata.namespace ?? ''));
    for (const key of this.#dirtyPods) {
      this.#areOthersDirty ||= namespaces.has(key.slice(0, key.indexOf('/')));
      this.#readPod(key);
    }
    this.#dirtyPods = new Set();
    if (this.#areOthersDirty) this.#readOthers(services);
    this.#areOthersDirty = false;
  }

  #tellPod(key: string, pod: Pod | undefined): void {
    if (this.#pods.get(key) === pod) return;
    const namespace = key.slice(0, key.indexOf('/'));
    if (pod === undefined) {
      this.#pods.delete(key);
      this.#podsOfNamespace.remove([namespace], key);
    } else {
      this.#pods.set(key, pod);
      this.#podsOfNamespace.add([namespace], key);
    }
    this.#dirtyPods.add(key);
  }

  #tellPolicy(key: string, object: NetworkPolicy | undefined): void {
    if (this.#policies.get(key) === object) return;
    if (object === undefined) this.#policies.delete(key);
    else this.#policies.set(key, object);
    this.#index.setPolicy(key, object === undefined ? undefined : readPolicy(object));
  }

  #tellClusterPolicy(name: string, object: ClusterNetworkPolicy | undefined): void {
    if (this.#clusterPolicies.get(name) === object) return;
    if (object === undefined) this.#clusterPolicies.delete(name);
    else this.#clusterPolicies.set(name, object);
    this.#index.setPolicy(`/${name}`, object === undefined ? undefined : readClusterPolicy(object));
  }

  #tellNamespace(name: string): void {
    const labels = this.#sources.namespaceLabels(name);
    if (labels === this.#labels.get(name)) return;
    if (this.#podsOfNamespace.has(name)) this.#labels.set(name, labels);
    else this.#labels.delete(name);
    for (const key of this.#podsOfNamespace.get(name)) this.#dirtyPods.add(key);
    this.#areOthersDirty = true;
  }

  #readPod(key: string): void {
    const cached = this.#pods.get(key);
    const given = this.#given(key);
    // The cache may not know yet that the pod is bound to this node.
    const pod = cached?.spec.nodeName === undefined ? (given?.object ?? cached) : cached;
    if (pod === undefined) {
      this.#index.setPod(key, undefined);
      return;
    }
    const isSame = given !== undefined && (given.uid === '' || given.uid === pod.metadata.uid);
    const labels = this.#labelsOf(pod.metadata.namespace ?? '');
    this.#index.setPod(key, readPod(pod, labels, isSame ? given.addresses : []));
  }

  #labelsOf(namespace: string): Labels {
    if (!this.#labels.has(namespace)) this.#labels.set(namespace, this.#sources.namespaceLabels(namespace));
    return this.#labels.get(namespace) ?? {};
  }

  #readOthers(services: readonly Service[]): void {
    const read = services.map(service => {
      const namespace = service.metadata.namespace ?? '';
      const pods = [...this.#podsOfNamespace.get(namespace)].map(key => this.#pods.get(key));
      const behind = pods.filter(pod => pod !== undefined);
      return readNodeLocalService(service, behind, this.#sources.namespaceLabels(namespace) ?? {});
    });
    for (const key of this.#services)
      if (!read.some(one => one.key === key)) this.#index.setPod(key, undefined);
    for (const one of read) this.#index.setPod(one.key, one);
    this.#services = read.map(one => one.key);
    this.#index.setNodes(this.#sources.nodes().map(readNode));
  }
}

const keyOf = ({ metadata }: Pod | NetworkPolicy): string => `${metadata.namespace ?? ''}/${metadata.name}`;
