import type { ParentReference } from '../../../../kube/types/gateway-routes.ts';
import type { Gateway, Listener, ListenerSet, ReferenceGrant } from '../../../../kube/types/gateway.ts';
import type { Certificate } from '../servers.ts';
import type { ListenerKey } from './host-routes.ts';
import { slugOf } from './names.ts';
import type { Target } from './target.ts';

/** The API's bound on listeners of one Gateway and of one ListenerSet. */
const mostListeners = 64;

/** A listener that is wanted, and the certificate that it serves. */
export interface WantedListener {
  readonly key: ListenerKey;
  readonly host: string;
  /** `namespace/name` of a Secret; absent: plain HTTP, or TLS that passes. */
  readonly certificate?: { readonly namespace: string; readonly name: string };
}

export interface Gateways {
  readonly gateways: readonly Gateway[];
  readonly sets: readonly ListenerSet[];
  readonly grants: readonly ReferenceGrant[];
  parentsOf(key: ListenerKey, namespace: string): readonly ParentReference[];
}

interface Placement {
  readonly kind: 'Gateway' | 'ListenerSet';
  readonly namespace: string;
  readonly name: string;
  readonly section: string;
}

/**
 * All listeners on as few Gateways as there can be. A class with ListenerSets gets those of other namespaces' certificates
 * where their Secrets are; else a grant lets the Gateway read each Secret.
 */
export function gatewaysOf(
  wanted: readonly WantedListener[],
  target: Target,
  namespace: string,
  name: string,
): Gateways {
  const placed = new Map<ListenerKey, Placement>();
  const gateways: { readonly name: string; readonly passes: boolean; readonly listeners: Listener[] }[] = [];
  const sets = new Map<
    string,
    { readonly namespace: string; readonly name: string; readonly listeners: Listener[] }
  >();
  const granted = new Map<string, Set<string>>();
  const hasSets = target.features.has('ListenerSet');
  const onGateway = (one: WantedListener): void => {
    // Not every class lets TLS that passes and TLS that ends share a port.
    const passes = one.key.startsWith('tls:');
    let gateway = gateways.find(own => own.passes === passes && own.listeners.length < mostListeners);
    if (gateway === undefined)
      gateways.push(
        (gateway = {
          passes,
          name: gatewayName(name, passes, gateways.filter(own => own.passes === passes).length),
          listeners: [],
        }),
      );
    const section = sectionOf(one.key);
    gateway.listeners.push(listenerOf(one, section, namespace));
    placed.set(one.key, { kind: 'Gateway', namespace, name: gateway.name, section });
    if (one.certificate !== undefined && one.certificate.namespace !== namespace)
      granted.set(
        one.certificate.namespace,
        (granted.get(one.certificate.namespace) ?? new Set()).add(one.certificate.name),
      );
  };
  const inSet = (one: WantedListener, home: string): void => {
    let number = 1;
    const keyAt = (at: number) => `${home} ${at}`;
    while ((sets.get(keyAt(number))?.listeners.length ?? 0) >= mostListeners) number++;
    const set = sets.get(keyAt(number)) ?? {
      namespace: home,
      name: number === 1 ? name : `${name}-${number}`,
      listeners: [],
    };
    sets.set(keyAt(number), set);
    const section = sectionOf(one.key);
    set.listeners.push(listenerOf(one, section, home));
    placed.set(one.key, { kind: 'ListenerSet', namespace: home, name: set.name, section });
  };
  for (const one of wanted) {
    const home = one.certificate?.namespace ?? namespace;
    const isFull = (gateways.find(({ passes }) => !passes)?.listeners.length ?? 0) >= mostListeners;
    if (hasSets && !one.key.startsWith('tls:') && (home !== namespace || isFull)) inSet(one, home);
    else onGateway(one);
  }
  const homes = [...new Set([...sets.values()].map(set => set.namespace))].toSorted();
  return {
    gateways: gateways.map(({ listeners, name: own }) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: { name: own, namespace },
      spec: {
        gatewayClassName: target.className,
        ...(own === name && homes.length > 0 ? { allowedListeners: { namespaces: among(homes) } } : {}),
        listeners,
      },
    })),
    sets: [...sets.values()]
      .toSorted((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1))
      .map(set => ({
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'ListenerSet',
        metadata: { name: set.name, namespace: set.namespace },
        spec: { parentRef: { name, namespace }, listeners: set.listeners },
      })),
    grants: [...granted]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([home, names]) =>
        grant(
          home,
          `${name}-certificates`,
          { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace },
          [...names].toSorted().map(secret => ({ group: '', kind: 'Secret', name: secret })),
        ),
      ),
    parentsOf: (key, from) => {
      const place = placed.get(key);
      if (place === undefined) return [];
      return [
        {
          ...(place.kind === 'Gateway' ? {} : { kind: place.kind }),
          name: place.name,
          ...(place.namespace === from ? {} : { namespace: place.namespace }),
          sectionName: place.section,
        },
      ];
    },
  };
}

export const grant = (
  namespace: string,
  name: string,
  from: ReferenceGrant['spec']['from'][number],
  to: ReferenceGrant['spec']['to'],
): ReferenceGrant => ({
  apiVersion: 'gateway.networking.k8s.io/v1beta1',
  kind: 'ReferenceGrant',
  metadata: { name, namespace },
  spec: { from: [from], to },
});

const among = (namespaces: readonly string[]) => ({
  from: 'Selector' as const,
  selector: {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In' as const, values: namespaces }],
  },
});

const gatewayName = (name: string, passes: boolean, before: number): string =>
  [name, ...(passes ? ['passthrough'] : []), ...(before === 0 ? [] : [before + 1])].join('-');

/** A listener's name: at most 253 characters, with the host's where it has one. */
function sectionOf(key: ListenerKey): string {
  if (key === 'http') return 'http';
  const colon = key.indexOf(':');
  const [protocol, host] = [key.slice(0, colon), key.slice(colon + 1)];
  return host === '' ? protocol : `${protocol}-${slugOf(host)}`.slice(0, 253);
}

function listenerOf({ certificate, host, key }: WantedListener, name: string, home: string): Listener {
  const allowedRoutes = { namespaces: { from: 'All' as const } };
  const hostname = host === '' ? {} : { hostname: host };
  if (key === 'http') return { name, port: 80, protocol: 'HTTP', allowedRoutes };
  if (key.startsWith('tls:'))
    return { name, ...hostname, port: 443, protocol: 'TLS', tls: { mode: 'Passthrough' }, allowedRoutes };
  return {
    name,
    ...hostname,
    port: 443,
    protocol: 'HTTPS',
    tls: {
      mode: 'Terminate',
      certificateRefs:
        certificate === undefined
          ? []
          : [
              {
                name: certificate.name,
                ...(certificate.namespace === home ? {} : { namespace: certificate.namespace }),
              },
            ],
    },
    allowedRoutes,
  };
}

/** Where the certificate of a host is; undefined where the controller serves its default one. */
export const certificateOf = (
  certificate: Certificate | undefined,
  fallback: WantedListener['certificate'],
): WantedListener['certificate'] =>
  certificate?.secretName === undefined
    ? fallback
    : { namespace: certificate.ingress.namespace, name: certificate.secretName };
