import assert from 'node:assert/strict';
import { parseAddress } from '../../base/ip.ts';
import type { Address } from '../../base/ip.ts';
import type { ContainerPort } from '../../kube/types/core.ts';
import type { NetworkPolicySpec } from '../../kube/types/networking.ts';
import type { Pod } from '../../kube/types/pod.ts';
import { compileModel, readPod } from '../compile-model.ts';
import { readPolicy } from '../compile-policy.ts';
import { decide } from '../decide.ts';
import type { Flow, Verdict } from '../decide.ts';

/** Pods of the world that all cases share, with their places in it. */
export interface Place {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
  readonly node?: string;
  readonly hostNetwork?: boolean;
  readonly phase?: 'Running' | 'Succeeded' | 'Failed' | 'Pending';
  readonly ports?: readonly ContainerPort[];
}

export const places: Readonly<Record<string, Place>> = {
  web: { namespace: 'shop', labels: { app: 'web', tier: 'front' }, addresses: ['10.244.1.1', 'fd00::1:1'] },
  api: {
    namespace: 'shop',
    labels: { app: 'api' },
    addresses: ['10.244.1.2', 'fd00::1:2'],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
    ],
  },
  other: {
    namespace: 'data',
    labels: { app: 'web' },
    addresses: ['10.244.2.1', 'fd00::2:1'],
    node: 'node-2',
    ports: [{ name: 'http', containerPort: 9090 }],
  },
  host: { namespace: 'shop', labels: { app: 'web' }, addresses: ['172.30.0.1'], hostNetwork: true },
  ended: { namespace: 'shop', labels: { app: 'web' }, addresses: ['10.244.1.9'], phase: 'Succeeded' },
};
const namespaceLabels: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  shop: { 'kubernetes.io/metadata.name': 'shop', team: 'a' },
  data: { 'kubernetes.io/metadata.name': 'data' },
};
const nodes = [
  { name: 'node-1', labels: { role: 'edge' }, addresses: [at('172.30.0.1'), at('fd00:172:30::1')] },
  { name: 'node-2', labels: {}, addresses: [at('172.30.0.2')] },
];

export function at(text: string): Address {
  const address = parseAddress(text);
  assert.ok(address, text);
  return address;
}

export function podOf(name: string, place: Place): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: place.namespace, labels: place.labels, uid: name },
    spec: {
      nodeName: place.node ?? 'node-1',
      ...(place.hostNetwork === true ? { hostNetwork: true } : {}),
      containers: [{ name: 'main', image: 'echo', ports: place.ports ?? [] }],
    },
    status: { phase: place.phase ?? 'Running', podIPs: place.addresses.map(ip => ({ ip })) },
  };
}

export type Spec = NetworkPolicySpec & { readonly namespace?: string };

export function modelOf(specs: readonly Spec[], changed: Readonly<Record<string, Place>> = {}) {
  return compileModel({
    pods: Object.entries({ ...places, ...changed })
      .map(([name, place]) => readPod(podOf(name, place), namespaceLabels[place.namespace] ?? {}))
      .filter(pod => pod !== undefined),
    policies: specs.map(({ namespace = 'shop', ...spec }, index) => {
      const metadata = { namespace, name: `p${index}`, uid: `u${index}`, generation: 3 };
      return readPolicy({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata, spec });
    }),
    nodes,
  });
}

export const addressOf = (who: string, family: 0 | 1): Address => at(places[who]?.addresses[family] ?? who);

interface Ask {
  readonly family?: 0 | 1;
  readonly protocol?: Flow['protocol'];
  readonly port?: number | undefined;
  readonly pods?: Readonly<Record<string, Place>>;
  readonly hairpin?: boolean;
}

export function ask(specs: readonly Spec[], from: string, to: string, how: Ask = {}): Verdict {
  const { family = 0, protocol = 'TCP', pods, hairpin } = how;
  const port = 'port' in how ? how.port : 80;
  return decide(modelOf(specs, pods), {
    source: addressOf(from, family),
    destination: addressOf(to, family),
    protocol,
    ...(port === undefined ? {} : { port }),
    ...(hairpin === undefined ? {} : { hairpin }),
  });
}

export const allows = (specs: readonly Spec[], from: string, to: string, how?: Ask): boolean =>
  ask(specs, from, to, how).allowed;

export const toApi = { podSelector: { matchLabels: { app: 'api' } } };
export const denyIn: Spec = { podSelector: {}, policyTypes: ['Ingress'] };
export const denyOut: Spec = { podSelector: {}, policyTypes: ['Egress'] };
export const fromWeb = { from: [{ podSelector: { matchLabels: { app: 'web' } } }] };
