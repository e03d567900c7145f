import type { Node, Pod } from '../../../kube/types/core.ts';
import { isTerminated } from '../pod-state.ts';
import { nodeFacts, podFacts, withPod } from './facts.ts';
import type { Cluster, Labels, NodeFacts, PodFacts } from './model.ts';

/**
 * The scheduler's picture of the cluster, kept from changes: nodes, and the pods on each. A decision is assumed at once,
 * so that the next one sees it before the API does; it ends when the pod is seen bound, goes away, or is withdrawn.
 */
export class ClusterState implements Cluster {
  readonly #nodes = new Map<string, Node>();
  /** Node name → pods on it, also for nodes that are not (yet, any more) there. */
  readonly #podsByNode = new Map<string, Map<string, PodFacts>>();
  readonly #nodeOfPod = new Map<string, string>();
  readonly #assumed = new Map<string, { readonly uid: string; readonly node: string }>();
  readonly #facts = new Map<string, NodeFacts>();
  readonly #labelsOf: (namespace: string) => Labels | undefined;
  #list: readonly NodeFacts[] | undefined;

  constructor(labelsOf: (namespace: string) => Labels | undefined) {
    this.#labelsOf = labelsOf;
  }

  get nodes(): readonly NodeFacts[] {
    this.#list ??= [...this.#nodes.keys()].map(name => this.#factsOf(name));
    return this.#list;
  }

  namespaceLabels(namespace: string): Labels {
    return this.#labelsOf(namespace) ?? {};
  }

  setNode(node: Node): void {
    this.#nodes.set(node.metadata.name, node);
    this.#changed(node.metadata.name);
  }

  removeNode(name: string): void {
    this.#nodes.delete(name);
    this.#changed(name);
  }

  /** As the API shows the pod now. An unbound pod keeps the place that was assumed for it. */
  setPod(pod: Pod): void {
    const facts = podFacts(pod);
    const assumed = this.#assumed.get(facts.key);
    if (assumed !== undefined && (assumed.uid !== facts.uid || pod.spec.nodeName !== undefined)) {
      this.#assumed.delete(facts.key);
    }
    const node = pod.spec.nodeName ?? this.#assumed.get(facts.key)?.node;
    this.#take(facts.key);
    if (node !== undefined && node !== '' && !isTerminated(pod)) this.#put(node, facts);
  }

  removePod(key: string): void {
    this.#assumed.delete(key);
    this.#take(key);
  }

  /** The place that was chosen for a pod, while its binding is on its way. */
  assumed(key: string): { readonly uid: string; readonly node: string } | undefined {
    return this.#assumed.get(key);
  }

  assume(pod: PodFacts, node: string): void {
    this.#assumed.set(pod.key, { uid: pod.uid, node });
    this.#take(pod.key);
    this.#put(node, pod);
  }

  /** The binding failed: the place is free again. */
  withdraw(key: string, uid: string): void {
    if (this.#assumed.get(key)?.uid !== uid) return;
    this.removePod(key);
  }

  #put(node: string, pod: PodFacts): void {
    const pods = this.#podsByNode.get(node) ?? new Map<string, PodFacts>();
    this.#podsByNode.set(node, pods.set(pod.key, pod));
    this.#nodeOfPod.set(pod.key, node);
    const facts = this.#facts.get(node);
    this.#changed(node);
    if (facts !== undefined) this.#facts.set(node, withPod(facts, pod));
  }

  #take(key: string): void {
    const node = this.#nodeOfPod.get(key);
    if (node === undefined) return;
    this.#nodeOfPod.delete(key);
    const pods = this.#podsByNode.get(node);
    pods?.delete(key);
    if (pods?.size === 0) this.#podsByNode.delete(node);
    this.#changed(node);
  }

  #changed(node: string): void {
    this.#facts.delete(node);
    this.#list = undefined;
  }

  #factsOf(name: string): NodeFacts {
    const known = this.#facts.get(name);
    if (known !== undefined) return known;
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`node ${name} is listed but unknown`);
    const facts = nodeFacts(node, new Map(this.#podsByNode.get(name)));
    this.#facts.set(name, facts);
    return facts;
  }
}
