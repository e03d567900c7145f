import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Resource } from '../../kube/resources.ts';
import type { KubeObject } from '../../kube/types/meta.ts';

/** A resource whose objects can at least be listed and deleted. */
export interface DiscoveredResource extends Resource<KubeObject> {
  readonly verbs: readonly string[];
}

export interface Discovery {
  readonly resources: readonly DiscoveredResource[];
  /** Groups and versions that could not be asked, with the reason: their objects are unknown, not absent. */
  readonly failures: readonly string[];
}

/** Every kind that the server has, once: in its group's preferred version, subresources left out. */
export async function discover(client: KubeClient): Promise<Discovery> {
  const groupVersions = ['v1', ...(await preferredVersions(client))];
  const found = await Promise.all(groupVersions.map(groupVersion => resourcesOf(client, groupVersion)));
  return {
    resources: found.flatMap(each => each.resources),
    failures: found.flatMap(each => each.failures),
  };
}

async function preferredVersions(client: KubeClient): Promise<readonly string[]> {
  const list = (await getJson(client, '/apis')) as GroupList;
  return (list.groups ?? []).flatMap(group => {
    const version = group.preferredVersion?.groupVersion ?? group.versions?.[0]?.groupVersion;
    return version === undefined ? [] : [version];
  });
}

async function resourcesOf(client: KubeClient, groupVersion: string): Promise<Discovery> {
  const path = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
  try {
    const list = (await getJson(client, path)) as ResourceList;
    return {
      resources: (list.resources ?? []).flatMap(entry => resourceOf(groupVersion, entry)),
      failures: [],
    };
  } catch (error) {
    return { resources: [], failures: [`${groupVersion}: ${sentenceOf(error)}`] };
  }
}

function resourceOf(groupVersion: string, entry: ResourceEntry): readonly DiscoveredResource[] {
  const verbs = entry.verbs ?? [];
  if (entry.name.includes('/') || !verbs.includes('list') || !verbs.includes('delete')) return [];
  const slash = groupVersion.indexOf('/');
  return [
    {
      group: slash < 0 ? '' : groupVersion.slice(0, slash),
      version: groupVersion.slice(slash + 1),
      kind: entry.kind,
      plural: entry.name,
      namespaced: entry.namespaced,
      verbs,
    },
  ];
}

async function getJson(client: KubeClient, path: string): Promise<unknown> {
  const answer = await client.request('GET', path, { headers: { accept: 'application/json' } });
  if (answer.status === 200) return JSON.parse(answer.body.toString('utf8'));
  throw new FairleadError(
    'controllers/discovery',
    `The API server answered ${answer.status} to GET ${path}.`,
  );
}

/** The parts of meta/v1 APIGroupList and APIResourceList that are read here. */
interface GroupList {
  readonly groups?: readonly {
    readonly preferredVersion?: { readonly groupVersion: string };
    readonly versions?: readonly { readonly groupVersion: string }[];
  }[];
}

interface ResourceList {
  readonly resources?: readonly ResourceEntry[];
}

interface ResourceEntry {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs?: readonly string[];
}
