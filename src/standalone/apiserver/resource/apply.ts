import { readYamlBody, unsupportedMediaType } from '../codec/body.ts';
import { equalJson } from '../codec/json.ts';
import { compare } from '../fields/compare.ts';
import { difference, isEmpty, pathText, pathsOf } from '../fields/field-set.ts';
import type { FieldSet } from '../fields/field-set.ts';
import { writeManagers } from '../fields/managers.ts';
import type { Manager } from '../fields/managers.ts';
import { ownedBy } from '../fields/owned.ts';
import type { OwnershipSchema } from '../fields/ownership-schema.ts';
import { afterApply, ownable } from '../fields/track.ts';
import type { Applied, Conflict } from '../fields/track.ts';
import type { ApiObject } from '../object.ts';
import { isFields, withValueAt } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { StatusError, badRequest, notFound } from '../status.ts';
import { admitNew, createObject, namespaced, withoutFields } from './create.ts';
import { checkBody, fieldValidationOf } from './decode.ts';
import { managersBeforeApply, writerOf } from './ownership.ts';
import type { Writer } from './ownership.ts';
import { answerObject } from './present.ts';
import { booleanParameter, isDryRun, keyOfTarget, objectsOf } from './target.ts';
import type { Target } from './target.ts';
import { changeObject } from './update.ts';
import type { Changed } from './update.ts';

export const APPLY_TYPE = 'application/apply-patch+yaml';

/** Kinds whose fields have owners, and their status. */
export const takesApply = ({ kind, subresource }: Pick<Target, 'kind' | 'subresource'>): boolean =>
  kind.ownership !== undefined && (subresource === undefined || subresource.name === 'status');

/** PATCH with a whole configuration: the object becomes what it says, field by field (server-side apply, KEP-555). */
export async function apply(target: Target): Promise<ApiResponse> {
  const { kind, request, subresource } = target;
  if (kind.ownership === undefined) throw unsupportedMediaType([]);
  const writer = applierOf(target);
  const force = booleanParameter(request.query, 'force') === true;
  const checked = checkBody(await readYamlBody(request), kind, fieldValidationOf(request.query));
  const config = configOf(target, checked.object);
  const plan = { config, schema: kind.ownership(), writer, force };
  const own = kind.strategy.warnings?.(config) ?? [];
  const warnings = [...checked.warnings, ...own];
  if (subresource === undefined && objectsOf(target).newest(keyOfTarget(target)) === undefined) {
    const made = await createApplied(target, plan);
    if (made !== undefined) {
      return answerObject(target, made.entry, 201, [...warnings, ...made.warnings]);
    }
  }
  const changed = await changeApplied(target, plan);
  return answerObject(target, changed.entry, 200, [...warnings, ...changed.warnings]);
}

interface Plan {
  readonly config: ApiObject;
  readonly schema: OwnershipSchema;
  readonly writer: Writer;
  readonly force: boolean;
}

function applierOf(target: Target): Writer {
  return writerOf(target, 'Apply');
}

/** What the configuration may say through this path. */
function configOf(target: Target, object: ApiObject): ApiObject {
  const { kind, name, subresource } = target;
  if (object.metadata.managedFields !== undefined) throw badRequest('metadata.managedFields must be nil');
  const placed = withoutNulls(namespaced(object, target)) as ApiObject; // an object stays one
  if (placed.metadata.name !== undefined && placed.metadata.name !== name) {
    throw badRequest(
      `the name of the object (${placed.metadata.name}) does not match the name on the URL (${name})`,
    );
  }
  const named = { ...placed, metadata: { ...placed.metadata, name } };
  const { statusFields } = kind.strategy;
  if (subresource === undefined) return withoutFields(named, statusFields);
  const others = Object.keys(named).filter(field => !statusFields.includes(field) && !HEAD.includes(field));
  const { namespace, resourceVersion, uid } = named.metadata;
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(uid === undefined ? {} : { uid }),
  };
  return { ...withoutFields(named, others), metadata };
}

const HEAD = ['apiVersion', 'kind', 'metadata'];

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)]));
}

/** Undefined where somebody else made the object meanwhile: it is there to be changed then. */
async function createApplied(target: Target, plan: Plan): Promise<Changed | undefined> {
  const { context, kind } = target;
  if (plan.config.metadata.uid !== undefined) throw notFound(kind, target.name);
  const { managers } = afterApply(plan.schema, undefined, plan.config, [], plan.writer);
  try {
    const owners = writeManagers(managers);
    const { object, concern } = await admitNew(target, plan.config);
    const how = { dryRun: isDryRun(target), owners: () => owners, concern };
    const written = await createObject(context, kind, object, how);
    return { ...written, warnings: concern?.warnings ?? [] };
  } catch (error) {
    if (error instanceof StatusError && error.reason === 'AlreadyExists') return undefined;
    throw error;
  }
}

async function changeApplied(target: Target, plan: Plan): Promise<Changed> {
  const { kind } = target;
  let owners: readonly unknown[] = [];
  return changeObject(
    target,
    current => {
      const before = managersBeforeApply(kind, current);
      const applied = afterApply(plan.schema, current, plan.config, before, plan.writer);
      assertNoConflicts(plan, current, applied);
      const object = withLastApplied(current, plan, applied.object as ApiObject); // live with a checked configuration over it
      const isSame = equalJson(ownable(object), ownable(current)) && sameFields(before, applied.managers);
      owners = isSame
        ? (current.metadata.managedFields ?? writeManagers(applied.managers))
        : writeManagers(applied.managers);
      return object;
    },
    () => owners,
  );
}

function sameFields(before: readonly Manager[], after: readonly Manager[]): boolean {
  const timeless = (managers: readonly Manager[]) =>
    writeManagers(managers).map(entry => ({ ...entry, time: undefined }));
  return equalJson(timeless(before), timeless(after));
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const LONGEST_ANNOTATION = 256 * 1024;

/** An object that client-side apply made keeps its annotation in step, so that either way of applying goes on working. */
function withLastApplied(current: ApiObject, plan: Plan, object: ApiObject): ApiObject {
  if (plan.writer.manager !== 'kubectl' || current.metadata.annotations?.[LAST_APPLIED] === undefined)
    return object;
  const text = `${JSON.stringify(plan.config)}\n`;
  if (text.length > LONGEST_ANNOTATION) return object;
  return withValueAt(object, ['metadata', 'annotations', LAST_APPLIED], text) as ApiObject;
}

/** What kubectl itself applied from the client's side is no one else's: the hand-over needs no force. */
function ownLastApplied(current: ApiObject, plan: Plan): FieldSet {
  const text = current.metadata.annotations?.[LAST_APPLIED];
  if (plan.writer.manager !== 'kubectl' || text === undefined) return {};
  try {
    const config: unknown = JSON.parse(text);
    if (!isFields(config)) return {};
    const { modified, removed } = compare(plan.schema, ownable(config), ownable(current));
    return difference(difference(ownedBy(plan.schema, ownable(config)), modified), removed);
  } catch {
    return {}; // somebody wrote something else there: it proves nothing
  }
}

function assertNoConflicts(plan: Plan, current: ApiObject, { conflicts }: Applied): void {
  if (plan.force || conflicts.length === 0) return;
  const own = ownLastApplied(current, plan);
  const left = conflicts
    .map(conflict => ({ ...conflict, fields: difference(conflict.fields, own) }))
    .filter(conflict => !isEmpty(conflict.fields));
  if (left.length > 0) throw conflictStatus(left);
}

function conflictStatus(conflicts: readonly Conflict[]): StatusError {
  const named = conflicts
    .map(({ manager, fields }) => ({ who: managerText(manager), places: [...pathsOf(fields)].map(pathText) }))
    .toSorted((a, b) => (a.who < b.who ? -1 : 1));
  const causes = named.flatMap(({ who, places }) =>
    places.map(field => ({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })),
  );
  const [only] = causes;
  const message =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${only?.message}: ${only?.field}`
      : `Apply failed with ${causes.length} conflicts: ${named
          .map(({ who, places }) =>
            [`conflicts with ${who}:`, ...places.map(place => `- ${place}`)].join('\n'),
          )
          .join('\n')}`;
  return new StatusError(409, 'Conflict', message, { causes });
}

function managerText({ manager, subresource, operation, apiVersion }: Manager): string {
  const through = subresource === '' ? '' : ` with subresource ${JSON.stringify(subresource)}`;
  const version = operation === 'Update' ? ` using ${apiVersion}` : '';
  return `${JSON.stringify(manager)}${through}${version}`;
}
