import { assertNoEscalation } from '../access/escalation.ts';
import type { Concern } from '../admission/admission.ts';
import { admitIngress } from '../admission/ingresses.ts';
import { admitPod } from '../admission/pods.ts';
import { decodeBody } from '../codec/body.ts';
import type { Context } from '../context.ts';
import { storageKey, timestamp } from '../context.ts';
import type { Kind } from '../kind.ts';
import type { ApiObject, Fields } from '../object.ts';
import type { ApiResponse } from '../request.ts';
import { StatusError, alreadyExists, badRequest, invalid, warningOf } from '../status.ts';
import { Objects } from '../store/objects.ts';
import type { Entry } from '../store/entry.ts';
import type { Decision, Written } from '../store/store.ts';
import { checkBody, fieldValidationOf } from './decode.ts';
import { newMetadata, validateMetadata } from './metadata.ts';
import { generateName } from './names.ts';
import { assertNamespaceTakesNew } from './namespace-gate.ts';
import { ownersOfNew, withOwners, writerOf } from './ownership.ts';
import type { Writer } from './ownership.ts';
import { answerObject, json } from './present.ts';
import { isDryRun, userOf } from './target.ts';
import type { Target } from './target.ts';

/** Clashes of generated names are tried again this often, as upstream does. */
const NAME_ATTEMPTS = 8;

/** POST of a resource. */
export async function create(target: Target): Promise<ApiResponse> {
  const { context, kind, request } = target;
  const body = await decodeBody(request, context.schemas);
  if (body === undefined) throw badRequest('the body of a create request is empty');
  const { object, warnings } = checkBody(body, kind, fieldValidationOf(request.query));
  if (kind.review !== undefined) {
    return json(201, JSON.stringify(reviewed(target, kind.review, namespaced(object, target))), warnings);
  }
  const writer = writerOf(target);
  const wished = namespaced(object, target);
  const { object: admitted, concern } = await admitNew(target, wished);
  // What admission adds is nobody's.
  const owners: OwnersOf =
    admitted === wished
      ? ownersBy(kind, writer)
      : () => ownersOfNew(kind, withoutFields(kind.withDefaults(wished), kind.strategy.statusFields), writer);
  const how = { dryRun: isDryRun(target), owners, concern };
  const written = await warningOf(warnings, () => createObject(context, kind, admitted, how));
  return answerObject(target, written.entry, 201, [
    ...warnings,
    ...(concern?.warnings ?? []),
    ...(kind.strategy.warnings?.(written.entry.object) ?? []),
  ]);
}

function reviewed(target: Target, review: NonNullable<Kind['review']>, object: ApiObject): ApiObject {
  const { kind, context, request } = target;
  const asked = kind.withDefaults(object);
  const errors = kind.validate(asked, undefined);
  // Upstream leaves out what kind of question it is.
  if (errors.length > 0) throw invalid({ group: kind.group, kind: '' }, '', errors);
  return review(asked, {
    user: userOf(request),
    access: context.authorizer,
    userOf: (token, audiences) =>
      context.tokens.userOf(token, audiences.length === 0 ? undefined : audiences),
  });
}

/** metadata.managedFields for a new object, with its defaults and without what the server itself is about to add. */
export type OwnersOf = (object: ApiObject) => readonly object[] | undefined;

export const ownersBy =
  (kind: Kind, writer: Writer): OwnersOf =>
  object =>
    ownersOfNew(kind, object, writer);

/** A new object with what admission gives it, before it is checked; `concern` has to be asked about the outcome. */
export async function admitNew(
  target: Target,
  object: ApiObject,
): Promise<{ readonly object: ApiObject; readonly concern: Concern | undefined }> {
  const { context, kind, request } = target;
  const own = admitIngress(context, kind, await admitPod(context, kind, object));
  const concern = context.admission.concern(target, 'CREATE', own.metadata.name ?? '');
  const admitted = concern === undefined ? own : await mutatedNew(target, concern, own);
  assertNoEscalation(context, userOf(request), kind, admitted);
  return { object: admitted, concern };
}

/** Webhooks see the object with its defaults, and what they make of it is read as if the client had sent it. */
async function mutatedNew(target: Target, concern: Concern, object: ApiObject): Promise<ApiObject> {
  const { kind } = target;
  const given = kind.withDefaults(object);
  const mutated = await concern.mutate(given, undefined);
  if (mutated === given) return object;
  const { object: checked } = checkBody({ fields: mutated, duplicates: [] }, kind, 'Ignore');
  return namespaced(checked, target);
}

/** How an object is created. */
export interface Creation {
  readonly dryRun: boolean;
  readonly owners: OwnersOf;
  /** Who is to be asked once everything else is well; undefined where nobody is. */
  readonly concern?: Concern | undefined;
}

/** Creates a typed object whose metadata.namespace is final; also the server's own way to make objects. */
export async function createObject(
  context: Context,
  kind: Kind,
  object: ApiObject,
  how: Creation,
): Promise<Written> {
  const { name = '', generateName: base = '', resourceVersion = '' } = object.metadata;
  if (resourceVersion !== '') throw badRequest('resourceVersion should not be set on objects to be created');
  if (name === '' && base === '') {
    const detail = 'name or generateName is required';
    throw invalid(kind, '', [{ type: 'Required', field: 'metadata.name', detail }]);
  }
  for (let attempt = 1; ; attempt++) {
    const chosen = name === '' ? generateName(base, context.random) : name;
    try {
      return await createNamed(context, kind, object, chosen, how);
    } catch (error) {
      const isClash = error instanceof StatusError && error.reason === 'AlreadyExists';
      if (!isClash || name !== '' || attempt === NAME_ATTEMPTS) throw error;
    }
  }
}

async function createNamed(
  context: Context,
  kind: Kind,
  object: ApiObject,
  name: string,
  { dryRun, owners, concern }: Creation,
): Promise<Written> {
  const { store, allocators } = context;
  const namespace = object.metadata.namespace ?? '';
  const objects = new Objects(store, kind);
  const key = storageKey(namespace, name);
  const decide = (isTrial: boolean, given?: ApiObject) => (current: Entry | undefined) => {
    assertNamespaceTakesNew(store, kind, namespace, name);
    if (current !== undefined) throw alreadyExists(kind, name);
    const prepared = given ?? prepare(context, kind, object, name, owners);
    const assigned = allocators.assign(kind, prepared, undefined);
    const errors = [
      ...validateMetadata(kind, assigned.metadata, undefined),
      ...kind.validate(assigned, undefined),
    ];
    if (errors.length > 0) throw invalid(kind, name, errors);
    if (isTrial) return { do: 'keep', object: assigned } satisfies Decision;
    const onStaged = () => allocators.claim(kind, assigned, undefined);
    return { do: 'put', object: assigned, onStaged } satisfies Decision;
  };
  if (concern === undefined) return objects.write(key, decide(dryRun));
  const trial = await objects.write(key, decide(true));
  await concern.validate(trial.entry.object, undefined);
  return dryRun ? trial : objects.write(key, decide(false, trial.entry.object));
}

function prepare(context: Context, kind: Kind, object: ApiObject, name: string, owners: OwnersOf): ApiObject {
  const { strategy } = kind;
  const defaulted = kind.withDefaults(withoutFields(object, strategy.statusFields));
  const metadata = newMetadata(
    defaulted.metadata,
    {
      name,
      namespace: defaulted.metadata.namespace ?? '',
      uid: context.newUid(),
      now: timestamp(context.clock.now()),
    },
    strategy.countsGenerations,
  );
  const whole = { ...defaulted, metadata };
  const fresh = withOwners(whole, owners(withoutFields(whole, strategy.statusFields)));
  return strategy.onCreate?.(fresh) ?? fresh;
}

/** The object with the namespace of the path; 400 if it names another one. */
export function namespaced(object: ApiObject, target: Pick<Target, 'kind' | 'namespace'>): ApiObject {
  const { namespace: given = '', ...metadata } = object.metadata;
  if (!target.kind.namespaced) return { ...object, metadata };
  if (given !== '' && given !== target.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...object, metadata: { ...metadata, namespace: target.namespace } };
}

export function withoutFields<T extends Fields>(object: T, fields: readonly string[]): T {
  if (!fields.some(field => Object.hasOwn(object, field))) return object;
  return Object.fromEntries(Object.entries(object).filter(([field]) => !fields.includes(field))) as T;
}
