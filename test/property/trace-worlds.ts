import fc from 'fast-check';
import type { NetworkPolicy, NetworkPolicyPeer } from '../../src/kube/types/networking.ts';
import { policy } from '../../src/insight/trace/testing/shop.ts';

/** Policies for the pods of the shop, of which many just match. */
const namespaces = ['shop', 'data'] as const;
const selector = fc.constantFrom('web', 'api', 'db').map(app => ({ matchLabels: { app } }));

const peer = fc.oneof(
  selector.map((podSelector): NetworkPolicyPeer => ({ podSelector })),
  fc.constantFrom(...namespaces).map((name): NetworkPolicyPeer => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  })),
  fc
    .constantFrom('10.244.1.0/24', '10.244.2.12/32', '0.0.0.0/0', 'fd00:10:244:2::/64')
    .map((cidr): NetworkPolicyPeer => ({ ipBlock: { cidr } })),
);
const ports = fc.constantFrom([], [{ port: 8080 }], [{ port: 'http' }], [{ port: 80, endPort: 8090 }]);
const rules = fc.array(fc.record({ peers: fc.array(peer, { maxLength: 2 }), ports }), { maxLength: 2 });

export const worldPolicies: fc.Arbitrary<readonly NetworkPolicy[]> = fc
  .array(
    fc.record({
      namespace: fc.constantFrom(...namespaces),
      podSelector: fc.oneof(fc.constant({}), selector),
      types: fc.constantFrom(['Ingress'] as const, ['Egress'] as const, ['Ingress', 'Egress'] as const),
      ingress: rules,
      egress: rules,
    }),
    { maxLength: 4 },
  )
  .map(specs =>
    specs.map(({ egress, ingress, namespace, podSelector, types }, index) =>
      policy(`${namespace}/policy-${index}`, {
        podSelector,
        policyTypes: types,
        ingress: ingress.map(({ peers, ports: own }) => ({ from: peers, ports: own })),
        egress: egress.map(({ peers, ports: own }) => ({ to: peers, ports: own })),
      }),
    ),
  );

/** Pods besides those of the shop. */
export const worldPods: fc.Arbitrary<readonly string[]> = fc.uniqueArray(
  fc.constantFrom('shop/web-1x-1', 'data/api-9-2', 'shop/other-2'),
  { maxLength: 2 },
);
