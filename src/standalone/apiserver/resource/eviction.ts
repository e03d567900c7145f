import { decodeBody } from '../codec/body.ts';
import { isFields, valueAt } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { badRequest } from '../status.ts';
import { deleteObject, deleteOptionsFrom } from './delete.ts';
import { json } from './present.ts';
import { isDryRun } from './target.ts';
import type { Target } from './target.ts';

/** POST of `pods/NAME/eviction`: a deletion that asks first whether the pod may go. */
export async function evict(target: Target): Promise<ApiResponse> {
  const body = (await decodeBody(target.request, target.context.schemas))?.fields;
  const name = valueAt(body, ['metadata', 'name']);
  if (name !== undefined && name !== target.name)
    throw badRequest('name in URL does not match name in Eviction object');
  const given = valueAt(body, ['deleteOptions']);
  const options = deleteOptionsFrom(isFields(given) ? given : {});
  await deleteObject(target, { ...options, dryRun: options.dryRun || isDryRun(target) });
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return json(201, JSON.stringify(status));
}
