import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { sentenceOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { WorkQueue } from '../../base/work-queue.ts';
import { createCertificateReader } from '../../gateway/certificate.ts';
import { KEY_BYTES, KEY_NAME } from '../../gateway/channel.ts';
import { controlNameOf } from '../../gateway/compile-proxy-objects.ts';
import {
  ingressControlSecret,
  ingressName,
  ingressObjects,
} from '../../gateway/ingress/compile-ingress-objects.ts';
import { compileIngresses } from '../../gateway/ingress/compile-ingress.ts';
import {
  INGRESS_CLASS_LABEL,
  INGRESS_CONTROLLER,
  INGRESS_NAMESPACE,
  classNameOf,
  isOurIngressClass,
  secretsOfIngress,
  servicesOfIngress,
} from '../../gateway/ingress/model.ts';
import { isAlreadyExists, isConflict, isNotFound } from '../../kube/client.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { Informer } from '../../kube/informer.ts';
import type { Change, InformerOptions } from '../../kube/informer.ts';
import {
  DEPLOYMENTS,
  INGRESSES,
  INGRESS_CLASSES,
  SECRETS,
  SERVICES,
  SERVICE_ACCOUNTS,
  keyOf,
  parseKey,
} from '../../kube/resources.ts';
import type { Resource } from '../../kube/resources.ts';
import type { Secret } from '../../kube/types/config.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import type { Ingress, IngressClass, IngressStatus } from '../../kube/types/networking.ts';
import type { Service } from '../../kube/types/service.ts';
import { keepObject } from '../gateways/keep-object.ts';
import { unsupportedAnnotations } from './unsupported-annotations.ts';

export interface IngressLoopOptions {
  readonly client: KubeClient;
  /** Of all namespaces, started by the caller. */
  readonly services: Informer<Service>;
  /** Of type kubernetes.io/tls, started by the caller. */
  readonly certificates: Informer<Secret>;
  readonly events: EventRecorder;
  /** Of the proxies' containers. */
  readonly image: string;
  /** Proxies of a new class; afterwards people may scale them. */
  readonly replicas: number;
  readonly clock: Clock;
  readonly log: Log;
}

type Key = `class/${string}` | `ingress/${string}`;

/** The class that is made where nobody has made it. */
const CLASS_NAME = 'fairlead';
/** An Event's note has room for so many. */
const MOST_TOLD = 8;

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * ```
 *   IngressClasses, Ingresses ─┐           ┌─▶ per class that is used: ServiceAccount, Secret, Service, Deployment of proxies
 *   Services, Secrets ─────────┼─▶ queue ──┤
 *   Deployments ───────────────┘           └─▶ Ingress.status.loadBalancer, Events
 * ```
 *
 * The proxies of a class serve all of its Ingresses. What they are told is the agents' affair.
 */
export class IngressLoop {
  readonly #options: IngressLoopOptions;
  readonly #classes: Informer<IngressClass>;
  readonly #ingresses: Informer<Ingress>;
  readonly #deployments;
  readonly #serviceAccounts;
  readonly #controlSecrets;
  readonly #queue: WorkQueue<Key>;
  readonly #certificate = createCertificateReader();
  /** What people were told of an Ingress, so that it is told once. */
  readonly #told = new Map<string, string>();
  /** Addresses that an Ingress of ours has in its status, as text. */
  readonly #addressed = new Map<string, string>();

  constructor(options: IngressLoopOptions) {
    const { client, clock, log } = options;
    this.#options = options;
    const follow = <T extends KubeObject>(resource: Resource<T>, more: InformerOptions<T> = {}) =>
      new Informer(client, resource, { clock, log, ...more });
    this.#classes = follow(INGRESS_CLASSES);
    this.#ingresses = follow(INGRESSES, {
      indexes: {
        class: one => [classNameOf(one) ?? ''],
        service: servicesOfIngress,
        secret: secretsOfIngress,
      },
    });
    const own = { namespace: INGRESS_NAMESPACE, labelSelector: INGRESS_CLASS_LABEL };
    this.#deployments = follow(DEPLOYMENTS, own);
    this.#serviceAccounts = follow(SERVICE_ACCOUNTS, own);
    this.#controlSecrets = follow(SECRETS, own);
    this.#queue = new WorkQueue<Key>(key => this.#handle(key), {
      clock,
      concurrency: 4,
      onError: (key, error, retryInMilliseconds) => {
        if (isConflict(error)) return; // someone wrote it meanwhile; it is done again
        log.warn(
          { key, retryInMilliseconds, reason: sentenceOf(error) },
          'an Ingress, or the proxies of a class, could not be brought to what they are to be',
        );
      },
    });
  }

  /** Resolves when what is there was seen; runs until the signal is aborted. */
  async start(signal: AbortSignal): Promise<void> {
    const { certificates, services } = this.#options;
    const own = [
      this.#classes,
      this.#ingresses,
      this.#deployments,
      this.#serviceAccounts,
      this.#controlSecrets,
    ];
    for (const informer of own) informer.start(signal);
    await Promise.all([...own, services, certificates].map(informer => informer.synced));
    const owned = (change: Change<KubeObject>) => this.#ownedChanged(change);
    const ends = [
      this.#classes.onChange(({ before, after }) => {
        const { name = '' } = (after ?? before)?.metadata ?? {};
        this.#queue.add(`class/${name}`);
        for (const ingress of this.#ingresses.cache.by('class', name))
          this.#queue.add(`ingress/${keyOf(ingress)}`);
      }),
      this.#ingresses.onChange(({ before, after }) => {
        for (const one of [before, after]) {
          if (one === undefined) continue;
          this.#queue.add(`ingress/${keyOf(one)}`);
          this.#queue.add(`class/${classNameOf(one) ?? ''}`);
        }
      }),
      this.#deployments.onChange(owned),
      this.#serviceAccounts.onChange(owned),
      this.#controlSecrets.onChange(owned),
      services.onChange(change => {
        owned(change);
        this.#referredChanged('service', change);
      }),
      certificates.onChange(change => this.#referredChanged('secret', change)),
    ];
    this.#queue.add(`class/${CLASS_NAME}`);
    const stop = () => {
      for (const end of ends) end();
      void this.#queue.close();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  /** An object of proxies: its class is looked at, and, as the load balancer's addresses stand in it, its Ingresses. */
  #ownedChanged({ before, after }: Change<KubeObject>): void {
    const owner = (after ?? before)?.metadata.ownerReferences?.find(({ kind }) => kind === 'IngressClass');
    if (owner === undefined) return;
    this.#queue.add(`class/${owner.name}`);
    for (const ingress of this.#ingresses.cache.by('class', owner.name))
      this.#queue.add(`ingress/${keyOf(ingress)}`);
  }

  #referredChanged(index: 'service' | 'secret', { before, after }: Change<KubeObject>): void {
    const object = after ?? before;
    if (object === undefined) return;
    for (const ingress of this.#ingresses.cache.by(index, keyOf(object)))
      this.#queue.add(`ingress/${keyOf(ingress)}`);
  }

  #handle(key: Key): Promise<void> {
    const slash = key.indexOf('/');
    const name = key.slice(slash + 1);
    return key.startsWith('class/') ? this.#keepClass(name) : this.#keepIngress(name);
  }

  async #keepClass(name: string): Promise<void> {
    const present = this.#classes.cache.get(name);
    if (present === undefined) {
      if (name === CLASS_NAME) await this.#makeClass();
      return;
    }
    if (present.metadata.deletionTimestamp !== undefined) return;
    const isUsed = isOurIngressClass(present) && this.#ingresses.cache.by('class', name).length > 0;
    await (isUsed ? this.#keepProxies(present) : this.#removeProxies(present));
  }

  async #makeClass(): Promise<void> {
    await this.#options.client
      .create(INGRESS_CLASSES, {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'IngressClass',
        metadata: { name: CLASS_NAME },
        spec: { controller: INGRESS_CONTROLLER },
      })
      .catch((error: unknown) => {
        if (!isAlreadyExists(error)) throw error;
      });
  }

  async #keepProxies(ingressClass: IngressClass): Promise<void> {
    const { client, events, image, replicas, services } = this.#options;
    const key = this.#proxiesOf(ingressClass.metadata.name);
    const deployment = this.#deployments.cache.get(key);
    const secret = this.#controlSecrets.cache.get(controlNameOf(key));
    // How many there are is decided once: people and autoscalers have the word afterwards.
    const now = deployment?.spec.replicas ?? replicas;
    const desired = ingressObjects(ingressClass, { image, replicas: now, digest });
    const known = secret?.data?.[KEY_NAME] ?? '';
    const isKey = Buffer.from(known, 'base64').length === KEY_BYTES;
    const value = isKey ? known : randomBytes(KEY_BYTES).toString('base64');
    const control = ingressControlSecret(ingressClass, value, digest);
    try {
      await keepObject(
        client,
        SERVICE_ACCOUNTS,
        this.#serviceAccounts.cache.get(key),
        desired.serviceAccount,
      );
      await keepObject(client, SECRETS, secret, control);
      await keepObject(client, SERVICES, services.cache.get(key), desired.service);
      await keepObject(client, DEPLOYMENTS, deployment, desired.deployment);
    } catch (error) {
      // It is tried again; people hear of what does not pass by itself.
      if (!isConflict(error) && !isNotFound(error))
        events.record(ingressClass, { type: 'Warning', reason: 'NoResources', note: sentenceOf(error) });
      throw error;
    }
  }

  /** A class that nobody uses, or that became another's, has no proxies of ours. */
  async #removeProxies({ metadata }: IngressClass): Promise<void> {
    const key = this.#proxiesOf(metadata.name);
    const remove = async <T extends KubeObject>(resource: Resource<T>, object: T | undefined) => {
      const isOwn = object?.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid) === true;
      if (object === undefined || !isOwn) return;
      const { uid } = object.metadata;
      await this.#options.client
        .delete(resource, parseKey(keyOf(object)), {
          propagationPolicy: 'Background',
          ...(uid === undefined ? {} : { preconditions: { uid } }),
        })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    };
    await remove(DEPLOYMENTS, this.#deployments.cache.get(key));
    await remove(SERVICES, this.#options.services.cache.get(key));
    await remove(SECRETS, this.#controlSecrets.cache.get(controlNameOf(key)));
    await remove(SERVICE_ACCOUNTS, this.#serviceAccounts.cache.get(key));
  }

  async #keepIngress(key: string): Promise<void> {
    const ingress = this.#ingresses.cache.get(key);
    const className = ingress && classNameOf(ingress);
    const ingressClass = this.#classes.cache.get(className ?? '');
    if (ingress === undefined || ingressClass === undefined || !isOurIngressClass(ingressClass)) {
      this.#told.delete(key);
      await this.#leaveIngress(key, ingress);
      return;
    }
    this.#tell(key, ingress, ingressClass);
    const proxies = this.#options.services.cache.get(this.#proxiesOf(ingressClass.metadata.name));
    // Somebody else may have a Service of that name.
    const isOwn = proxies?.metadata.ownerReferences?.some(({ uid }) => uid === ingressClass.metadata.uid);
    const addresses = (isOwn === true ? (proxies?.status?.loadBalancer?.ingress ?? []) : []).map(
      ({ hostname, ip }) => ({
        ...(ip === undefined ? {} : { ip }),
        ...(hostname === undefined ? {} : { hostname }),
      }),
    );
    const status: IngressStatus = { loadBalancer: addresses.length === 0 ? {} : { ingress: addresses } };
    this.#addressed.set(key, JSON.stringify(status.loadBalancer));
    if (JSON.stringify(ingress.status?.loadBalancer ?? {}) === JSON.stringify(status.loadBalancer)) return;
    await this.#writeStatus(ingress, status);
  }

  /** Addresses of ours do not stay with what is another's, or nobody's; those that another wrote do. */
  async #leaveIngress(key: string, ingress: Ingress | undefined): Promise<void> {
    const written = this.#addressed.get(key);
    if (ingress !== undefined && written !== undefined && written !== '{}') {
      const { loadBalancer = {} } = ingress.status ?? {};
      if (JSON.stringify(loadBalancer) === written) await this.#writeStatus(ingress, { loadBalancer: {} });
    }
    this.#addressed.delete(key);
  }

  async #writeStatus(ingress: Ingress, status: IngressStatus): Promise<void> {
    await this.#options.client
      .update(INGRESSES, { ...ingress, status }, { subresource: 'status' })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  }

  /** Events of what cannot be followed, each time that it is something else. */
  #tell(key: string, ingress: Ingress, ingressClass: IngressClass): void {
    const { certificates, events, services } = this.#options;
    const { problems } = compileIngresses(ingressClass, [ingress], {
      service: service => services.cache.get(service),
      secret: secret => certificates.cache.get(secret),
      certificate: this.#certificate,
    });
    const notes = [
      ...problems.slice(0, MOST_TOLD).map(({ provenance, sentence }) => ({
        reason: 'NotServed',
        note: `${provenance.field}: ${sentence}`,
      })),
      ...unsupportedAnnotations(ingress),
    ];
    const told = JSON.stringify(notes);
    if (this.#told.get(key) === told || (notes.length === 0 && !this.#told.has(key))) return;
    this.#told.set(key, told);
    for (const { note, reason } of notes) events.record(ingress, { type: 'Warning', reason, note });
  }

  #proxiesOf(className: string): string {
    return `${INGRESS_NAMESPACE}/${ingressName(className, digest)}`;
  }
}
