import { randomBytes } from 'node:crypto';
import type { PodTemplateSpec } from '../../kube/types/apps.ts';
import type { KubeObject, ObjectMeta } from '../../kube/types/meta.ts';
import type { Pod } from '../../kube/types/core.ts';
import { controllerReference } from './ownership.ts';

export interface OwnedPodOptions {
  readonly owner: KubeObject;
  readonly ownerType: { readonly apiVersion: string; readonly kind: string };
  readonly template: PodTemplateSpec;
  /**
   * Chosen here, not by the server, so that it is known before the request is sent: a creation whose answer is lost can
   * then be looked for instead of being repeated.
   */
  readonly name: string;
  readonly generateName?: string;
  /** Beside those of the template. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
}

/** A pod of a workload's template, controlled by the workload. */
export function podFromTemplate(options: OwnedPodOptions): Pod {
  const { owner, template, name, generateName } = options;
  const { namespace } = owner.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      ...(generateName === undefined ? {} : { generateName }),
      ...(namespace === undefined ? {} : { namespace }),
      ...merged(template.metadata, options),
      ownerReferences: [controllerReference(owner, options.ownerType)],
    },
    spec: template.spec,
  };
}

function merged(from: Partial<ObjectMeta> | undefined, own: OwnedPodOptions): Partial<ObjectMeta> {
  const labels = { ...from?.labels, ...own.labels };
  const annotations = { ...from?.annotations, ...own.annotations };
  const finalizers = [...(from?.finalizers ?? []), ...(own.finalizers ?? [])];
  return {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(finalizers.length === 0 ? {} : { finalizers }),
  };
}

/** No vowels and nothing that looks like another character, so that no names turn into words. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export function randomSuffix(length = 5): string {
  return Array.from(randomBytes(length), byte => ALPHABET[byte % ALPHABET.length]).join('');
}

/** Pod names are DNS labels in many places: at most 63 characters with the suffix of 5. */
export function namePrefix(name: string): string {
  return `${name.slice(0, 57)}-`;
}
