import type { Kind } from '../kind.ts';
import type { Fields } from '../object.ts';
import type { Writing } from './question.ts';

/** AdmissionRequest of admission.k8s.io/v1 without its uid and objects: `request` of expressions, and the head of a webhook's. */
export function requestOf(writing: Writing, kind: Kind): Fields {
  const { body, subresource, namespace, name, operation, user, dryRun, options } = writing;
  const sub = (field: string) => (subresource === '' ? {} : { [field]: subresource });
  const { kind: own } = writing;
  const isOwnBody = body.group === own.group && body.version === own.version;
  return {
    kind: isOwnBody ? { ...body, version: kind.version } : body,
    resource: { group: kind.group, version: kind.version, resource: kind.plural },
    ...sub('subResource'),
    requestKind: body,
    requestResource: { group: own.group, version: own.version, resource: own.plural },
    ...sub('requestSubResource'),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: {
      username: user.name,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: user.groups,
      ...(user.extra === undefined ? {} : { extra: user.extra }),
    },
    dryRun,
    options: options ?? null,
  };
}
