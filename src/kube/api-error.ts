import { FairleadError } from '../base/errors.ts';
import type { Status } from './types/meta.ts';

/** An error that the API server answered. `reason` is Status.reason: branch on it, never on the text. */
export class ApiError extends FairleadError {
  /** The HTTP status code. */
  readonly status: number;
  readonly reason: string;
  /** Present where the server names fields, causes or a time to wait. */
  readonly details: Status['details'];
  /** From `Retry-After` or Status.details.retryAfterSeconds, at most 60. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    status: number,
    answer: Status,
    context: { readonly object?: string; readonly retryAfterSeconds?: number },
  ) {
    const reason = answer.reason === undefined || answer.reason === '' ? reasonOf(status) : answer.reason;
    const field = answer.details?.causes?.find(cause => cause.field !== undefined)?.field;
    super(`kube/${kebabCase(reason)}`, answer.message ?? `The API server answered ${status} ${reason}.`, {
      ...(context.object === undefined ? {} : { object: context.object }),
      ...(field === undefined ? {} : { field }),
    });
    this.status = status;
    this.reason = reason;
    this.details = answer.details;
    this.retryAfterSeconds = boundedWait(context.retryAfterSeconds ?? answer.details?.retryAfterSeconds);
  }
}

export const isNotFound = (error: unknown): boolean => error instanceof ApiError && error.status === 404;

/** The object changed since it was read (409 Conflict), as opposed to `isAlreadyExists`. */
export const isConflict = (error: unknown): boolean =>
  error instanceof ApiError && error.status === 409 && error.reason !== 'AlreadyExists';

export const isAlreadyExists = (error: unknown): boolean =>
  error instanceof ApiError && error.reason === 'AlreadyExists';

/** The resource version or the continue token is older than what the server remembers (410 Gone or Expired). */
export const isGone = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');

/** The resource version is from another life of the server's store. */
export const isResourceVersionTooLarge = (error: unknown): boolean =>
  error instanceof ApiError &&
  (error.details?.causes?.some(cause => cause.reason === 'ResourceVersionTooLarge') ?? false);

/** Reads the body of a failed answer; anything that is not a Status becomes one. */
export function apiErrorOf(
  status: number,
  body: string,
  context: { readonly object?: string; readonly retryAfterSeconds?: number },
): ApiError {
  return new ApiError(status, statusOf(body) ?? { message: textOf(status, body) }, context);
}

function statusOf(body: string): Status | undefined {
  try {
    const parsed = JSON.parse(body) as Status | null;
    return parsed?.kind === 'Status' && isReadable(parsed) ? parsed : undefined;
  } catch {
    return undefined; // a proxy's HTML, an empty body: the text itself is shown
  }
}

/** Are the fields that are read here what they should be? A proxy may answer in the name of the server. */
function isReadable({ message, reason, details }: Status): boolean {
  const causes: unknown = details?.causes ?? [];
  return (
    ['string', 'undefined'].includes(typeof message) &&
    ['string', 'undefined'].includes(typeof reason) &&
    Array.isArray(causes) &&
    causes.every(cause => typeof cause === 'object' && cause !== null)
  );
}

const LONGEST_WAIT_SECONDS = 60;

/** Whoever answers cannot keep us waiting for hours. */
function boundedWait(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && seconds >= 0 ? Math.min(seconds, LONGEST_WAIT_SECONDS) : undefined;
}

function textOf(status: number, body: string): string {
  const text = body.trim().slice(0, 512);
  return text === '' ? `The API server answered ${status} ${reasonOf(status)}.` : text;
}

/** metav1.StatusReason of an HTTP status code, where a server (or a proxy before it) gave none. */
function reasonOf(status: number): string {
  return REASONS[status] ?? 'Unknown';
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function kebabCase(reason: string): string {
  return reason.replace(/(?<=[a-z0-9])([A-Z])/g, '-$1').toLowerCase();
}
