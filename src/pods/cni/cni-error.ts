import { FairleadError, sentenceOf } from '../../base/errors.ts';
import type { ErrorDetail } from '../../base/errors.ts';

/** The error codes of the CNI specification (section "Error"), and ours from 100 on. */
export const cniCodes = {
  incompatibleVersion: 1,
  containerUnknown: 3,
  badEnvironment: 4,
  inputOutput: 5,
  decode: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  notAvailable: 50,
  alreadyAttached: 100,
  kernelRefused: 101,
  checkFailed: 102,
  internal: 999,
} as const;

export class CniError extends FairleadError {
  readonly cniCode: number;

  constructor(cniCode: number, what: string, sentence: string, detail: ErrorDetail = {}) {
    super(`pods/cni-${what}`, sentence, detail);
    this.cniCode = cniCode;
  }
}

/** The code of anything that an operation threw; what has none of its own is judged by where it came from. */
export function cniCodeOf(error: unknown): number {
  if (error instanceof CniError) return error.cniCode;
  if (!(error instanceof FairleadError)) return cniCodes.internal;
  const known = codeByError[error.code];
  if (known !== undefined) return known;
  return error.code.startsWith('kernel/') ? cniCodes.kernelRefused : cniCodes.internal;
}

const codeByError: Readonly<Record<string, number>> = {
  'pods/attachment-exists': cniCodes.alreadyAttached,
  'pods/interface-exists': cniCodes.alreadyAttached,
  'pods/addresses-exhausted': cniCodes.tryAgainLater,
  'pods/host-port-taken': cniCodes.tryAgainLater,
  'pods/ipam-unusable': cniCodes.inputOutput,
};

/** The error object that the specification wants on standard output. */
export function renderError(
  error: unknown,
  cniVersion: string,
): { readonly code: number; readonly body: string } {
  const code = cniCodeOf(error);
  const detail =
    error instanceof FairleadError ? [error.field, error.hint].filter(text => text !== undefined) : [];
  const body = {
    cniVersion,
    code,
    msg: sentenceOf(error),
    ...(detail.length > 0 ? { details: detail.join(': ') } : {}),
  };
  return { code, body: `${JSON.stringify(body)}\n` };
}
