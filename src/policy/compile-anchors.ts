import type { LabelSelector } from '../kube/types/meta.ts';
import type { Labels, Peer, PolicyPod } from './model.ts';

/**
 * Anchors find, without asking every selector, those that may match a pod, and the other way round: a selector has one
 * of them, a pod has all that selectors which match it may have. What an anchor finds is asked again.
 */
export function peerAnchor(namespace: string, peer: Extract<Peer, { is: 'pods' }>): string {
  const { namespaceSelector, podSelector } = peer;
  const pair = pairOf(podSelector);
  if (namespaceSelector === undefined)
    return pair === undefined ? `own ${namespace}` : `own ${namespace} ${pair}`;
  if (pair !== undefined) return `pod ${pair}`;
  const namespacePair = pairOf(namespaceSelector);
  return namespacePair === undefined ? anyPod : `namespace ${namespacePair}`;
}

/** Of what may match every pod. */
export const anyPod = 'any';

export function podAnchors(
  pod: Pick<PolicyPod, 'namespace' | 'labels' | 'namespaceLabels'>,
): readonly string[] {
  const pairs = pairsOf(pod.labels);
  return [
    anyPod,
    `own ${pod.namespace}`,
    ...pairs.flatMap(pair => [`own ${pod.namespace} ${pair}`, `pod ${pair}`]),
    ...pairsOf(pod.namespaceLabels).map(pair => `namespace ${pair}`),
  ];
}

function pairOf(selector: LabelSelector | undefined): string | undefined {
  const [pair] = pairsOf(selector?.matchLabels ?? {});
  return pair;
}

const pairsOf = (labels: Labels): readonly string[] =>
  Object.entries(labels).map(([key, value]) => `${key}=${value}`);

/** Values by any number of keys each. */
export class Register<V> {
  readonly #byKey = new Map<string, Set<V>>();

  add(keys: Iterable<string>, value: V): void {
    for (const key of keys) {
      const found = this.#byKey.get(key);
      if (found === undefined) this.#byKey.set(key, new Set([value]));
      else found.add(value);
    }
  }

  remove(keys: Iterable<string>, value: V): void {
    for (const key of keys) {
      const found = this.#byKey.get(key);
      if (found?.delete(value) === true && found.size === 0) this.#byKey.delete(key);
    }
  }

  get(key: string): Iterable<V> {
    return this.#byKey.get(key) ?? [];
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }
}
