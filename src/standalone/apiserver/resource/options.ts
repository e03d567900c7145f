import { mediaTypeOf } from '../codec/body.ts';
import type { FieldError, Verb } from '../kind.ts';
import { invalid } from '../status.ts';
import { booleanParameter } from './target.ts';
import type { Target } from './target.ts';

/** What upstream calls the query parameters of a verb (meta/v1), with its rules for them. */
const OPTIONS: Readonly<Partial<Record<Verb, string>>> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'ListOptions',
  list: 'ListOptions',
  watch: 'ListOptions',
};

/** 422 with a cause for each parameter of the query that its verb does not take. */
export function assertOptions(target: Target, verb: Verb): void {
  const { query } = target.request;
  if (query.size === 0) return;
  const kind = OPTIONS[verb];
  if (kind === undefined) return;
  const errors = kind === 'ListOptions' ? listErrors(query, verb) : writeErrors(target, verb);
  if (errors.length > 0) throw optionsError(kind, errors);
}

export const optionsError = (kind: string, errors: readonly FieldError[]): Error =>
  invalid({ group: 'meta.k8s.io', kind }, '', errors);

const LONGEST_MANAGER = 128;

function writeErrors(target: Target, verb: Verb): readonly FieldError[] {
  const { query } = target.request;
  const errors: FieldError[] = [];
  const isApply = mediaTypeOf(target.request) === 'application/apply-patch+yaml';
  const manager = query.get('fieldManager') ?? '';
  if (verb === 'patch' && isApply) {
    if (manager === '')
      errors.push({ type: 'Required', field: 'fieldManager', detail: 'is required for apply patch' });
  } else if (verb === 'patch' && booleanParameter(query, 'force') !== undefined) {
    errors.push({ type: 'Forbidden', field: 'force', detail: 'may not be specified for non-apply patch' });
  }
  if (verb !== 'delete') {
    if (Buffer.byteLength(manager) > LONGEST_MANAGER) {
      const detail = `may not be more than ${LONGEST_MANAGER} bytes`;
      errors.push({ type: 'TooLong', field: 'fieldManager', detail });
    } else if (!/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(manager)) {
      const detail = 'should only contain printable characters';
      errors.push({ type: 'Invalid', field: 'fieldManager', value: manager, detail });
    }
  }
  errors.push(...dryRunErrors(query.getAll('dryRun').filter(value => value !== '')));
  const validation = query.get('fieldValidation') ?? '';
  if (verb !== 'delete' && !VALIDATIONS.includes(validation)) {
    errors.push(notSupported('fieldValidation', validation, VALIDATIONS));
  }
  return errors;
}

const VALIDATIONS = ['', 'Ignore', 'Strict', 'Warn'];

export const dryRunErrors = (values: readonly string[]): readonly FieldError[] =>
  values.every(value => value === 'All') ? [] : [notSupported('dryRun', values, ['All'])];

function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const list = supported.map(text => JSON.stringify(text)).join(', ');
  return { type: 'NotSupported', field, value, detail: `supported values: ${list}` };
}

const MATCH = 'resourceVersionMatch';

function listErrors(query: URLSearchParams, verb: Verb): readonly FieldError[] {
  const match = query.get(MATCH) ?? '';
  const initial = booleanParameter(query, 'sendInitialEvents');
  const continues = (query.get('continue') ?? '') !== '';
  const errors: FieldError[] = [];
  const forbid = (detail: string, field = MATCH) => errors.push({ type: 'Forbidden', field, detail });
  if (verb === 'watch') {
    if (initial !== undefined && match !== 'NotOlderThan')
      forbid('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
    if (match !== '' && initial === undefined)
      forbid('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    if (match !== '' && match !== 'NotOlderThan') errors.push(notSupported(MATCH, match, ['NotOlderThan']));
    if (continues) forbid('resourceVersionMatch is forbidden when continue is provided');
    return errors;
  }
  if (match !== '') {
    const revision = query.get('resourceVersion') ?? '';
    if (revision === '') forbid('resourceVersionMatch is forbidden unless resourceVersion is provided');
    if (continues) forbid('resourceVersionMatch is forbidden when continue is provided');
    if (match !== 'Exact' && match !== 'NotOlderThan')
      errors.push(notSupported(MATCH, match, ['Exact', 'NotOlderThan', '']));
    if (match === 'Exact' && revision === '0')
      forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  if (initial !== undefined) forbid('sendInitialEvents is forbidden for list', 'sendInitialEvents');
  return errors;
}
