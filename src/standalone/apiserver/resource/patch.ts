import { mediaTypeOf, textOf, unsupportedMediaType } from '../codec/body.ts';
import { parseJson } from '../codec/json.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import { isFields } from '../object.ts';
import { JsonPatchError, jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { StrategicPatchError, strategicMerge } from '../patch/strategic-merge.ts';
import type { ApiResponse } from '../request.ts';
import { StatusError, badRequest, invalid } from '../status.ts';
import { APPLY_TYPE, apply, takesApply } from './apply.ts';
import { checkBody, fieldValidationOf, jsonType } from './decode.ts';
import type { Refuse } from './decode.ts';
import { answerObject } from './present.ts';
import type { Target } from './target.ts';
import { changeObject } from './update.ts';

/** A patch that was read and can be applied, as often as needed. */
export interface ParsedPatch {
  readonly duplicates: readonly string[];
  /** Throws a StatusError when it does not fit. */
  apply(fields: Fields): Fields;
}

/** PATCH of an object or its status. */
export async function patch(target: Target): Promise<ApiResponse> {
  const { kind, request } = target;
  if (mediaTypeOf(request) === APPLY_TYPE && takesApply(target)) return apply(target);
  const parsed = await parsePatch(target);
  const validation = fieldValidationOf(request.query);
  let warnings: readonly string[] = [];
  const written = await changeObject(target, current => {
    const fields = parsed.apply(current);
    const checked = checkBody({ fields, duplicates: parsed.duplicates }, kind, validation, unfit(fields));
    ({ warnings } = checked);
    return sameNamespace(checked.object, current);
  });
  const own = kind.strategy.warnings?.(written.entry.object) ?? [];
  return answerObject(target, written.entry, 200, [...warnings, ...written.warnings, ...own]);
}

/** 422: the patch could be read, and what it makes of the object can not. Upstream shows the whole of that. */
const unfit =
  (fields: Fields): Refuse =>
  why =>
    invalid({ group: '', kind: '' }, '', [
      { type: 'Invalid', field: 'patch', value: JSON.stringify(fields), detail: why },
    ]);

function sameNamespace(object: ApiObject, current: ApiObject): ApiObject {
  if (object.metadata.name === undefined || object.metadata.namespace === current.metadata.namespace)
    return object;
  throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** The patch in the request's body, by its Content-Type; 415 for types that this kind does not take. */
export async function parsePatch(
  target: Pick<Target, 'kind' | 'request' | 'subresource'>,
): Promise<ParsedPatch> {
  const { kind, request } = target;
  const type = mediaTypeOf(request);
  const accepted = acceptedTypes(kind);
  if (!accepted.includes(type)) {
    throw unsupportedMediaType(takesApply(target) ? [...accepted, APPLY_TYPE] : accepted);
  }
  const { value, duplicates } = parseJson(textOf(await request.body()));
  switch (type) {
    case 'application/json-patch+json':
      if (!Array.isArray(value)) {
        throw badRequest(
          `error decoding patch: json: cannot unmarshal ${jsonType(value)} into Go value of type []jsonPatchOp`,
        );
      }
      return { duplicates, apply: fields => asFields(patched(fields, value)) };
    case 'application/merge-patch+json':
      if (!isFields(value)) throw notAnObject(value);
      return { duplicates, apply: fields => asFields(mergePatch(fields, value)) };
    default: {
      if (!isFields(value)) throw notAnObject(value);
      // Scale and other bodies of foreign kinds have no lists to merge: they have no schema here.
      const schema = target.subresource?.scale === undefined ? kind.mergeSchema : undefined;
      return { duplicates, apply: fields => strategic(fields, value, schema) };
    }
  }
}

const notAnObject = (value: unknown): StatusError =>
  badRequest(
    `error decoding patch: json: cannot unmarshal ${jsonType(value)} into Go value of type map[string]interface {}`,
  );

const acceptedTypes = (kind: Kind): readonly string[] => [
  'application/json-patch+json',
  'application/merge-patch+json',
  ...(kind.mergeSchema === undefined ? [] : ['application/strategic-merge-patch+json']),
];

function patched(fields: Fields, value: unknown): unknown {
  try {
    return jsonPatch(fields, value);
  } catch (error) {
    if (!(error instanceof JsonPatchError)) throw error;
    const message = `the server rejected our request due to an error in our request: ${error.message}`;
    throw new StatusError(422, 'Invalid', message, {});
  }
}

function strategic(fields: Fields, value: Fields, schema: Kind['mergeSchema']): Fields {
  try {
    return strategicMerge(fields, value, schema);
  } catch (error) {
    if (!(error instanceof StrategicPatchError)) throw error;
    throw badRequest(error.message);
  }
}

function asFields(value: unknown): Fields {
  if (isFields(value)) return value;
  throw new StatusError(
    422,
    'Invalid',
    'the server rejected our request due to an error in our request: the patch makes the object something that is no object',
    {},
  );
}
