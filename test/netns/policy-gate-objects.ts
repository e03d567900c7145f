import type { NetworkPolicy } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';

/** Nothing may leave a pod of the namespace. */
export const denyEgress: NetworkPolicy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { namespace: 'default', name: 'deny', uid: 'deny', generation: 1 },
  spec: { podSelector: {}, policyTypes: ['Egress'] },
};

/** A pod that is let in; the version at which it was seen is 5. */
export function podObject(name: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, uid: name, resourceVersion: '5' },
    spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'echo' }] },
  };
}
