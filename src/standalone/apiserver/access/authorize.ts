import type { Verb } from '../kind.ts';
import type { User } from '../request.ts';
import type { Target } from '../resource/target.ts';
import { StatusError, qualifiedResource } from '../status.ts';
import type { Attributes, Authorizer } from './attributes.ts';

/** What a request is about to do. */
export function attributesOf(target: Target, verb: Verb): Attributes {
  const { kind, subresource, namespace, name } = target;
  const isNamespace = kind.group === '' && kind.plural === 'namespaces';
  return {
    is: 'resource',
    verb,
    group: kind.group,
    resource: subresource === undefined ? kind.plural : `${kind.plural}/${subresource.name}`,
    namespace: isNamespace ? name : namespace,
    name: name === '' ? selectedName(target, verb) : name,
  };
}

/** Who asks for a collection by one name alone asks for that object. */
function selectedName(target: Target, verb: Verb): string {
  if (verb !== 'list' && verb !== 'watch' && verb !== 'deletecollection') return '';
  const text = target.request.query.get('fieldSelector') ?? '';
  return /^metadata\.name==?([^,=!]+)$/.exec(text)?.[1] ?? '';
}

/** Throws 403 in a real server's words when the user may not. */
export function assertMay(authorizer: Authorizer, user: User, attributes: Attributes, target?: Target): void {
  const { allowed } = authorizer.decide(user, attributes);
  if (allowed) return;
  const who = `User ${JSON.stringify(user.name)} cannot ${attributes.verb}`;
  if (attributes.is === 'path') {
    throw new StatusError(403, 'Forbidden', `forbidden: ${who} path ${JSON.stringify(attributes.path)}`, {});
  }
  const { group, resource, namespace } = attributes;
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const [plural = resource] = resource.split('/');
  const name = target?.name ?? attributes.name;
  const subject = qualifiedResource({ group, plural }) + (name === '' ? '' : ` ${JSON.stringify(name)}`);
  throw new StatusError(
    403,
    'Forbidden',
    `${subject} is forbidden: ${who} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${scope}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: plural },
  );
}
