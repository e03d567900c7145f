import type { ApiObject } from '../../object.ts';
import type { Definition } from '../define.ts';
import { NAME, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import type { Place } from '../validation/place.ts';

/** What `kubectl auth can-i` asks. Whoever has a certificate of the cluster may do everything. */

const ALLOWED = {
  allowed: true,
  reason: 'everyone with a client certificate of this cluster may do everything',
};

const EVERYTHING = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
};

const QUESTION = {
  version: 'v1',
  namespaced: false,
  verbs: ['create'],
  table: { columns: [NAME], cells: (object: Place) => [nameOf(object)] },
} as const satisfies Partial<Definition>;

export const SELF_SUBJECT_ACCESS_REVIEW: Definition = {
  ...QUESTION,
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  validate: (found, object) => checkAttributes(found, object.child('spec')),
  review: object => withStatus(object, ALLOWED),
};

export const SELF_SUBJECT_RULES_REVIEW: Definition = {
  ...QUESTION,
  group: 'authorization.k8s.io',
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  validate: (found, object) => {
    const namespace = object.child('spec').child('namespace');
    if (namespace.text === '') found.required(namespace);
  },
  review: object => withStatus(object, EVERYTHING),
};

const withStatus = (object: ApiObject, status: object): ApiObject => ({ ...object, status });

function checkAttributes(found: Findings, spec: Place): void {
  const [resource, other] = [spec.child('resourceAttributes'), spec.child('nonResourceAttributes')];
  if (resource.present && other.present) {
    found.invalid(other, 'cannot be specified in combination with resourceAttributes');
  } else if (!resource.present && !other.present) {
    found.invalid(
      resource,
      'exactly one of nonResourceAttributes or resourceAttributes must be specified',
      null,
    );
  }
}
