import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { FieldError, Kind } from './kind.ts';

/** StatusReason of meta/v1: what clients branch on. */
export type Reason =
  | 'AlreadyExists'
  | 'BadRequest'
  | 'Conflict'
  | 'Expired'
  | 'Forbidden'
  | 'InsufficientStorage'
  | 'InternalError'
  | 'Invalid'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'NotFound'
  | 'RequestEntityTooLarge'
  | 'ServiceUnavailable'
  | 'Timeout'
  | 'TooManyRequests'
  | 'Unauthorized'
  | 'UnsupportedMediaType';

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

/** Status of meta/v1. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: object;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

/** A request that is answered with a Status. */
export class StatusError extends FairleadError {
  readonly status: number;
  readonly reason: Reason;
  readonly details: StatusDetails | undefined;
  /** ListMeta of the Status. */
  readonly listMeta: { readonly continue?: string };
  /** What the request earned before it was refused (`Warning` headers). */
  warnings: readonly string[] = [];

  constructor(
    status: number,
    reason: Reason,
    message: string,
    details?: StatusDetails,
    listMeta: { readonly continue?: string } = {},
  ) {
    super(`api/${reason.replace(/(?<=.)[A-Z]/g, letter => `-${letter}`).toLowerCase()}`, message);
    this.status = status;
    this.reason = reason;
    this.details = details;
    this.listMeta = listMeta;
  }
}

/** Nothing at all is there, as upstream answers: a line of text instead of a Status. */
export class PageNotFound extends StatusError {
  constructor() {
    super(404, 'NotFound', '404 page not found');
  }
}

/** What `write` throws carries the warnings that its request has earned so far. */
export function warningOf<T>(warnings: readonly string[], write: () => Promise<T>): Promise<T> {
  return warnings.length === 0 ? write() : withWarnings(warnings, write);
}

async function withWarnings<T>(warnings: readonly string[], write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (error instanceof StatusError) error.warnings = [...warnings, ...error.warnings];
    throw error;
  }
}

export function statusOf(error: StatusError): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: error.listMeta,
    status: 'Failure',
    message: error.message,
    reason: error.reason,
    ...(error.details === undefined ? {} : { details: error.details }),
    code: error.status,
  };
}

/** Anything thrown as the Status that the client sees; what is no StatusError and no known failure is a 500. */
export function asStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof FairleadError && error.code === 'store/disk-full') {
    return new StatusError(507, 'InsufficientStorage', error.message, {
      causes: [{ message: error.hint ?? '' }],
    });
  }
  if (error instanceof FairleadError && error.code === 'store/too-large') {
    return new StatusError(413, 'RequestEntityTooLarge', error.message);
  }
  const sentence = sentenceOf(error);
  const causes = [{ message: sentence }];
  return new StatusError(500, 'InternalError', `Internal error occurred: ${sentence}`, { causes });
}

/** `pods`, `deployments.apps`: how messages name a resource. */
export const qualifiedResource = (kind: Pick<Kind, 'group' | 'plural'>): string =>
  kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;

type Named = Pick<Kind, 'group' | 'plural'>;

const detailsOf = (kind: Named, name: string): StatusDetails => ({
  ...(name === '' ? {} : { name }),
  ...(kind.group === '' ? {} : { group: kind.group }),
  kind: kind.plural,
});

export const notFound = (kind: Named, name: string): StatusError =>
  new StatusError(404, 'NotFound', `${qualifiedResource(kind)} "${name}" not found`, detailsOf(kind, name));

export const alreadyExists = (kind: Named, name: string): StatusError =>
  new StatusError(
    409,
    'AlreadyExists',
    `${qualifiedResource(kind)} "${name}" already exists`,
    detailsOf(kind, name),
  );

export const conflict = (kind: Named, name: string, why: string): StatusError =>
  new StatusError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": ${why}`,
    detailsOf(kind, name),
  );

export const modified = (kind: Named, name: string): StatusError =>
  conflict(
    kind,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  );

export const forbidden = (
  kind: Named,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): StatusError =>
  new StatusError(
    403,
    'Forbidden',
    name === ''
      ? `${qualifiedResource(kind)} is forbidden: ${why}`
      : `${qualifiedResource(kind)} "${name}" is forbidden: ${why}`,
    { ...detailsOf(kind, name), ...(causes === undefined ? {} : { causes }) },
  );

export const badRequest = (message: string): StatusError => new StatusError(400, 'BadRequest', message);

/** `token` lets a list go on where it stopped, inconsistently. */
export const expired = (message: string, token?: string): StatusError =>
  new StatusError(410, 'Expired', message, undefined, token === undefined ? {} : { continue: token });

export const unknownPath = (): StatusError =>
  new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});

export const methodNotAllowed = (): StatusError =>
  new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );

export const unauthorized = (): StatusError => new StatusError(401, 'Unauthorized', 'Unauthorized');

/** 504 with the cause that makes a reflector list anew instead of trying again. */
export const tooLargeRevision = (wanted: number, current: number): StatusError =>
  new StatusError(504, 'Timeout', `Timeout: Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });

/** More broken rules than these are counted, not shown: a request of 3 MiB can break a hundred thousand. */
const MOST_ERRORS = 64;
/** Characters of a refused value or name that are shown. */
const MOST_SHOWN = 1024;

/** 422 with a cause for each broken rule. */
export function invalid(
  kind: Pick<Kind, 'group' | 'kind'>,
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const shown = errors.slice(0, MOST_ERRORS);
  const messages = shown.map(error => `${cut(error.field)}: ${fieldMessage(error)}`);
  if (errors.length > shown.length) messages.push(`and ${errors.length - shown.length} more`);
  const all = messages.length === 1 ? messages[0] : `[${messages.join(', ')}]`;
  const subject = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const called = cut(name);
  return new StatusError(422, 'Invalid', `${subject} "${called}" is invalid: ${all}`, {
    ...(name === '' ? {} : { name: called }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    ...(kind.kind === '' ? {} : { kind: kind.kind }),
    causes: shown.map(error => ({
      reason: `FieldValue${error.type}`,
      message: fieldMessage(error),
      field: cut(error.field),
    })),
  });
}

const cut = (text: string): string => (text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text);

const TITLES: Readonly<Record<FieldError['type'], string>> = {
  Required: 'Required value',
  Invalid: 'Invalid value',
  NotSupported: 'Unsupported value',
  Forbidden: 'Forbidden',
  Duplicate: 'Duplicate value',
  NotFound: 'Not found',
  TooShort: 'Too short',
  TooLong: 'Too long',
  TooMany: 'Too many',
  TypeInvalid: 'Invalid value',
};

const VALUELESS: readonly FieldError['type'][] = ['Required', 'Forbidden', 'TooLong', 'TooShort'];

function fieldMessage(error: FieldError): string {
  const title = TITLES[error.type];
  const detail = error.detail === '' ? '' : `: ${error.detail}`;
  const showsValue = !VALUELESS.includes(error.type) && Object.hasOwn(error, 'value');
  if (!showsValue) return title + detail;
  return `${title}: ${cut(JSON.stringify(error.value ?? null))}${detail}`;
}
