import type { NetworkPolicy } from '../../src/kube/types/networking.ts';
import type { Pod } from '../../src/kube/types/pod.ts';

/** Pods of one node; two of them have namespaces and cables, the others addresses alone. */
export const podCount = 500;
export const clientPod = 0;
export const serverPod = 250;
/** What the client may open at the server, whatever else there is. */
export const openPort = 9000;
export const namespace = 'bench';

export interface PolicyFacts {
  readonly name: string;
  /** Index of the pod that it selects. */
  readonly subject: number;
  /** Index of the pod that it lets in. */
  readonly peer: number;
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  /** What the client may open at the server has TCP, too. */
  readonly isOpen: boolean;
  /** One of ten has an address block and a range of ports as well. */
  readonly block?: { readonly cidr: string; readonly from: number; readonly to: number };
}

/** The same facts for us and for the peer: every pod is selected by as many policies as every other. */
export function policyFacts(count: number): readonly PolicyFacts[] {
  return Array.from({ length: count }, (_, index): PolicyFacts => {
    // The first is for the server, so that it is isolated however few there are.
    const subject = (index + serverPod) % podCount;
    const opens = subject === serverPod && index < podCount;
    return {
      name: `p${index}`,
      subject,
      peer: opens ? clientPod : (index * 7 + 1) % podCount,
      protocol: opens ? 'UDP' : 'TCP',
      port: opens ? openPort : 1000 + (index % 50),
      isOpen: opens,
      ...(index % 10 === 9
        ? { block: { cidr: `172.16.${index % 250}.0/24`, from: 2000, to: 2000 + (index % 100) } }
        : {}),
    };
  });
}

export const labelsOf = (pod: number) => ({ app: `app-${pod}` });

export function policyOf({ block, isOpen, name, peer, port, protocol, subject }: PolicyFacts): NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { namespace, name, uid: name, generation: 1 },
    spec: {
      podSelector: { matchLabels: labelsOf(subject) },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [{ podSelector: { matchLabels: labelsOf(peer) } }],
          ports: [{ protocol, port }, ...(isOpen ? [{ port }] : [])],
        },
        ...(block === undefined
          ? []
          : [
              {
                from: [{ ipBlock: { cidr: block.cidr } }],
                ports: [{ protocol: 'TCP' as const, port: block.from, endPort: block.to }],
              },
            ]),
      ],
    },
  };
}

export function podOf(index: number, address: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name: `pod-${index}`, uid: `pod-${index}`, labels: labelsOf(index) },
    spec: { nodeName: 'node-1', containers: [] },
    status: { podIPs: [{ ip: address }] },
  };
}

/** `wired` are the addresses of the client and of the server. */
export function addressOf(index: number, wired: readonly [client: string, server: string]): string {
  if (index === clientPod) return wired[0];
  if (index === serverPod) return wired[1];
  return `10.245.${index >> 8}.${index & 255}`;
}
