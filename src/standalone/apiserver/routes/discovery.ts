import { createHash } from 'node:crypto';
import { chooseForm } from '../codec/accept.ts';
import { STANDARD_VERBS } from '../kind.ts';
import type { Kind, Subresource } from '../kind.ts';
import type { Registry } from '../registry.ts';
import type { ApiRequest, ApiResponse } from '../request.ts';
import { json } from '../resource/present.ts';
import { compareGroups } from './group-priorities.ts';

/** `/api`, `/apis`, `/apis/G`, `/api/v1` and `/apis/G/V`; undefined for what is not served. */
export class Discovery {
  readonly #registry: Registry;
  #known: { readonly revision: number; readonly groups: readonly Group[] } | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Made anew when definitions have changed what is served. */
  get #groups(): readonly Group[] {
    const { revision } = this.#registry;
    if (this.#known?.revision !== revision) {
      this.#known = { revision, groups: groupsOf(this.#registry.all()) };
    }
    return this.#known.groups;
  }

  answer(request: ApiRequest): ApiResponse | undefined {
    const parts = request.path.split('/').filter(part => part !== '');
    const groups = this.#groups;
    const core = groups.filter(group => group.name === '');
    const named = groups.filter(group => group.name !== '');
    if (parts.length === 1)
      return parts[0] === 'api'
        ? this.#root(request, core, coreVersions)
        : this.#root(request, named, groupList);
    const isCore = parts[0] === 'api';
    const group = groups.find(({ name }) => name === (isCore ? '' : parts[1]));
    if (group === undefined) return undefined;
    const version = parts[isCore ? 1 : 2];
    if (version === undefined) return plain({ kind: 'APIGroup', apiVersion: 'v1', ...groupOf(group) });
    const found = group.versions.find(({ name }) => name === version);
    return found === undefined ? undefined : plain(resourceList(group, found));
  }

  #root(
    request: ApiRequest,
    groups: readonly Group[],
    legacy: (groups: readonly Group[]) => object,
  ): ApiResponse {
    const form = chooseForm(request.headers['accept'], ['object', 'APIGroupDiscoveryList']);
    if (form.as === 'object') return plain(legacy(groups));
    const body = JSON.stringify(aggregated(groups));
    const etag = `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`;
    const headers = {
      'content-type': 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      etag,
      vary: 'Accept',
      'cache-control': 'public',
    };
    if (request.headers['if-none-match'] === etag) return { status: 304, headers, body: '' };
    return { status: 200, headers, body };
  }
}

interface Group {
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly { readonly name: string; readonly kinds: readonly Kind[] }[];
}

function groupsOf(kinds: readonly Kind[]): readonly Group[] {
  const byGroup = Map.groupBy(kinds, kind => kind.group);
  return [...byGroup]
    .toSorted(([a], [b]) => compareGroups(a, b))
    .map(([name, members]) => ({
      name,
      versions: [...Map.groupBy(members, kind => kind.version)]
        .map(([version, inVersion]) => ({
          name: version,
          kinds: inVersion.toSorted((a, b) => (a.plural < b.plural ? -1 : 1)),
        }))
        .sort((a, b) => compareVersions(a.name, b.name)),
    }));
}

/** v10 before v2 before v1, stable before beta before alpha (version priority of CustomResourceDefinitions). */
function compareVersions(a: string, b: string): number {
  const rank = (version: string): readonly number[] => {
    const [, major, level, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
    if (major === undefined) return [9, 0, 0];
    return [level === undefined ? 0 : level === 'beta' ? 1 : 2, -Number(major), -Number(minor ?? 0)];
  };
  const [left, right] = [rank(a), rank(b)];
  const different = left.findIndex((value, index) => value !== right[index]);
  return different < 0 ? (a < b ? -1 : 1) : (left[different] ?? 0) - (right[different] ?? 0);
}

const plain = (value: object): ApiResponse => json(200, JSON.stringify(value));

const coreVersions = (groups: readonly Group[]): object => ({
  kind: 'APIVersions',
  versions: groups.flatMap(group => group.versions.map(version => version.name)),
  serverAddressByClientCIDRs: [],
});

const groupList = (groups: readonly Group[]): object => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groups.map(groupOf),
});

function groupOf(group: Group): object {
  const versions = group.versions.map(version => ({
    groupVersion: groupVersionOf(group, version.name),
    version: version.name,
  }));
  return { name: group.name, versions, preferredVersion: versions[0] };
}

const groupVersionOf = (group: Group, version: string): string =>
  group.name === '' ? version : `${group.name}/${version}`;

function resourceList(group: Group, version: Group['versions'][number]): object {
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: groupVersionOf(group, version.name),
    resources: version.kinds.flatMap(kind => [
      {
        name: kind.plural,
        singularName: kind.singular,
        namespaced: kind.namespaced,
        kind: kind.kind,
        verbs: kind.verbs ?? STANDARD_VERBS,
        ...filled({ shortNames: kind.shortNames, categories: kind.categories }),
      },
      ...sorted(kind.subresources).map(subresource => ({
        name: `${kind.plural}/${subresource.name}`,
        singularName: '',
        namespaced: kind.namespaced,
        ...(subresource.group === undefined ? {} : { group: subresource.group }),
        ...(subresource.version === undefined ? {} : { version: subresource.version }),
        kind: subresource.kind,
        verbs: subresource.verbs,
      })),
    ]),
  };
}

/** APIGroupDiscoveryList of apidiscovery.k8s.io/v2: everything in one answer. */
function aggregated(groups: readonly Group[]): object {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(group => ({
      metadata: { name: group.name },
      versions: group.versions.map(version => ({
        version: version.name,
        resources: version.kinds.map(discoveredKind),
        freshness: 'Current',
      })),
    })),
  };
}

function discoveredKind(kind: Kind): object {
  return {
    resource: kind.plural,
    // Upstream names group and version only where they are not those of the list.
    responseKind: { group: '', version: '', kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: kind.verbs ?? STANDARD_VERBS,
    ...filled({ shortNames: kind.shortNames, categories: kind.categories }),
    ...filled({
      subresources: sorted(kind.subresources).map(subresource => ({
        subresource: subresource.name,
        responseKind: {
          group: subresource.group ?? '',
          version: subresource.version ?? '',
          kind: subresource.kind,
        },
        verbs: subresource.verbs,
      })),
    }),
  };
}

const sorted = (subresources: readonly Subresource[]): readonly Subresource[] =>
  subresources.toSorted((a, b) => (a.name < b.name ? -1 : 1));

const filled = (lists: Readonly<Record<string, readonly unknown[]>>): object =>
  Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
