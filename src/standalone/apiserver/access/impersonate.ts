import type { ApiRequest, User } from '../request.ts';
import { badRequest } from '../status.ts';
import { assertMay } from './authorize.ts';
import type { Authorizer } from './attributes.ts';

const ALONE = ['impersonate-group', 'impersonate-uid'];
const ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** The user that a request is made for: its sender, or whoever the Impersonate headers name, if the sender may. */
export function effectiveUser(authorizer: Authorizer, request: ApiRequest, sender: User): User {
  const name = request.headers['impersonate-user'];
  if (name === undefined || name === '') {
    if (!ALONE.some(header => request.headers[header] !== undefined)) return sender;
    // Whoever passes on groups alone means less than the sender's own rights.
    throw badRequest('requested an impersonation without naming a user: Impersonate-User is missing');
  }
  const may = (resource: string, named: string, namespace = '', group = '') =>
    assertMay(authorizer, sender, {
      is: 'resource',
      verb: 'impersonate',
      group,
      resource,
      namespace,
      name: named,
    });
  const [, namespace, account] = ACCOUNT.exec(name) ?? [];
  if (namespace !== undefined && account !== undefined) may('serviceaccounts', account, namespace);
  else may('users', name);
  const groups = (request.headers['impersonate-group'] ?? '').split(',').flatMap(part => part.trim() || []);
  for (const group of groups) may('groups', group);
  const uid = request.headers['impersonate-uid'];
  if (uid !== undefined) may('uids', uid, '', 'authentication.k8s.io');
  const ofAccount =
    namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  const all = groups.length > 0 ? groups : ofAccount;
  const isAnonymous = name === 'system:anonymous';
  const authenticated = isAnonymous ? 'system:unauthenticated' : 'system:authenticated';
  return {
    name,
    groups: all.includes(authenticated) ? all : [...all, authenticated],
    ...(uid === undefined ? {} : { uid }),
  };
}
