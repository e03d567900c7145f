import { mergePatch } from './merge-patch.ts';
import { collectionPath } from './paths.ts';
import { apiVersionOf, keyOf } from './resources.ts';
import type { Resource } from './resources.ts';
import type { KubeObject } from './types/meta.ts';

/** One write: `before` is absent for a creation, `after` for a deletion. */
export interface Recorded {
  readonly version: number;
  readonly resource: Resource<KubeObject>;
  readonly before?: KubeObject;
  readonly after?: KubeObject;
}

/** What a URL path names. */
export interface Target {
  readonly resource: Resource<KubeObject>;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** The objects of a fake server, as the list of all writes: any version can be asked for until it is forgotten. */
export class FakeStore {
  readonly #resources: readonly Resource<KubeObject>[];
  readonly #announce: (recorded: Recorded) => void;
  readonly #records: Recorded[] = [];
  #uids = 0;
  /** The version of the last write. */
  version = 1;
  /** Watches and pages from before this version are gone. */
  oldest = 1;

  constructor(resources: readonly Resource<KubeObject>[], announce: (recorded: Recorded) => void) {
    this.#resources = resources;
    this.#announce = announce;
  }

  /** Forgets the history, as a compaction does: who is behind gets 410. */
  forget(): void {
    this.oldest = this.version;
  }

  /** The objects of a resource by key, in the order of the keys. */
  at(
    resource: Resource<KubeObject>,
    version: number = this.version,
  ): readonly (readonly [string, KubeObject])[] {
    const objects = new Map<string, KubeObject>();
    for (const { resource: one, before, after, version: written } of this.#records) {
      if (written > version || one !== resource) continue;
      if (after !== undefined) objects.set(keyOf(after), after);
      else if (before !== undefined) objects.delete(keyOf(before));
    }
    return [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  since(version: number): readonly Recorded[] {
    return this.#records.filter(record => record.version > version);
  }

  get(resource: Resource<KubeObject>, key: string): KubeObject | undefined {
    const last = this.#records.findLast(
      record => record.resource === resource && keyOf((record.after ?? record.before) as KubeObject) === key,
    );
    return last?.after;
  }

  /** Stores an object as if someone had written it, new or changed. */
  put(resource: Resource<KubeObject>, object: KubeObject): KubeObject {
    const before = this.get(resource, keyOf(object));
    return before === undefined ? this.#create(resource, object) : this.#replace(resource, before, object);
  }

  remove(resource: Resource<KubeObject>, key: string): boolean {
    const before = this.get(resource, key);
    if (before !== undefined) this.#record({ resource, before });
    return before !== undefined;
  }

  locate(path: string): Target | undefined {
    const parts = /^(.*?)\/namespaces\/([^/]+)\/(.+)$/.exec(path);
    for (const resource of this.#resources) {
      const rest = resource.namespaced && parts !== null ? `${parts[1]}/${parts[3]}` : path;
      const root = collectionPath(resource);
      if (rest !== root && !rest.startsWith(`${root}/`)) continue;
      const [name, subresource] = rest.slice(root.length + 1).split('/');
      return {
        resource,
        ...(resource.namespaced && parts?.[2] !== undefined ? { namespace: parts[2] } : {}),
        ...(name === undefined || name === '' ? {} : { name }),
        ...(subresource === undefined ? {} : { subresource }),
      };
    }
    return undefined;
  }

  /** A request for one object, or the creation of one. */
  write(method: string, target: Target, body: unknown, patchType?: string): unknown {
    const { resource, namespace } = target;
    if (method === 'POST' && target.name === undefined)
      return this.#post(resource, namespace, body as KubeObject);
    const key = namespace === undefined ? (target.name ?? '') : `${namespace}/${target.name}`;
    const before = this.get(resource, key);
    if (before === undefined)
      throw new Refusal(404, 'NotFound', `${resource.plural} "${target.name}" not found`);
    switch (method) {
      case 'GET':
        return before;
      case 'PUT':
        return this.#put(resource, before, body as KubeObject, target.subresource);
      case 'PATCH':
        return this.#put(resource, before, patched(before, body, patchType), target.subresource);
      case 'DELETE':
        this.#record({ resource, before });
        return before;
      default:
        throw new Refusal(405, 'MethodNotAllowed', `${method} ${target.subresource ?? ''} is not served`);
    }
  }

  #post(resource: Resource<KubeObject>, namespace: string | undefined, object: KubeObject): KubeObject {
    if (object.apiVersion !== apiVersionOf(resource) || object.kind !== resource.kind) {
      throw new Refusal(400, 'BadRequest', `${object.apiVersion} ${object.kind} is no ${resource.kind}`);
    }
    if (resource.namespaced && object.metadata.namespace !== namespace) {
      throw new Refusal(
        400,
        'BadRequest',
        'the namespace of the object does not match the namespace of the request',
      );
    }
    const { generateName } = object.metadata;
    const name = object.metadata.name || (generateName === undefined ? '' : `${generateName}${this.version}`);
    if (name === '') throw new Refusal(422, 'Invalid', 'name or generateName is required');
    const named = { ...object, metadata: { ...object.metadata, name } };
    if (this.get(resource, keyOf(named)) !== undefined)
      throw new Refusal(409, 'AlreadyExists', `${name} already exists`);
    return this.#create(resource, named);
  }

  #put(
    resource: Resource<KubeObject>,
    before: KubeObject,
    after: KubeObject,
    subresource?: string,
  ): KubeObject {
    const { resourceVersion, uid } = after.metadata;
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      throw new Refusal(
        409,
        'Conflict',
        'the object has been modified; please apply your changes to the latest version',
      );
    }
    if (uid !== undefined && uid !== before.metadata.uid)
      throw new Refusal(409, 'Conflict', 'the uid does not match');
    // A write of the status leaves everything else as it is, and the other way round.
    const { status: oldStatus, ...oldRest } = before as KubeObject & { status?: unknown };
    const { status: newStatus, ...newRest } = after as KubeObject & { status?: unknown };
    const [rest, status] = subresource === 'status' ? [oldRest, newStatus] : [newRest, oldStatus];
    return this.#replace(resource, before, status === undefined ? rest : Object.assign(rest, { status }));
  }

  #create(resource: Resource<KubeObject>, object: KubeObject): KubeObject {
    const uid = `uid-${++this.#uids}`;
    const creationTimestamp = '2025-01-01T00:00:00Z';
    return this.#record({
      resource,
      after: { ...object, metadata: { ...object.metadata, uid, creationTimestamp } },
    });
  }

  #replace(resource: Resource<KubeObject>, before: KubeObject, object: KubeObject): KubeObject {
    const { uid, creationTimestamp } = before.metadata;
    const metadata = {
      ...object.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    };
    return this.#record({ resource, before, after: { ...object, metadata } });
  }

  #record({ resource, before, after }: Omit<Recorded, 'version'>): KubeObject {
    const version = ++this.version;
    const written =
      after === undefined
        ? undefined
        : { ...after, metadata: { ...after.metadata, resourceVersion: String(version) } };
    const recorded = {
      version,
      resource,
      ...(before === undefined ? {} : { before }),
      ...(written === undefined ? {} : { after: written }),
    };
    this.#records.push(recorded);
    this.#announce(recorded);
    return (written ?? before) as KubeObject;
  }
}

function patched(before: KubeObject, patch: unknown, type: string | undefined): KubeObject {
  if (type === 'application/merge-patch+json') return mergePatch(before, patch) as KubeObject;
  if (type === 'application/strategic-merge-patch+json')
    return mergePatch(before, withMergedConditions(before, patch)) as KubeObject;
  throw new Refusal(415, 'UnsupportedMediaType', `the fake server takes no patch of type ${type}`);
}

/** A strategic merge patch as a merge patch: conditions are merged by `type`, no other list is known here. */
function withMergedConditions(before: unknown, patch: unknown): unknown {
  if (Array.isArray(patch))
    throw new Refusal(415, 'UnsupportedMediaType', 'the fake server does not merge this list');
  if (typeof patch !== 'object' || patch === null) return patch;
  const present = (before ?? {}) as Readonly<Record<string, unknown>>;
  const merged = Object.entries(patch).map(([name, value]) => {
    if (name !== 'conditions' || !Array.isArray(value))
      return [name, withMergedConditions(present[name], value)];
    const conditions = new Map<unknown, object>();
    for (const one of [...((present[name] ?? []) as object[]), ...(value as object[])]) {
      const { type } = one as { type?: unknown };
      conditions.set(type, { ...conditions.get(type), ...one });
    }
    return [name, [...conditions.values()]];
  });
  return Object.fromEntries(merged) as unknown;
}

/** What a fake server refuses, as an HTTP status and a Status.reason. */
export class Refusal extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(code: number, reason: string, message: string) {
    super(message);
    this.status = code;
    this.reason = reason;
  }
}
