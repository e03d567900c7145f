import { apiVersionOf } from '../kind.ts';
import type { Kind } from '../kind.ts';
import type { Fields } from '../object.ts';
import type { User } from '../request.ts';
import { isDryRun, userOf } from '../resource/target.ts';
import type { Target } from '../resource/target.ts';

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** A request as policies and webhooks are asked about it (AdmissionRequest of admission.k8s.io/v1), before its object is known. */
export interface Question {
  readonly operation: Operation;
  readonly kind: Kind;
  /** Empty for the resource itself. */
  readonly subresource: string;
  /** Kind of the body: the resource's own, or that of a subresource (Eviction, Scale). */
  readonly body: GroupVersionKind;
  /** Empty for cluster-wide objects; of a Namespace its own name, except while it is created. */
  readonly namespace: string;
  /** Empty where the server is about to choose one. */
  readonly name: string;
  readonly user: User;
  readonly dryRun: boolean;
  /** CreateOptions, UpdateOptions, PatchOptions or DeleteOptions. */
  readonly options: Fields | undefined;
}

/** A question with what it is about. */
export interface Writing extends Question {
  /** As it is to be stored; undefined for DELETE. */
  readonly object: Fields | undefined;
  /** As it is stored; undefined for CREATE and CONNECT. */
  readonly before: Fields | undefined;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const OPTIONS: Readonly<Record<string, string>> = {
  POST: 'CreateOptions',
  PUT: 'UpdateOptions',
  PATCH: 'PatchOptions',
  DELETE: 'DeleteOptions',
};

export function questionOf(target: Target, operation: Operation, name = target.name): Question {
  const { kind, request, subresource } = target;
  const { group, version } = kind;
  const isNamespace = kind.group === '' && kind.plural === 'namespaces';
  return {
    operation,
    kind,
    subresource: subresource?.name ?? '',
    body:
      subresource === undefined
        ? { group, version, kind: kind.kind }
        : {
            group: subresource.group ?? group,
            version: subresource.version ?? version,
            kind: subresource.kind,
          },
    namespace: isNamespace ? target.name : target.namespace,
    name,
    user: userOf(request),
    dryRun: isDryRun(target),
    options: operation === 'CONNECT' ? undefined : optionsOf(target),
  };
}

function optionsOf({ request }: Target): Fields | undefined {
  const kind = OPTIONS[request.method];
  if (kind === undefined) return undefined;
  const manager = request.query.get('fieldManager') ?? '';
  const validation = request.query.get('fieldValidation') ?? '';
  const dryRun = request.query.getAll('dryRun').filter(value => value !== '');
  return {
    kind,
    apiVersion: 'meta.k8s.io/v1',
    ...(dryRun.length === 0 ? {} : { dryRun }),
    ...(manager === '' ? {} : { fieldManager: manager }),
    ...(validation === '' ? {} : { fieldValidation: validation }),
  };
}

/** The question's object in another version of its kind: the form of what both are stored as. */
export function inVersion(object: Fields | undefined, from: Kind, to: Kind): Fields | undefined {
  if (object === undefined || from === to) return object;
  // What has a view is an ApiObject: only such kinds have several versions.
  const stored = from.view?.toStorage(object as never) ?? object;
  const shown = to.view?.fromStorage(stored as never) ?? stored;
  return { ...shown, apiVersion: apiVersionOf(to), kind: to.kind };
}
