import { FairleadError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { closestOf } from '../../base/closest.ts';
import type { Manifest } from './read-manifests.ts';

/** Where the objects of a kind are, below the server's root. */
export interface ServedKind {
  /** `/api/v1` or `/apis/apps/v1`. */
  readonly root: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

interface ResourceList {
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
  }[];
}

/** The server's discovery, read once for each group version that is asked for. */
export class ServedKinds {
  readonly #client: KubeClient;
  readonly #lists = new Map<string, Promise<ResourceList | undefined>>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Throws a FairleadError with file and line for a kind that the server does not have. */
  async find(manifest: Manifest): Promise<ServedKind> {
    const { apiVersion, kind } = manifest.object;
    const root = rootOf(apiVersion);
    const list = await this.#list(root);
    const resource = list?.resources.find(it => it.kind === kind && !it.name.includes('/'));
    if (resource !== undefined) return { root, plural: resource.name, namespaced: resource.namespaced };
    throw await this.#unknown(manifest, apiVersion, kind, list);
  }

  async #unknown(manifest: Manifest, apiVersion: string, kind: string, list: ResourceList | undefined) {
    const where = `${manifest.source}:${manifest.lineOf(list === undefined ? 'apiVersion' : 'kind')}`;
    if (list === undefined) {
      const elsewhere = await this.#versionsOf(kind);
      const versions = elsewhere.length > 0 ? elsewhere : await this.#versions();
      const close = elsewhere[0] ?? closestOf(apiVersion, versions);
      return new FairleadError('apply/unknown-version', `${where}: there is no API ${apiVersion}.`, {
        object: objectName(manifest.object),
        field: 'apiVersion',
        hint: close === undefined ? `There are: ${versions.join(', ')}.` : `Write ${close}.`,
      });
    }
    const kinds = list.resources.filter(it => !it.name.includes('/')).map(it => it.kind);
    const elsewhere = await this.#versionsOf(kind);
    const close = closestOf(kind, kinds);
    const hint =
      elsewhere.length > 0
        ? `${kind} is in ${elsewhere.join(', ')}: write that as apiVersion.`
        : close === undefined
          ? `${apiVersion} has ${kinds.join(', ')}.`
          : `Did you mean ${close}?`;
    return new FairleadError('apply/unknown-kind', `${where}: there is no kind ${kind} in ${apiVersion}.`, {
      object: objectName(manifest.object),
      field: 'kind',
      hint,
    });
  }

  #list(root: string): Promise<ResourceList | undefined> {
    const known = this.#lists.get(root) ?? this.#fetch<ResourceList>(root);
    this.#lists.set(root, known);
    return known;
  }

  async #versionsOf(kind: string): Promise<readonly string[]> {
    const versions = await this.#versions();
    const lists = await Promise.all(versions.map(version => this.#list(rootOf(version))));
    return versions.filter((_, index) => lists[index]?.resources.some(it => it.kind === kind) === true);
  }

  async #versions(): Promise<readonly string[]> {
    interface Groups {
      readonly groups: readonly { readonly versions: readonly { readonly groupVersion: string }[] }[];
    }
    const groups = await this.#fetch<Groups>('/apis');
    return ['v1', ...(groups?.groups ?? []).flatMap(group => group.versions.map(it => it.groupVersion))];
  }

  async #fetch<T>(path: string): Promise<T | undefined> {
    const answer = await this.#client.request('GET', path, { headers: { accept: 'application/json' } });
    return answer.status === 200 ? (JSON.parse(answer.body.toString()) as T) : undefined;
  }
}

/** `Deployment/shop/web`, as errors name it. */
export function objectName(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return [object.kind, ...(namespace === undefined ? [] : [namespace]), name].join('/');
}

const rootOf = (apiVersion: string): string =>
  apiVersion.includes('/') ? `/apis/${encodeURI(apiVersion)}` : `/api/${encodeURIComponent(apiVersion)}`;
