import type { Environment } from '@marcbachmann/cel-js';
import type { Attributes, Authorizer, Verdict } from '../../access/attributes.ts';
import type { User } from '../../request.ts';

/** `authorizer` of expressions (CEL in Kubernetes, authorizer library): whether the asker may do something else. */
export class AskAuthorizer {
  readonly access: Authorizer;
  readonly user: User;
  readonly requestResource: ResourceCheck;

  constructor(access: Authorizer, user: User, resource: ResourceAttributes) {
    this.access = access;
    this.user = user;
    this.requestResource = new ResourceCheck(access, user, resource);
  }
}

export interface ResourceAttributes {
  readonly group: string;
  readonly plural: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

class GroupCheck {
  readonly authorizer: AskAuthorizer;
  readonly group: string;
  constructor(authorizer: AskAuthorizer, group: string) {
    this.authorizer = authorizer;
    this.group = group;
  }
}

class PathCheck {
  readonly authorizer: AskAuthorizer;
  readonly path: string;
  constructor(authorizer: AskAuthorizer, path: string) {
    this.authorizer = authorizer;
    this.path = path;
  }
}

class ResourceCheck {
  readonly access: Authorizer;
  readonly user: User;
  readonly resource: ResourceAttributes;

  constructor(access: Authorizer, user: User, resource: ResourceAttributes) {
    this.access = access;
    this.user = user;
    this.resource = resource;
  }

  with(change: Partial<ResourceAttributes>): ResourceCheck {
    return new ResourceCheck(this.access, this.user, { ...this.resource, ...change });
  }

  decide(verb: string): Decision {
    const { group, plural, subresource, namespace, name } = this.resource;
    const resource = subresource === '' ? plural : `${plural}/${subresource}`;
    const attributes: Attributes = { is: 'resource', verb, group, resource, namespace, name };
    return new Decision(this.access.decide(this.user, attributes));
  }
}

class Decision {
  readonly verdict: Verdict;
  constructor(verdict: Verdict) {
    this.verdict = verdict;
  }
}

const NOTHING = { group: '', plural: '', subresource: '', namespace: '', name: '' };

export function registerAuthorizer(environment: Environment): void {
  const register = (signature: string, handler: (...values: never[]) => unknown) =>
    void environment.registerFunction(signature, handler as never);
  for (const [name, ctor] of [
    ['GroupCheck', GroupCheck],
    ['PathCheck', PathCheck],
    ['ResourceCheck', ResourceCheck],
    ['Decision', Decision],
  ] as const) {
    environment.registerType(name, { ctor, fields: {} });
  }
  const fields = { requestResource: 'ResourceCheck' };
  environment.registerType('Authorizer', { ctor: AskAuthorizer, fields });
  register(
    'Authorizer.path(string): PathCheck',
    (authorizer: AskAuthorizer, path: string) => new PathCheck(authorizer, path),
  );
  register(
    'Authorizer.group(string): GroupCheck',
    (authorizer: AskAuthorizer, group: string) => new GroupCheck(authorizer, group),
  );
  register(
    'Authorizer.serviceAccount(string, string): Authorizer',
    ({ access, requestResource }: AskAuthorizer, namespace: string, name: string) =>
      new AskAuthorizer(access, accountUser(namespace, name), requestResource.resource),
  );
  register(
    'GroupCheck.resource(string): ResourceCheck',
    ({ authorizer, group }: GroupCheck, plural: string) =>
      new ResourceCheck(authorizer.access, authorizer.user, { ...NOTHING, group, plural }),
  );
  for (const field of ['subresource', 'namespace', 'name'] as const) {
    register(`ResourceCheck.${field}(string): ResourceCheck`, (check: ResourceCheck, value: string) =>
      check.with({ [field]: value }),
    );
  }
  // Roles do not look at selectors: a list is allowed with any, or not at all.
  for (const field of ['fieldSelector', 'labelSelector']) {
    register(
      `ResourceCheck.${field}(string): ResourceCheck`,
      (check: ResourceCheck, _value: string) => check,
    );
  }
  register('ResourceCheck.check(string): Decision', (check: ResourceCheck, verb: string) =>
    check.decide(verb),
  );
  register(
    'PathCheck.check(string): Decision',
    ({ authorizer, path }: PathCheck, verb: string) =>
      new Decision(authorizer.access.decide(authorizer.user, { is: 'path', verb, path })),
  );
  register('Decision.allowed(): bool', ({ verdict }: Decision) => verdict.allowed);
  register('Decision.reason(): string', ({ verdict }: Decision) => verdict.reason);
  register('Decision.errored(): bool', () => false);
  register('Decision.error(): string', () => '');
}

const accountUser = (namespace: string, name: string): User => ({
  name: `system:serviceaccount:${namespace}:${name}`,
  groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
});
