import { assertMay, attributesOf } from '../access/authorize.ts';
import { effectiveUser } from '../access/impersonate.ts';
import type { Context } from '../context.ts';
import { STANDARD_VERBS } from '../kind.ts';
import type { Kind, Verb } from '../kind.ts';
import type { ApiRequest, ApiResponse, User } from '../request.ts';
import { create } from '../resource/create.ts';
import { remove, removeCollection } from '../resource/delete.ts';
import { json } from '../resource/present.ts';
import { get, list } from '../resource/read.ts';
import { assertOptions } from '../resource/options.ts';
import { patch } from '../resource/patch.ts';
import { answerSubresource } from '../resource/subresource.ts';
import { booleanParameter } from '../resource/target.ts';
import type { Target } from '../resource/target.ts';
import { update } from '../resource/update.ts';
import { watch } from '../resource/watch.ts';
import { PageNotFound, badRequest, methodNotAllowed, unauthorized, unknownPath } from '../status.ts';
import { Discovery } from './discovery.ts';
import { healthAnswer } from './health.ts';
import type { HealthCheck } from './health.ts';
import { OpenApi } from './openapi.ts';
import { keySetAnswer, openIdAnswer } from './openid.ts';
import { parseResourcePath } from './path.ts';
import type { ResourcePath } from './path.ts';
import { versionAnswer } from './version.ts';

/** From a request to its handler; the first part of the path decides. */
export class Router {
  readonly #context: Context;
  readonly #discovery: Discovery;
  readonly #openApi: OpenApi;
  readonly #checks: readonly HealthCheck[];

  constructor(context: Context, checks: readonly HealthCheck[]) {
    this.#context = context;
    this.#discovery = new Discovery(context.registry);
    this.#openApi = new OpenApi(context.schemas, context.registry);
    this.#checks = checks;
  }

  /** Throws a StatusError for everything that is not answered. Strangers learn health and version (system:public-info-viewer). */
  async answer(request: ApiRequest): Promise<ApiResponse> {
    const { path } = request;
    const health = healthAnswer(path, request.query, this.#checks);
    if (health !== undefined) return health;
    if (request.user === undefined) throw unauthorized();
    if (path === '/version' || path === '/version/') return onlyGet(request, versionAnswer());
    const target = this.resolveFor(request);
    if (target !== undefined) return dispatch(target);
    if (path === '/openapi/v3' || path.startsWith('/openapi/v3/')) return this.#openApi.answer(request);
    if (path === '/.well-known/openid-configuration') return onlyGet(request, openIdAnswer());
    if (path === '/openid/v1/jwks') return onlyGet(request, keySetAnswer(this.#context.tokens));
    if (path === '/openapi/v2') return this.#openApi.answerV2(request);
    if (path === '/' || path === '') return json(200, JSON.stringify({ paths: this.#paths() }));
    if (/^\/apis?(\/|$)/.test(path)) {
      const found = this.#discovery.answer(request);
      if (found !== undefined) return onlyGet(request, found);
    }
    const [, root, group] = path.split('/');
    throw this.#absent(root === 'api' ? '' : root === 'apis' ? group : undefined);
  }

  /** The resource that a path names, once it is known that its user may; 401 for a credential that is not valid. */
  resolveFor(request: ApiRequest): Target | undefined {
    if (request.user === undefined) throw unauthorized();
    const { authorizer } = this.#context;
    const user = effectiveUser(authorizer, request, request.user);
    const path = parseResourcePath(request.path);
    if (path === undefined) {
      assertMay(authorizer, user, { is: 'path', verb: request.method.toLowerCase(), path: request.path });
      return undefined;
    }
    const target = this.#find(path, user === request.user ? request : { ...request, user });
    if (target === undefined) throw this.#notServed(path, request, user);
    const verb = verbOf(target);
    if (verb !== undefined) assertMay(authorizer, user, attributesOf(target, verb), target);
    return target;
  }

  /** The resource that a path names; undefined for one that is not served. */
  #find(path: ResourcePath, request: ApiRequest): Target | undefined {
    const { namespace, name } = path;
    const kind = this.#context.registry.find(path.group, path.version, path.plural);
    if (kind === undefined || path.rest.length > 0) return undefined;
    if (!kind.namespaced && namespace !== '') return undefined;
    const subresource = kind.subresources.find(({ name: sub }) => sub === path.subresource);
    if (path.subresource !== '' && subresource === undefined) return undefined;
    if (kind.namespaced && namespace === '' && name !== '') return undefined;
    if (path.isOldWatch) return this.#oldWatch(path, request, kind);
    return { context: this.#context, request, kind, subresource, namespace, name };
  }

  /** In a group that is served something may be missing; elsewhere there is nothing. */
  #absent(group: string | undefined): Error {
    const isServed = this.#context.registry.all().some(kind => kind.group === group);
    return isServed ? unknownPath() : new PageNotFound();
  }

  /** The watch of a collection, or of the one object that the path names, in today's form. */
  #oldWatch(
    { namespace, name, subresource }: ResourcePath,
    request: ApiRequest,
    kind: Kind,
  ): Target | undefined {
    if (subresource !== '') return undefined;
    const query = new URLSearchParams(request.query);
    query.set('watch', 'true');
    if (name !== '') query.set('fieldSelector', `metadata.name=${name}`);
    const asked = { ...request, path: request.path, query };
    return { context: this.#context, request: asked, kind, subresource: undefined, namespace, name: '' };
  }

  /** 403 comes before 404: nobody learns what is there who might not use it. */
  #notServed(path: ResourcePath, request: ApiRequest, user: User): Error {
    const { authorizer } = this.#context;
    const { group, plural, namespace, name, subresource } = path;
    const verb = verbFor(request, { named: name !== '', isSubresource: subresource !== '' });
    if (verb !== undefined) {
      const resource = subresource === '' ? plural : `${plural}/${subresource}`;
      assertMay(authorizer, user, { is: 'resource', verb, group, resource, namespace, name });
    }
    return this.#absent(group);
  }

  /** The pod's subresource that a connection is to be switched to; throws for everything else. */
  resolveUpgrade(request: ApiRequest): Target {
    const target = this.resolveFor(request);
    const verb = target === undefined ? undefined : verbOf(target);
    if (target?.subresource === undefined || verb === undefined) throw unknownPath();
    const { name, verbs } = target.subresource;
    if (!['exec', 'attach', 'portforward'].includes(name)) throw badRequest('this path cannot be upgraded');
    if (!verbs.includes(verb)) throw methodNotAllowed();
    return target;
  }

  #paths(): readonly string[] {
    const versions = this.#context.registry
      .all()
      .map(kind => (kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`));
    return [
      ...new Set(['/api', '/apis', ...versions, '/healthz', '/livez', '/openapi/v3', '/readyz', '/version']),
    ].sort();
  }
}

function onlyGet(request: ApiRequest, answer: ApiResponse): ApiResponse {
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
  return answer;
}

function dispatch(target: Target): ApiResponse | Promise<ApiResponse> {
  const verb = verbOf(target);
  const allowed = target.subresource?.verbs ?? target.kind.verbs ?? STANDARD_VERBS;
  if (verb === undefined || !allowed.includes(verb)) throw methodNotAllowed();
  assertOptions(target, verb);
  if (target.subresource !== undefined) return answerSubresource(target, verb);
  return HANDLERS[verb](target);
}

const HANDLERS: Readonly<Record<Verb, (target: Target) => ApiResponse | Promise<ApiResponse>>> = {
  get,
  list,
  watch,
  create,
  update,
  patch,
  delete: remove,
  deletecollection: removeCollection,
};

function verbOf(target: Target): Verb | undefined {
  const isSubresource = target.subresource !== undefined;
  const verb = verbFor(target.request, { named: target.name !== '', isSubresource });
  // Across namespaces objects are only read.
  const isEverywhere = target.kind.namespaced && target.namespace === '';
  return isEverywhere && (verb === 'create' || verb === 'deletecollection') ? undefined : verb;
}

function verbFor(
  request: ApiRequest,
  { named, isSubresource }: { readonly named: boolean; readonly isSubresource: boolean },
): Verb | undefined {
  switch (request.method) {
    case 'GET':
      if (named) return 'get';
      return booleanParameter(request.query, 'watch') === true ? 'watch' : 'list';
    case 'POST':
      return named && !isSubresource ? undefined : 'create';
    case 'PUT':
      return named ? 'update' : undefined;
    case 'PATCH':
      return named ? 'patch' : undefined;
    case 'DELETE':
      return named ? 'delete' : 'deletecollection';
    default:
      return undefined;
  }
}
