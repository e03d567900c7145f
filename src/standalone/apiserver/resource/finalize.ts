import { decodeBody } from '../codec/body.ts';
import { valueAt, withValueAt } from '../object.ts';
import type { ApiObject } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { badRequest } from '../status.ts';
import { checkBody, fieldValidationOf } from './decode.ts';
import { answerObject } from './present.ts';
import type { Target } from './target.ts';
import { changeObject } from './update.ts';

/** PUT of `namespaces/NAME/finalize`: changes spec.finalizers and nothing else; the namespace goes with the last one. */
export async function finalize(target: Target): Promise<ApiResponse> {
  const { kind, request, context } = target;
  const body = await decodeBody(request, context.schemas);
  if (body === undefined) throw badRequest('the body of a finalize request is empty');
  const { object } = checkBody(body, kind, fieldValidationOf(request.query));
  const finalizers = valueAt(object, ['spec', 'finalizers']) ?? [];
  const { resourceVersion = '', uid = '' } = object.metadata;
  const written = await changeObject(target, current => {
    const metadata = { ...current.metadata, resourceVersion, uid };
    return { ...(withValueAt(current, ['spec', 'finalizers'], finalizers) as ApiObject), metadata };
  });
  return answerObject(target, written.entry);
}
