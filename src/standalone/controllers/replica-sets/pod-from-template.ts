import { randomBytes } from 'node:crypto';
import type { ReplicaSet } from '../../../kube/types/apps.ts';
import type { Pod } from '../../../kube/types/core.ts';
import { FairleadError } from '../../../base/errors.ts';
import { describeObject } from '../../../kube/resources.ts';
import { controllerReference } from '../ownership.ts';

/**
 * A pod of the set. Its name is chosen here, not by the server, so that it is known before the request is sent: a
 * creation whose answer is lost can then be looked for instead of being repeated.
 */
export function podFromTemplate(set: ReplicaSet, suffix: string): Pod {
  const { template } = set.spec;
  if (template === undefined) {
    throw new FairleadError('controllers/no-pod-template', 'The ReplicaSet has no pod template.', {
      object: describeObject(set),
      field: 'spec.template',
      hint: 'Give it a spec.template, or scale it to 0.',
    });
  }
  const prefix = namePrefix(set.metadata.name);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${prefix}${suffix}`,
      generateName: prefix,
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
      ...(template.metadata?.labels === undefined ? {} : { labels: template.metadata.labels }),
      ...(template.metadata?.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
      ...(template.metadata?.finalizers === undefined ? {} : { finalizers: template.metadata.finalizers }),
      ownerReferences: [controllerReference(set, { apiVersion: 'apps/v1', kind: 'ReplicaSet' })],
    },
    spec: template.spec,
  };
}

/** No vowels and nothing that looks like another character, so that no names turn into words. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

export function randomSuffix(length = 5): string {
  return Array.from(randomBytes(length), byte => ALPHABET[byte % ALPHABET.length]).join('');
}

/** Pod names are DNS labels in many places: at most 63 characters with the suffix of 5. */
function namePrefix(name: string): string {
  return `${name.slice(0, 57)}-`;
}
