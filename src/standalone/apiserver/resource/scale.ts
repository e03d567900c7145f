import { decodeBody } from '../codec/body.ts';
import type { ScalePaths } from '../kind.ts';
import { isFields, valueAt, withValueAt } from '../object.ts';
import type { ApiObject, Fields } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { badRequest, invalid, methodNotAllowed, notFound } from '../status.ts';
import { jsonType } from './decode.ts';
import { parsePatch } from './patch.ts';
import { json } from './present.ts';
import { keyOfTarget, objectsOf } from './target.ts';
import type { Target } from './target.ts';
import { changeObject } from './update.ts';

/** GET of `NAME/scale`: autoscaling/v1 Scale, a view of the object. */
export function getScale(target: Target): ApiResponse {
  const entry = objectsOf(target).get(keyOfTarget(target));
  if (entry === undefined) throw notFound(target.kind, target.name);
  return json(200, JSON.stringify(scaleOf(entry.object, pathsOf(target))));
}

export async function updateScale(target: Target): Promise<ApiResponse> {
  const body = (await decodeBody(target.request, target.context.schemas))?.fields;
  if (body === undefined) throw badRequest('the body of a scale request is empty');
  return writeScale(target, () => body);
}

export async function patchScale(target: Target): Promise<ApiResponse> {
  const parsed = await parsePatch(target);
  return writeScale(target, scale => parsed.apply(scale));
}

async function writeScale(target: Target, change: (scale: Fields) => Fields): Promise<ApiResponse> {
  const paths = pathsOf(target);
  const rescale = (current: ApiObject) => {
    const wished = change(scaleOf(current, paths));
    assertScale(wished);
    const replicas = replicasOf(wished, target.name);
    const { name, uid = '', resourceVersion = '' } = isFields(wished['metadata']) ? wished['metadata'] : {};
    const metadata = {
      ...current.metadata,
      name: typeof name === 'string' ? name : '',
      uid: String(uid),
      resourceVersion: String(resourceVersion),
    };
    return { ...(withValueAt(current, paths.specReplicas, replicas) as ApiObject), metadata };
  };
  const shown = (object: ApiObject) => scaleOf(object, paths);
  const written = await changeObject(target, rescale, undefined, { shown });
  return json(200, JSON.stringify(scaleOf(written.entry.object, paths)));
}

/** apiVersion and kind may be left out: the path says them. */
function assertScale({ apiVersion = 'autoscaling/v1', kind = 'Scale' }: Fields): void {
  if (apiVersion === 'autoscaling/v1' && kind === 'Scale') return;
  throw badRequest(
    `the kind in the data (${String(apiVersion)}, ${String(kind)}) does not match the expected kind (autoscaling/v1, Scale)`,
  );
}

function replicasOf(scale: Fields, name: string): number {
  const replicas = valueAt(scale, ['spec', 'replicas']) ?? 0;
  if (!Number.isSafeInteger(replicas) || Math.abs(Number(replicas)) >= 2 ** 31) {
    throw badRequest(
      `Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal ${jsonType(replicas)} into Go struct field ScaleSpec.spec.replicas of type int32`,
    );
  }
  if (Number(replicas) >= 0) return Number(replicas);
  const detail = 'must be greater than or equal to 0';
  throw invalid({ group: 'autoscaling', kind: 'Scale' }, name, [
    { type: 'Invalid', field: 'spec.replicas', value: replicas, detail },
  ]);
}

function scaleOf(object: ApiObject, paths: ScalePaths): Fields {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.selector(object);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: valueAt(object, paths.specReplicas) ?? 0 },
    status: {
      replicas: valueAt(object, paths.statusReplicas) ?? 0,
      ...(selector === '' ? {} : { selector }),
    },
  };
}

function pathsOf(target: Target): ScalePaths {
  const paths = target.subresource?.scale;
  if (paths === undefined) throw methodNotAllowed();
  return paths;
}
