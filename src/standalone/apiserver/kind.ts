import type { Authorizer } from './access/attributes.ts';
import type { OwnershipSchema } from './fields/ownership-schema.ts';
import type { ApiObject, Fields } from './object.ts';
import type { User } from './request.ts';

/**
 * What the server knows about one resource. The handler is generic: everything that tells one kind from another stands
 * in its entry here, for built-in kinds and for custom resources alike. No method changes its arguments.
 */
export interface Kind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  /** What `metadata.name` may be; the handler checks it. Default `subdomain` (RFC 1123). */
  readonly nameFormat?: 'subdomain' | 'label' | 'label-1035' | 'path-segment';
  /** Default: all of `STANDARD_VERBS`. */
  readonly verbs?: readonly Verb[];
  readonly subresources: readonly Subresource[];
  /** Two kinds with the same value are two views of the same objects (core and events.k8s.io Events). Default `group/plural`. */
  readonly storage?: string;

  /** A view's own form of an object: what is stored from what was written, and what is shown from what is stored. */
  readonly view?: StorageView;

  /**
   * JSON type mismatches, in the words that a real server puts after `cannot be handled as a Pod: `
   * (`json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container`).
   * Called first, on the decoded body: all later methods may rely on the types.
   */
  typeErrors(object: Fields): readonly string[];
  /** `unknown field "spec.foo"` for each field that the schema lacks. Duplicate fields are the parser's to find. */
  unknownFields(object: Fields): readonly string[];
  /** A copy without the fields that the schema lacks (the same object if there are none). */
  withoutUnknownFields(object: ApiObject): ApiObject;
  /** A copy with defaults (the same object if nothing was missing). */
  withDefaults(object: ApiObject): ApiObject;
  /**
   * Everything wrong with `object`, metadata's own rules excepted (the handler checks those): on create `before` is
   * undefined; on update immutable fields are compared with it. `subresource` names what was written through.
   */
  validate(object: ApiObject, before: ApiObject | undefined, subresource?: string): readonly FieldError[];
  readonly strategy: Strategy;
  /** Only of kinds that are questions, as SelfSubjectAccessReview: POST is answered with what this returns, nothing is stored. */
  readonly review?: (object: ApiObject, asker: Asker) => ApiObject;

  /** Selectable fields beyond metadata.name and metadata.namespace, as `spec.nodeName`; absent values are ''. */
  readonly fieldSelectors: Readonly<Record<string, (object: ApiObject) => string>>;
  readonly columns: readonly TableColumn[];
  /** One cell a column; `now` in milliseconds since the epoch. */
  cells(object: ApiObject, now: number): readonly unknown[];

  /** Merge keys for strategic merge patch; absent for custom resources, which do not take that patch type. */
  readonly mergeSchema?: MergeSchema;
  /** How its fields are owned; without it server-side apply is refused. */
  readonly ownership?: () => OwnershipSchema;
  /** The schema itself, of kinds that no table describes (custom resources). */
  readonly openApi?: Fields;
  /** Name of the kind's schema in OpenAPI, as `io.k8s.api.core.v1.Pod`. */
  readonly schema: string;
}

/** Who asks a question, and whom the answer is taken from. */
export interface Asker {
  readonly user: User;
  readonly access: Authorizer;
  /** Whose token it is; undefined for one that is not valid for one of the audiences (none: for the API server itself). */
  userOf(token: string, audiences: readonly string[]): User | undefined;
}

/** Only of kinds that share the storage of another one and differ from it in form. */
export interface StorageView {
  toStorage(object: ApiObject): ApiObject;
  fromStorage(object: ApiObject): ApiObject;
}

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

export const STANDARD_VERBS: readonly Verb[] = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

/** `pods/status`, `deployments/scale`, `pods/binding`, `pods/log`, `namespaces/finalize` …, as discovery lists them. */
export interface Subresource {
  readonly name: string;
  /** Group, version and kind of the body; only where they differ from the parent's (Scale, Binding, Eviction). */
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly verbs: readonly Verb[];
  /** Only of `scale`. */
  readonly scale?: ScalePaths;
}

/** Where a kind keeps what autoscaling/v1 Scale shows. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** The label selector in its string form; '' when there is none. */
  readonly selector: (object: ApiObject) => string;
}

/** What create, update and delete keep or drop. */
export interface Strategy {
  /**
   * Top-level fields that belong to the status subresource (`['status']`): dropped on create, kept from the stored
   * object on update, and the only fields (with metadata) that a write to `/status` changes. Empty for kinds without.
   */
  readonly statusFields: readonly string[];
  /** True if metadata.generation starts at 1 and rises when anything but metadata and `statusFields` changes. */
  readonly countsGenerations: boolean;
  /** An update without resourceVersion overwrites (true for nearly all kinds). */
  readonly allowsUnconditionalUpdate: boolean;
  /** PUT of an absent object creates it (Lease, Event, Node … as upstream). */
  readonly allowsCreateOnUpdate: boolean;
  /** Owners of fields are written down only once somebody applied it: for objects that are many, small and short-lived. */
  readonly tracksFromFirstApply?: boolean;
  /** Seconds after its last write at which an object goes by itself (Events); absent: never. */
  readonly timeToLiveSeconds?: number;
  /** What the server itself sets, after `statusFields` were dropped: `status.phase: Pending`, a namespace's finalizer. */
  readonly onCreate?: (object: ApiObject) => ApiObject;
  /** What the server carries over or corrects on an update; `subresource` as in `validate`. */
  readonly onUpdate?: (object: ApiObject, before: ApiObject, subresource?: string) => ApiObject;
  /**
   * Graceful deletion (pods): the seconds that this object may take to go, given what was asked for; 0 deletes at once.
   * Absent: every deletion is immediate, finalizers apart.
   */
  readonly gracePeriodSeconds?: (object: ApiObject, requested: number | undefined) => number;
  /** Dependents stay when a deletion says nothing of them (Jobs, as upstream); the text is the warning that it earns. */
  readonly orphansByDefault?: string;
  /** The answer to a deletion is the object as it went, instead of a Status. */
  readonly returnsDeleted?: boolean;
  /** What deletion itself changes when it has to wait for finalizers or grace: a namespace becomes Terminating. */
  readonly onDeletionMark?: (object: ApiObject) => ApiObject;
  /** True while something besides metadata.finalizers holds a deleted object: a namespace's `spec.finalizers`. */
  readonly isHeld?: (object: ApiObject) => boolean;
  /** The warnings that a write earns (`Warning` response headers), as for deprecated fields. */
  readonly warnings?: (object: ApiObject) => readonly string[];
}

/** One broken rule; printed as upstream prints it: `spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive`. */
export interface FieldError {
  readonly type:
    | 'Required'
    | 'Invalid'
    | 'NotSupported'
    | 'Forbidden'
    | 'Duplicate'
    | 'NotFound'
    | 'TooShort'
    | 'TooLong'
    | 'TooMany'
    | 'TypeInvalid';
  readonly field: string;
  /** Shown where the type shows a value; `detail` of NotSupported is the text `supported values: "A", "B"`. */
  readonly value?: unknown;
  readonly detail: string;
}

/** TableColumnDefinition of meta/v1. Columns with priority > 0 show with `-o wide`. */
export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

/**
 * How a value merges in a strategic merge patch. One node per schema; nodes are made when asked for.
 * Where nothing is known (undefined), objects merge as JSON merge patch does and lists are replaced.
 */
export interface MergeSchema {
  /** Schema of the field `name` of an object (of any key, for a map). */
  field(name: string): MergeSchema | undefined;
  /** Schema of a list's items. */
  items(): MergeSchema | undefined;
  /** `x-kubernetes-patch-strategy`, split at commas. */
  readonly strategies: readonly ('merge' | 'replace' | 'retainKeys')[];
  /** `x-kubernetes-patch-merge-key`; undefined for lists of scalars. */
  readonly mergeKey: string | undefined;
}

/** Key of the registry and of discovery: `apps/v1/deployments`, `/v1/pods`. */
export const keyOfKind = (kind: Pick<Kind, 'group' | 'version' | 'plural'>): string =>
  `${kind.group}/${kind.version}/${kind.plural}`;

/** `v1`, `apps/v1`. */
export const apiVersionOf = (kind: Pick<Kind, 'group' | 'version'>): string =>
  kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;

/** Where the store keeps the objects of a kind. */
export const storageOf = (kind: Kind): string => kind.storage ?? `${kind.group}/${kind.plural}`;
