import type { ApiObject, Fields } from '../object.ts';
import { isFields, valueAt } from '../object.ts';
import type { User } from '../request.ts';
import type { Store } from '../store/store.ts';
import type { Attributes, Authorizer, Rule, Verdict } from './attributes.ts';

/** Group and name of an agent's certificate: `fairlead:agent:node-1`. */
const AGENTS = 'fairlead:agents';
const AGENT = 'fairlead:agent:';
const READING = ['get', 'list', 'watch'];

const PROXY_LABEL = 'app.kubernetes.io/name';
const PROXY = 'fairlead-proxy';
const GATEWAY_LABEL = 'gateway.networking.k8s.io/gateway-name';
const GATEWAY_GROUP = 'gateway.networking.k8s.io';
/** Longer names stand in labels as a digest. */
const LONGEST_LABEL = 63;

/**
 * Beside what roles say: the agent of a node may read a Secret, by its name alone, that a Gateway (or an Ingress) names
 * whose proxy runs on that node, or that such a proxy itself is given. It is to agents what the Node authorizer is to kubelets.
 */
export class AgentSecrets implements Authorizer {
  readonly #roles: Authorizer;
  readonly #store: Store;

  constructor(roles: Authorizer, store: Store) {
    this.#roles = roles;
    this.#store = store;
  }

  decide(user: User, attributes: Attributes): Verdict {
    const verdict = this.#roles.decide(user, attributes);
    if (verdict.allowed || !isSecretByName(attributes) || !isAgent(user)) return verdict;
    const { namespace, name } = attributes;
    const node = user.name.slice(AGENT.length);
    if (!this.#namesSecret(node, namespace, name)) return verdict;
    return { allowed: true, reason: `a Gateway on node ${JSON.stringify(node)} names the Secret` };
  }

  rulesOf(user: User, namespace: string): readonly Rule[] {
    return this.#roles.rulesOf(user, namespace);
  }

  #namesSecret(node: string, namespace: string, name: string): boolean {
    const proxies = this.#objects('/pods').filter(
      pod => pod.metadata.labels?.[PROXY_LABEL] === PROXY && valueAt(pod, ['spec', 'nodeName']) === node,
    );
    const wanted = `${namespace}/${name}`;
    if (proxies.some(pod => secretsNamed(pod['spec'], pod.metadata.namespace).has(wanted))) {
      return true;
    }
    const gateways = this.#objects(`${GATEWAY_GROUP}/gateways`).filter(gateway =>
      proxies.some(pod => isProxyOf(pod, gateway)),
    );
    const sets = this.#objects(`${GATEWAY_GROUP}/listenersets`).filter(set =>
      gateways.some(gateway => isAttached(set, gateway)),
    );
    // A proxy that is no Gateway's is the one that serves Ingresses.
    const isIngress = proxies.some(pod => !gateways.some(gateway => isProxyOf(pod, gateway)));
    const ingresses = isIngress ? this.#objects('networking.k8s.io/ingresses') : [];
    return [...gateways, ...sets, ...ingresses].some(object =>
      secretsNamed(object['spec'], object.metadata.namespace).has(wanted),
    );
  }

  #objects(storage: string): readonly ApiObject[] {
    return (this.#store.list(storage, '')?.entries ?? []).map(({ object }) => object);
  }
}

const isAgent = ({ name, groups }: User): boolean => groups.includes(AGENTS) && name.startsWith(AGENT);

function isSecretByName(attributes: Attributes): attributes is Attributes & { readonly is: 'resource' } {
  return (
    attributes.is === 'resource' &&
    attributes.group === '' &&
    attributes.resource === 'secrets' &&
    READING.includes(attributes.verb) &&
    attributes.namespace !== '' &&
    attributes.name !== ''
  );
}

function isProxyOf(pod: ApiObject, { metadata }: ApiObject): boolean {
  const { name = '', namespace } = metadata;
  const label = pod.metadata.labels?.[GATEWAY_LABEL] ?? '';
  if (pod.metadata.namespace !== namespace || label === '') return false;
  return name.length > LONGEST_LABEL || name === label;
}

/** A ListenerSet brings listeners to the Gateway that it names as its parent. */
function isAttached(set: ApiObject, gateway: ApiObject): boolean {
  const parent = valueAt(set, ['spec', 'parentRef']);
  if (!isFields(parent)) return false;
  const namespace = parent['namespace'] ?? set.metadata.namespace;
  return parent['name'] === gateway.metadata.name && namespace === gateway.metadata.namespace;
}

/** Secrets that a specification names, as `namespace/name`: `certificateRefs`, `clientCertificateRef`, volumes, an Ingress' `tls`. */
function secretsNamed(spec: unknown, own = ''): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (value: unknown, field: string): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, field);
      return;
    }
    if (!isFields(value)) return;
    if (/certificateRefs?$/i.test(field)) addReference(value);
    const { secretName } = value;
    if (['secret', 'tls'].includes(field) && typeof secretName === 'string')
      found.add(`${own}/${secretName}`);
    for (const [name, inner] of Object.entries(value)) visit(inner, name);
  };
  const addReference = ({ group = '', kind = 'Secret', name, namespace = own }: Fields) => {
    if (group !== '' || kind !== 'Secret' || typeof name !== 'string') return;
    if (typeof namespace === 'string') found.add(`${namespace}/${name}`);
  };
  visit(spec, '');
  return found;
}
