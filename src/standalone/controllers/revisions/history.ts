import { isAlreadyExists, isNotFound } from '../../../kube/api-error.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Informer } from '../../../kube/informer.ts';
import { CONTROLLER_REVISIONS, keyOf, parseKey } from '../../../kube/resources.ts';
import type { ControllerRevision } from '../../../kube/types/apps.ts';
import { controllerOf } from '../ownership.ts';
import { beyondHistory, planRevision, templateOf, type Revised } from './revision.ts';
import { sameTemplate } from '../deployments/template.ts';

/** The history of one kind of workload, in the API. */
export class History {
  readonly #client: KubeClient;
  readonly #informer: Informer<ControllerRevision>;
  readonly #type: { readonly apiVersion: string; readonly kind: string };

  constructor(
    client: KubeClient,
    informer: Informer<ControllerRevision>,
    type: { readonly apiVersion: string; readonly kind: string },
  ) {
    this.#client = client;
    this.#informer = informer;
    this.#type = type;
  }

  of(owner: Revised): readonly ControllerRevision[] {
    return this.#informer.cache.by('controller', owner.metadata.uid ?? '');
  }

  /**
   * The revision of the current template, made if there is none. `collided`: its name is taken by somebody else's, and
   * the owner's status.collisionCount has to grow.
   */
  async current(owner: Revised): Promise<ControllerRevision | 'collided'> {
    const plan = planRevision(owner, this.#type, this.of(owner));
    switch (plan.do) {
      case 'nothing':
        return plan.current;
      case 'renumber':
        return this.#client.update(CONTROLLER_REVISIONS, plan.current);
      case 'create':
        return this.#create(owner, plan.current);
      default:
        return plan satisfies never;
    }
  }

  async #create(owner: Revised, revision: ControllerRevision): Promise<ControllerRevision | 'collided'> {
    try {
      return await this.#client.create(CONTROLLER_REVISIONS, revision);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    // Our own that the cache does not show yet, or a stranger's.
    const present = await this.#client.get(CONTROLLER_REVISIONS, parseKey(keyOf(revision)));
    const template = templateOf(present);
    const isOurs =
      controllerOf(present)?.uid === owner.metadata.uid &&
      template !== undefined &&
      sameTemplate(template, owner.spec.template);
    return isOurs ? present : 'collided';
  }

  /** Deletes what is beyond the limit. */
  async truncate(owner: Revised, isLive: (revision: ControllerRevision) => boolean): Promise<void> {
    for (const revision of beyondHistory(owner, this.of(owner), isLive)) {
      const { uid } = revision.metadata;
      try {
        const options = uid === undefined ? {} : { preconditions: { uid } };
        await this.#client.delete(CONTROLLER_REVISIONS, parseKey(keyOf(revision)), options);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
}
