import { FairleadError } from '../../base/errors.ts';
import type { ErrorDetail } from '../../base/errors.ts';

/** What goes between a process's main thread and its kernel worker; everything can be structured-cloned. */

export interface CallMessage {
  readonly id: number;
  readonly name: string;
  readonly parameters: readonly unknown[];
}

export type AnswerMessage =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: Failure };

/** An error as plain data: its class does not survive the way, its facts do. */
export interface Failure {
  readonly code: string;
  readonly sentence: string;
  readonly detail: ErrorDetail;
  readonly facts: KernelFacts;
}

/** What the kernel said. */
export interface KernelFacts {
  /** `EEXIST`, of netlink and system calls. */
  readonly errno?: string;
  /** Netlink's extended acknowledgement, or nftables' words. */
  readonly words?: string;
  /** Which of the operations of the call. */
  readonly operationIndex?: number;
  /** The refused line of nftables commands. */
  readonly command?: string;
}

/** An error of a call that a kernel worker made; `code`, sentence and hint are those of the original. */
export class KernelCallError extends FairleadError {
  readonly facts: KernelFacts;

  constructor(failure: Failure) {
    super(failure.code, failure.sentence, failure.detail);
    this.facts = failure.facts;
  }
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof FairleadError)) {
    const sentence = error instanceof Error ? error.message : String(error);
    return { code: 'kernel/worker-call', sentence, detail: {}, facts: {} };
  }
  const { object, field, hint } = error;
  const cause = error.cause instanceof Error ? error.cause.message : undefined;
  const detail: ErrorDetail = {
    ...(object === undefined ? {} : { object }),
    ...(field === undefined ? {} : { field }),
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause: new Error(cause) }),
  };
  return { code: error.code, sentence: error.message, detail, facts: factsOf(error) };
}

/** By their shape: NetlinkError, NftError, BpfError and SystemCallError are not loaded here, nor what they need. */
function factsOf(error: FairleadError & Partial<Record<FactSource, unknown>>): KernelFacts {
  const words = error.kernelMessage ?? error.words;
  return {
    ...(typeof error.errno === 'string' ? { errno: error.errno } : {}),
    ...(typeof words === 'string' ? { words } : {}),
    ...(typeof error.operationIndex === 'number' ? { operationIndex: error.operationIndex } : {}),
    ...(typeof error.command === 'string' ? { command: error.command } : {}),
  };
}

type FactSource = 'errno' | 'kernelMessage' | 'words' | 'operationIndex' | 'command';
