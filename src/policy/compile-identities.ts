import { Register, anyPod, peerAnchor, podAnchors } from './compile-anchors.ts';
import type { Identity } from './compile-allows.ts';
import { freeNumberOf } from './compile-ids.ts';
import { selectsPod } from './decide.ts';
import type { Direction, Policy, PolicyPod, Rule } from './model.ts';

export function identityKey(pod: PolicyPod): string {
  const sorted = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const ports = pod.ports.map(({ name, protocol, port }) => `${name} ${protocol} ${port}`).sort();
  return JSON.stringify([pod.namespace, sorted(pod.namespaceLabels), sorted(pod.labels), ports]);
}

/** Which identities a run of changes brought, and which it took. */
export interface IdentityChange {
  readonly come: readonly Identity[];
  readonly gone: readonly Identity[];
}

interface Held extends Identity {
  readonly key: string;
  addresses: number;
}

/** The identities of all addresses of pods. A number belongs to one as long as any address has it. */
export class Identities {
  readonly #byKey = new Map<string, Held>();
  readonly #numbers = new Set<number>();
  readonly #byAddress = new Map<string, Held>();
  readonly #byAnchor = new Register<Held>();

  /** The number of the pod that has the address. */
  numberOf(address: string): number | undefined {
    return this.#byAddress.get(address)?.number;
  }

  change(addresses: Iterable<string>, owner: (address: string) => PolicyPod | undefined): IdentityChange {
    const left: Held[] = [];
    const come = new Set<Held>();
    for (const address of addresses) {
      const before = this.#byAddress.get(address);
      const pod = owner(address);
      const after = pod === undefined ? undefined : this.#hold(pod, come);
      if (after === before) continue;
      if (before !== undefined) left.push(before);
      if (after === undefined) this.#byAddress.delete(address);
      else {
        after.addresses++;
        this.#byAddress.set(address, after);
      }
    }
    const gone: Held[] = [];
    for (const held of left) {
      if (--held.addresses > 0) continue;
      this.#byKey.delete(held.key);
      this.#numbers.delete(held.number);
      this.#byAnchor.remove(podAnchors(held.pod), held);
      gone.push(held);
    }
    return { come: [...come].filter(held => held.addresses > 0), gone };
  }

  /** Those that the policy's rules name in one direction, each with the rules that do. */
  namedBy(policy: Policy, direction: Direction): ReadonlyMap<Identity, readonly Rule[]> {
    const found = new Map<Identity, Rule[]>();
    for (const rule of policy.rules[direction]) {
      const named = new Set<Held>();
      for (const anchor of anchorsOf(rule, policy.namespace))
        for (const held of anchor === anyPod ? this.#byKey.values() : this.#byAnchor.get(anchor))
          if (!named.has(held) && namesPod(rule, policy.namespace, held.pod)) named.add(held);
      for (const held of named) {
        const rules = found.get(held);
        if (rules === undefined) found.set(held, [rule]);
        else rules.push(rule);
      }
    }
    return found;
  }

  #hold(pod: PolicyPod, come: Set<Held>): Held {
    const key = identityKey(pod);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const number = freeNumberOf(key, taken => this.#numbers.has(taken));
    const held: Held = { key, number, pod, addresses: 0 };
    this.#byKey.set(key, held);
    this.#numbers.add(number);
    this.#byAnchor.add(podAnchors(pod), held);
    come.add(held);
    return held;
  }
}

/** In egress to anybody a named port is one of the pods that have it; every other rule for anybody names nobody. */
const namesPorts = ({ direction, ports }: Rule): boolean =>
  direction === 'egress' && ports?.some(port => port.is === 'named') === true;

/** Whether the rule names the pod: allows it something because it is that pod. */
export function namesPod(rule: Rule, namespace: string, pod: PolicyPod): boolean {
  if (rule.peers === undefined) return namesPorts(rule);
  return rule.peers.some(peer => peer.is === 'pods' && selectsPod(peer, namespace, pod));
}

/** Of the pods that the rule may name. */
export function anchorsOf(rule: Rule, namespace: string): readonly string[] {
  if (rule.peers === undefined) return namesPorts(rule) ? [anyPod] : [];
  return rule.peers.filter(peer => peer.is === 'pods').map(peer => peerAnchor(namespace, peer));
}
