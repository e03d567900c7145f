import type { Secret } from '../../kube/types/config.ts';
import type { IngressClass } from '../../kube/types/networking.ts';
import { COMPONENT, controlSecretOf, objectsOf } from '../compile-proxy-objects.ts';
import type { ProxyObjects, ProxyPlan } from '../compile-proxy-objects.ts';
import { INGRESS_CLASS_LABEL, INGRESS_NAMESPACE, ingressKey } from './model.ts';

/** A Service's name, and a label's value, may be as long as this. */
const LONGEST_NAME = 63;

/** Of everything that is made for a class, and the value of its label. `digest` gives hexadecimal digits. */
export function ingressName(className: string, digest: (text: string) => string): string {
  const plain = `ingress-${className}`;
  if (plain.length <= LONGEST_NAME && /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(plain)) return plain;
  return `ingress-${digest(className).slice(0, 10)}`;
}

/** What serves the Ingresses of a class: proxies for all of them, behind one load balancer. */
export const ingressObjects = (
  ingressClass: IngressClass,
  options: {
    readonly image: string;
    readonly replicas: number;
    readonly digest: (text: string) => string;
  },
): ProxyObjects => objectsOf(planOf(ingressClass, options.digest), options);

/** The key with which the agent of a proxy's node and the proxy know each other. */
export const ingressControlSecret = (
  ingressClass: IngressClass,
  key: string,
  digest: (text: string) => string,
): Secret => controlSecretOf(planOf(ingressClass, digest), key);

function planOf({ metadata }: IngressClass, digest: (text: string) => string): ProxyPlan {
  const name = ingressName(metadata.name, digest);
  return {
    owner: {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'IngressClass',
      name: metadata.name,
      uid: metadata.uid ?? '',
      controller: true,
      blockOwnerDeletion: true,
    },
    serves: ingressKey(metadata.name),
    namespace: INGRESS_NAMESPACE,
    name,
    selector: { [INGRESS_CLASS_LABEL]: name, ...COMPONENT },
    labels: {},
    wanted: { annotations: {}, labels: {} },
    ports: [
      { name: 'http', protocol: 'TCP', port: 80, targetPort: 80 },
      { name: 'https', protocol: 'TCP', port: 443, targetPort: 443 },
    ],
    addresses: [],
  };
}
