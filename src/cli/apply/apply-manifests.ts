import { FairleadError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { explainAnswer } from './explain-answer.ts';
import { stagesOf } from './order.ts';
import type { Manifest } from './read-manifests.ts';
import { ServedKinds, type ServedKind } from './served-kinds.ts';
import { type Json, threeWayPatch } from './three-way-patch.ts';

export type Outcome = 'created' | 'configured' | 'unchanged';

export interface Applied {
  readonly manifest: Manifest;
  /** As the server has it now. */
  readonly object: KubeObject;
  readonly outcome: Outcome;
}

export interface ApplyResult {
  readonly applied: readonly Applied[];
  /** What the server refused; everything else was applied all the same. */
  readonly refused: readonly FairleadError[];
}

/** Kept on each object, as kubectl does, so that either may apply what the other applied. */
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';
const atOnce = 8;
/** Others write too: a conflict is tried again with what they wrote. */
const attempts = 5;

interface Located extends ServedKind {
  readonly manifest: Manifest;
}

/**
 * Creates or updates every object; repeating it changes nothing. Throws before anything is changed when a kind is
 * unknown; what the server refuses is in the result.
 */
export async function applyManifests(
  client: KubeClient,
  manifests: readonly Manifest[],
): Promise<ApplyResult> {
  const kinds = new ServedKinds(client);
  const located = new Map<Manifest, Located>();
  for (const manifest of manifests) located.set(manifest, { manifest, ...(await kinds.find(manifest)) });
  const applied: Applied[] = [];
  const refused = new Map<Manifest, FairleadError>();
  for (const stage of stagesOf(manifests)) {
    await eachOf(stage, atOnce, async manifest => {
      const found = located.get(manifest);
      if (found === undefined) return;
      try {
        applied.push(await applyOne(client, found));
      } catch (error) {
        if (!(error instanceof FairleadError)) throw error;
        refused.set(manifest, error);
      }
    });
  }
  // In the order of the files, not of the answers.
  return { applied, refused: manifests.flatMap(manifest => refused.get(manifest) ?? []) };
}

async function applyOne(client: KubeClient, located: Located): Promise<Applied> {
  const { manifest } = located;
  const wanted = withNamespace(located);
  const marked = withLastApplied(wanted);
  const collection = collectionPath(located, wanted);
  const path = `${collection}/${encodeURIComponent(wanted.metadata.name)}`;
  for (let attempt = 1; ; attempt++) {
    const present = await client.request('GET', path, {});
    if (present.status === 404) {
      const created = await send(client, 'POST', collection, marked, 'application/json');
      if (created.status < 300) return { manifest, object: parse(created.body), outcome: 'created' };
      if (created.status === 409 && attempt < attempts) continue;
      throw explainAnswer(created, manifest, wanted);
    }
    if (present.status !== 200) throw explainAnswer(present, manifest, wanted);
    const live = parse(present.body);
    const patch = threeWayPatch(asJson(lastApplied(live)), asJson(marked), asJson(live));
    if (patch === undefined) return { manifest, object: live, outcome: 'unchanged' };
    const changed = await send(client, 'PATCH', path, patch, 'application/merge-patch+json');
    if (changed.status === 409 && attempt < attempts) continue;
    if (changed.status !== 200) throw explainAnswer(changed, manifest, wanted);
    const object = parse(changed.body);
    const same = object.metadata.resourceVersion === live.metadata.resourceVersion;
    return { manifest, object, outcome: same ? 'unchanged' : 'configured' };
  }
}

function send(client: KubeClient, method: string, path: string, body: unknown, contentType: string) {
  return client.request(method, `${path}?fieldManager=fairlead&fieldValidation=Strict`, {
    body: JSON.stringify(body),
    headers: { 'content-type': contentType, accept: 'application/json' },
  });
}

function withNamespace({ manifest, namespaced }: Located): KubeObject {
  const { object } = manifest;
  if (!namespaced || object.metadata.namespace !== undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } };
}

function withLastApplied(object: KubeObject): KubeObject {
  const { [lastAppliedAnnotation]: _, ...annotations } = object.metadata.annotations ?? {};
  const bare = { ...object, metadata: { ...object.metadata, annotations } };
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: { ...annotations, [lastAppliedAnnotation]: `${JSON.stringify(bare)}\n` },
    },
  };
}

/** The manifest of the last time; an empty one where there was none, or someone broke the annotation. */
function lastApplied(live: KubeObject): unknown {
  try {
    return JSON.parse(live.metadata.annotations?.[lastAppliedAnnotation] ?? '{}');
  } catch {
    return {}; // then nothing is removed, and everything wanted is set
  }
}

function collectionPath(located: Located, object: KubeObject): string {
  const { namespace } = object.metadata;
  const scope = located.namespaced ? `/namespaces/${encodeURIComponent(namespace ?? '')}` : '';
  return `${located.root}${scope}/${located.plural}`;
}

const parse = (body: Buffer): KubeObject => JSON.parse(body.toString()) as KubeObject;

/** Objects of the API are JSON objects; their types only say more. */
const asJson = (value: unknown) => value as { readonly [key: string]: Json };

async function eachOf<T>(items: readonly T[], limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await run(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
