import { FairleadError } from '../../base/errors.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/types/meta.ts';
import { explainAnswer } from './explain-answer.ts';
import { asJson, lastApplied, withLastApplied } from './last-applied.ts';
import { stagesOf } from './order.ts';
import type { Manifest } from './read-manifests.ts';
import { ServedKinds, type ServedKind } from './served-kinds.ts';
import { threeWayPatch } from './three-way-patch.ts';

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
  const collection = collectionPath(located, wanted);
  const path = `${collection}/${encodeURIComponent(wanted.metadata.name)}`;
  for (let attempt = 1; ; attempt++) {
    const present = await client.request('GET', path, {});
    if (present.status === 404) {
      const created = await send(client, 'POST', collection, withLastApplied(wanted), 'application/json');
      if (created.status < 300) return { manifest, object: parse(created.body), outcome: 'created' };
      if (created.status === 409 && attempt < attempts) continue;
      throw explainAnswer(created, manifest, wanted);
    }
    if (present.status !== 200) throw explainAnswer(present, manifest, wanted);
    const live = parse(present.body);
    const patch = threeWayPatch(lastApplied(live), asJson(withLastApplied(wanted, live)), asJson(live));
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

function collectionPath(located: Located, object: KubeObject): string {
  const { namespace } = object.metadata;
  const scope = located.namespaced ? `/namespaces/${encodeURIComponent(namespace ?? '')}` : '';
  return `${located.root}${scope}/${located.plural}`;
}

const parse = (body: Buffer): KubeObject => JSON.parse(body.toString()) as KubeObject;

async function eachOf<T>(items: readonly T[], limit: number, run: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await run(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
}
