import { createCertificateReader } from '../../gateway/certificate.ts';
import { KEY_NAME } from '../../gateway/channel.ts';
import { controlNameOf } from '../../gateway/compile-proxy-objects.ts';
import { FollowedObjects } from '../../gateway/follow-objects.ts';
import { LiveIngressTable } from '../../gateway/ingress/live-table.ts';
import {
  INGRESS_CLASS_LABEL,
  INGRESS_NAMESPACE,
  classNameOf,
  ingressKey,
  secretsOfIngress,
  servicesOfIngress,
} from '../../gateway/ingress/model.ts';
import { ingressName } from '../../gateway/ingress/compile-ingress-objects.ts';
import { Informer } from '../../kube/informer.ts';
import type { Change } from '../../kube/informer.ts';
import { INGRESSES, INGRESS_CLASSES, SECRETS, keyOf } from '../../kube/resources.ts';
import type { Secret } from '../../kube/types/config.ts';
import type { Ingress, IngressClass } from '../../kube/types/networking.ts';
import type { Pod } from '../../kube/types/pod.ts';
import type { Service } from '../../kube/types/service.ts';
import { serviceOf } from '../../services/index.ts';
import type { GatewayTablesOptions } from './gateway-tables.ts';
import type { ProxyTables, ReadTable } from './proxy-tables.ts';

interface Following {
  readonly classes: Informer<IngressClass>;
  readonly ingresses: Informer<Ingress>;
  readonly secrets: FollowedObjects<Secret>;
  readonly stop: AbortController;
  /** By the class's name. */
  readonly tables: Map<string, LiveIngressTable>;
  isKnown: boolean;
}

/** Tables of classes of Ingresses: owners are as `ingressKey` says. */
export class IngressTables implements ProxyTables {
  readonly #options: GatewayTablesOptions;
  readonly #certificate = createCertificateReader();
  #following: Following | undefined;

  constructor(options: GatewayTablesOptions) {
    this.#options = options;
  }

  serves({ metadata }: Pod): boolean {
    return metadata.namespace === INGRESS_NAMESPACE && metadata.labels?.[INGRESS_CLASS_LABEL] !== undefined;
  }

  ownerOf({ metadata }: Pod): string | undefined {
    const { digest } = this.#options;
    const label = metadata.labels?.[INGRESS_CLASS_LABEL];
    if (this.#following?.isKnown !== true) return undefined;
    const found = this.#following.classes.cache
      .list()
      .find(({ metadata: { name } }) => ingressName(name, digest) === label);
    return found === undefined ? undefined : ingressKey(found.metadata.name);
  }

  want(owners: ReadonlySet<string>): void {
    if (this.#following === undefined) return;
    const { ingresses, secrets, tables } = this.#following;
    for (const name of tables.keys()) if (!owners.has(ingressKey(name))) tables.delete(name);
    const names = [...owners].map(nameOf);
    secrets.want(
      new Set(
        names.flatMap(name => [
          this.#controlOf(name),
          ...ingresses.cache.by('class', name).flatMap(secretsOfIngress),
        ]),
      ),
    );
  }

  read(owner: string): ReadTable | undefined {
    if (this.#following === undefined) return undefined;
    const { classes, ingresses, secrets, tables } = this.#following;
    const { services, slices } = this.#options;
    const name = nameOf(owner);
    const control = this.#controlOf(name);
    const named = ingresses.cache.by('class', name).flatMap(secretsOfIngress);
    if (!secrets.areKnown([control, ...named])) return undefined; // woken by them
    const table =
      tables.get(name) ??
      new LiveIngressTable(name, {
        ingressClass: key => classes.cache.get(key),
        ingressesOf: key => ingresses.cache.by('class', key),
        service: key => services.cache.get(key),
        slices: key => slices.cache.by('service', key),
        secret: key => secrets.get(key),
        certificate: this.#certificate,
      });
    tables.set(name, table);
    const revision = table.revision();
    if (revision === undefined) return undefined;
    return { table, revision, key: Buffer.from(secrets.get(control)?.data?.[KEY_NAME] ?? '', 'base64') };
  }

  revision(owner: string): number | undefined {
    return this.#following?.tables.get(nameOf(owner))?.revision();
  }

  leave(): void {
    this.#following?.stop.abort(new Error('no proxy of Ingresses is here any more'));
    this.#following = undefined;
  }

  follow(): void {
    if (this.#following !== undefined) return;
    const { client, clock, log, services, signal, slices, wake } = this.#options;
    const stop = new AbortController();
    const ends = AbortSignal.any([signal, stop.signal]);
    const tables = new Map<string, LiveIngressTable>();
    const changed = (names: readonly (string | undefined)[]) => {
      for (const name of names) if (name !== undefined) tables.get(name)?.changed();
      wake(names.flatMap(name => (name === undefined ? [] : [ingressKey(name)])));
    };
    const classes = new Informer(client, INGRESS_CLASSES, { clock, log });
    const ingresses = new Informer(client, INGRESSES, {
      clock,
      log,
      indexes: {
        class: one => [classNameOf(one) ?? ''],
        service: servicesOfIngress,
        secret: secretsOfIngress,
      },
    });
    const classesOf = (index: 'service' | 'secret', key: string) => [
      ...new Set(ingresses.cache.by(index, key).map(classNameOf)),
    ];
    const secrets = new FollowedObjects({
      client,
      clock,
      log,
      signal: ends,
      resource: SECRETS,
      // The key of the proxies is nobody's certificate.
      onChange: key => {
        changed(classesOf('secret', key));
        wake();
      },
    });
    const following: Following = { classes, ingresses, secrets, stop, tables, isKnown: false };
    this.#following = following;
    classes.start(ends);
    ingresses.start(ends);
    Promise.all([classes, ingresses, services, slices].map(informer => informer.synced)).then(
      () => {
        if (ends.aborted) return;
        const finish = [
          services.onChange(change => {
            const service = change.after ?? change.before;
            if (service !== undefined && isOther(change)) changed(classesOf('service', keyOf(service)));
          }),
          slices.onChange(({ before, after }) => {
            for (const slice of [before, after]) {
              if (slice === undefined) continue;
              const service = serviceOf(slice);
              const names = classesOf('service', service);
              for (const name of names) tables.get(name ?? '')?.endpointsChanged(service);
              if (names.length > 0) wake(names.map(name => ingressKey(name ?? '')));
            }
          }),
        ];
        ends.addEventListener('abort', () => finish.forEach(end => end()), { once: true });
        classes.onChange(({ before, after }) => changed([(after ?? before)?.metadata.name]));
        ingresses.onChange(({ before, after }) => {
          if (before !== undefined && after !== undefined && isSameIngress(before, after)) return;
          changed([before, after].map(one => one && classNameOf(one)));
        });
        following.isKnown = true;
        wake();
      },
      () => undefined, // stopped before
    );
  }

  #controlOf(className: string): string {
    return `${INGRESS_NAMESPACE}/${controlNameOf(ingressName(className, this.#options.digest))}`;
  }
}

const nameOf = (owner: string): string => owner.slice(owner.indexOf('/') + 1);

/** Status is written all the time; a class may stand in an annotation. */
const isSameIngress = (one: Ingress, other: Ingress): boolean =>
  one.metadata.generation === other.metadata.generation &&
  one.metadata.uid === other.metadata.uid &&
  classNameOf(one) === classNameOf(other);

const isOther = ({ before, after }: Change<Service>): boolean => {
  const matters = (service: Service | undefined) =>
    service && JSON.stringify([service.spec.type, service.spec.ports, service.spec.ipFamilies]);
  return matters(before) !== matters(after);
};
