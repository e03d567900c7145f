import type { Attributes, Rule, Verdict } from '../../access/attributes.ts';
import type { Asker } from '../../kind.ts';
import type { ApiObject, Fields } from '../../object.ts';
import { isFields, valueAt } from '../../object.ts';
import type { User } from '../../request.ts';
import type { Definition } from '../define.ts';
import { NAME, nameOf } from '../print/columns.ts';
import type { Findings } from '../validation/findings.ts';
import { rootOf } from '../validation/place.ts';
import type { Place } from '../validation/place.ts';

/** What `kubectl auth` asks, and what servers ask about their own clients. */

const QUESTION = {
  group: 'authorization.k8s.io',
  version: 'v1',
  namespaced: false,
  verbs: ['create'],
  table: { columns: [NAME], cells: (object: Place) => [nameOf(object)] },
} as const satisfies Partial<Definition>;

export const SELF_SUBJECT_ACCESS_REVIEW: Definition = {
  ...QUESTION,
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectAccessReview',
  validate: (found, object) => checkAttributes(found, object.child('spec')),
  review: (object, asker) => answered(object, asker.access.decide(asker.user, attributesIn(object))),
};

export const SUBJECT_ACCESS_REVIEW: Definition = {
  ...QUESTION,
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  schema: 'io.k8s.api.authorization.v1.SubjectAccessReview',
  validate: checkSubject,
  review: decideForSubject,
};

export const LOCAL_SUBJECT_ACCESS_REVIEW: Definition = {
  ...QUESTION,
  namespaced: true,
  kind: 'LocalSubjectAccessReview',
  plural: 'localsubjectaccessreviews',
  schema: 'io.k8s.api.authorization.v1.LocalSubjectAccessReview',
  validate: (found, object) => {
    checkSubject(found, object);
    const asked = object.child('spec').child('resourceAttributes').child('namespace');
    if (asked.text !== object.child('metadata').child('namespace').text) {
      found.invalid(asked, 'must match metadata.namespace', asked.text);
    }
  },
  review: decideForSubject,
};

export const SELF_SUBJECT_RULES_REVIEW: Definition = {
  ...QUESTION,
  kind: 'SelfSubjectRulesReview',
  plural: 'selfsubjectrulesreviews',
  schema: 'io.k8s.api.authorization.v1.SelfSubjectRulesReview',
  validate: (found, object) => {
    const namespace = object.child('spec').child('namespace');
    if (namespace.text === '') found.required(namespace);
  },
  review: (object, asker) => {
    const namespace = String(valueAt(object, ['spec', 'namespace']));
    const rules = asker.access.rulesOf(asker.user, namespace);
    const status = {
      resourceRules: rules.filter(rule => rule.resources.length > 0).map(resourceRule),
      nonResourceRules: rules
        .filter(rule => rule.nonResourceURLs.length > 0)
        .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
      incomplete: false,
    };
    return { ...object, status };
  },
};

const resourceRule = ({ verbs, apiGroups, resources, resourceNames }: Rule): object => ({
  verbs,
  apiGroups,
  resources,
  ...(resourceNames.length === 0 ? {} : { resourceNames }),
});

const answered = (object: ApiObject, { allowed, reason }: Verdict): ApiObject => ({
  ...object,
  status: { allowed, ...(reason === '' ? {} : { reason }) },
});

function decideForSubject(object: ApiObject, asker: Asker): ApiObject {
  const spec = rootOf(object).child('spec');
  const user: User = { name: spec.child('user').text, groups: spec.child('groups').texts };
  return answered(object, asker.access.decide(user, attributesIn(object)));
}

function attributesIn(object: ApiObject): Attributes {
  const spec = rootOf(object).child('spec');
  const path = spec.child('nonResourceAttributes');
  if (path.present) return { is: 'path', verb: path.child('verb').text, path: path.child('path').text };
  const asked = spec.child('resourceAttributes');
  const subresource = asked.child('subresource').text;
  return {
    is: 'resource',
    verb: asked.child('verb').text,
    group: asked.child('group').text,
    resource: asked.child('resource').text + (subresource === '' ? '' : `/${subresource}`),
    namespace: asked.child('namespace').text,
    name: asked.child('name').text,
  };
}

function checkSubject(found: Findings, object: Place): void {
  const spec = object.child('spec');
  checkAttributes(found, spec);
  if (spec.child('user').text === '' && spec.child('groups').list.length === 0) {
    found.invalid(spec.child('user'), 'at least one of user or group must be specified', '');
  }
}

function checkAttributes(found: Findings, spec: Place): void {
  const [resource, other] = [spec.child('resourceAttributes'), spec.child('nonResourceAttributes')];
  if (resource.present && other.present) {
    found.invalid(other, 'cannot be specified in combination with resourceAttributes');
  } else if (!resource.present && !other.present) {
    const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    found.add({ type: 'Invalid', field: resource.path, value: null, detail });
  }
}

export const SELF_SUBJECT_REVIEW: Definition = {
  ...QUESTION,
  group: 'authentication.k8s.io',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  schema: 'io.k8s.api.authentication.v1.SelfSubjectReview',
  review: (object, asker) => ({ ...object, status: { userInfo: userInfo(asker.user) } }),
};

const MOST_AUDIENCES = 64;

export const TOKEN_REVIEW: Definition = {
  ...QUESTION,
  group: 'authentication.k8s.io',
  kind: 'TokenReview',
  plural: 'tokenreviews',
  schema: 'io.k8s.api.authentication.v1.TokenReview',
  validate: (found, object) => {
    const spec = object.child('spec');
    if (spec.child('token').text === '') found.required(spec.child('token'));
    const audiences = spec.child('audiences');
    if (audiences.list.length > MOST_AUDIENCES) found.tooMany(audiences, MOST_AUDIENCES);
  },
  review: (object, asker) => {
    const spec = rootOf(object).child('spec');
    const token = spec.child('token').text;
    const asked = spec.child('audiences').texts;
    const user = asker.userOf(token, asked);
    // Only those that the token is for: who asks for several learns which.
    const audiences = asked.filter(audience => asker.userOf(token, [audience]) !== undefined);
    const status: Fields =
      user === undefined
        ? { authenticated: false, error: 'invalid bearer token' }
        : { authenticated: true, user: userInfo(user), ...(audiences.length === 0 ? {} : { audiences }) };
    // The token itself is not sent back.
    return { ...object, spec: { ...(isFields(object['spec']) ? object['spec'] : {}), token: '' }, status };
  },
};

const userInfo = ({ name, uid, groups, extra }: User): object => ({
  username: name,
  ...(uid === undefined ? {} : { uid }),
  groups,
  ...(extra === undefined ? {} : { extra }),
});
