import { sentenceOf } from '../../base/errors.ts';
import { BpfError } from '../bpf/error.ts';
import { SystemCallError } from '../ffi/errno.ts';
import { NetlinkError } from '../netlink/index.ts';
import { NftError } from '../nft/error.ts';

/** What a probe found. `unknown` is no answer: it failed for another reason, and is tried again. */
export type Outcome =
  | { readonly is: 'supported' }
  | { readonly is: 'unsupported'; readonly reason: string }
  | { readonly is: 'unknown'; readonly reason: string };

export const supported: Outcome = { is: 'supported' };
export const unsupported = (reason: string): Outcome => ({ is: 'unsupported', reason });
export const unknown = (reason: string): Outcome => ({ is: 'unknown', reason });

/** Error numbers with which a kernel says that it does not know something. */
const lacking: ReadonlySet<string> = new Set([
  'EOPNOTSUPP',
  'ENOTSUP',
  'EPROTONOSUPPORT',
  'EAFNOSUPPORT',
  'ENOSYS',
  'ENODEV',
  'ENOTTY',
]);
const lackingWords = /Operation not supported|No such file or directory|Protocol not supported/;

/** Whether an error means that the kernel lacks what was tried, or something else (rights, memory, a busy name). */
export function outcomeOf(error: unknown): Outcome {
  const reason = sentenceOf(error);
  if (error instanceof NftError)
    return lackingWords.test(error.words) ? unsupported(reason) : unknown(reason);
  const errno = errnoOf(error);
  return errno !== undefined && lacking.has(errno) ? unsupported(reason) : unknown(reason);
}

function errnoOf(error: unknown): string | undefined {
  if (error instanceof SystemCallError || error instanceof NetlinkError || error instanceof BpfError)
    return error.errno;
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}
