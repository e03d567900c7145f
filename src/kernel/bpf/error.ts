import { FairleadError } from '../../base/errors.ts';
import { errnoName, errnoSentence } from '../ffi/errno.ts';
import { verifierReason } from './verifier-log.ts';

const messagesShown = 4;
/** libbpf's own numbers (LIBBPF_ERRNO__…) begin here; they are all about the object file. */
const firstOfLibbpf = 4000;

/** What libbpf or the kernel refused, with libbpf's messages. */
export class BpfError extends FairleadError {
  readonly errno: string;
  /** Everything that libbpf said, the verifier's log included. */
  readonly log: string;

  /** `number` is positive. */
  constructor(what: string, number: number, messages: readonly string[] = []) {
    const ofFile = number >= firstOfLibbpf;
    const errno = ofFile ? `libbpf ${number}` : errnoName(number);
    const sentence = ofFile ? 'the eBPF object is not valid' : errnoSentence(number);
    const log = messages.join('');
    const verifier = log.includes('BEGIN PROG LOAD LOG') ? verifierWords(log) : undefined;
    const words = verifier ?? wordsOf(messages);
    const said = words === '' ? '' : `: ${words}`;
    super(
      'kernel/bpf',
      `Cannot ${what}: ${sentence}, ${errno}${said}`,
      hintOf(errno, verifier !== undefined),
    );
    this.errno = errno;
    this.log = log;
  }
}

/** The result of a libbpf function of type int. */
export function done(result: number, what: string, messages: readonly string[] = []): number {
  if (result < 0) throw new BpfError(what, -result, messages);
  return result;
}

/** The first messages tell the reason, later ones what fails because of it. */
function wordsOf(messages: readonly string[]): string {
  const shown = messages.slice(0, messagesShown).map(message => message.replace('libbpf: ', '').trim());
  const more = messages.length - shown.length;
  return shown.join('; ') + (more > 0 ? ` (${more} more messages)` : '');
}

function verifierWords(log: string): string | undefined {
  const found = verifierReason(log.slice(log.indexOf('BEGIN PROG LOAD LOG')));
  if (found === undefined) return undefined;
  const program = /prog '([^']+)'/.exec(log)?.[1] ?? '';
  const source = found.source === undefined ? '' : ` at "${found.source}"`;
  return `the verifier says of ${program}: ${found.reason}${source} (${found.omitted} more lines in the log)`;
}

function hintOf(errno: string, byVerifier: boolean): { readonly hint?: string } {
  if (byVerifier) return {};
  if (errno === 'EPERM') return { hint: 'Run it as root, with CAP_BPF and CAP_NET_ADMIN' };
  if (errno === 'ENOSYS')
    return { hint: 'This kernel is built without the bpf system call (CONFIG_BPF_SYSCALL)' };
  return {};
}
