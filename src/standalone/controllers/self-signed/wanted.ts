import type { Gateway, Listener } from '../../../kube/types/gateway.ts';
import { SELF_SIGNED_ANNOTATION } from '../names.ts';

/** A Secret that Gateways ask for. */
export interface WantedSecret {
  readonly namespace: string;
  readonly name: string;
  /** Sorted, each once. */
  readonly hostnames: readonly string[];
  /** Those that ask: with the last of them the Secret goes. */
  readonly gateways: readonly Gateway[];
}

/** What a listener without a hostname is certified for: there is no name that it could claim. */
const NO_NAME = 'localhost';

/** The Secrets, by `namespace/name`, that the listeners of annotated Gateways name in their own namespace. */
export function wantedSecrets(gateways: readonly Gateway[]): ReadonlyMap<string, WantedSecret> {
  const wanted = new Map<string, WantedSecret>();
  for (const gateway of gateways) {
    const { annotations, deletionTimestamp, namespace = '' } = gateway.metadata;
    if (annotations?.[SELF_SIGNED_ANNOTATION] !== 'true' || deletionTimestamp !== undefined) continue;
    for (const listener of gateway.spec.listeners) {
      for (const name of secretNamesOf(listener, namespace)) {
        const key = `${namespace}/${name}`;
        const before = wanted.get(key);
        const hostnames = new Set([
          ...(before?.hostnames ?? []),
          listener.hostname?.toLowerCase() ?? NO_NAME,
        ]);
        wanted.set(key, {
          namespace,
          name,
          hostnames: [...hostnames].sort(),
          gateways: [...new Set([...(before?.gateways ?? []), gateway])],
        });
      }
    }
  }
  return wanted;
}

/** Another namespace's Secret is that namespace's business. */
function secretNamesOf({ tls }: Listener, namespace: string): readonly string[] {
  if (tls === undefined || tls.mode === 'Passthrough') return [];
  return (tls.certificateRefs ?? [])
    .filter(({ group = '', kind = 'Secret' }) => group === '' && kind === 'Secret')
    .filter(reference => (reference.namespace ?? namespace) === namespace)
    .map(reference => reference.name);
}
