import { FairleadError } from '../../base/errors.ts';
import { errnoName, errnoSentence } from '../ffi/errno.ts';
import { flags } from './request.ts';
import type { Message } from './wire.ts';
import { decodeAttributes, readText, viewOf } from './wire.ts';

/** What the kernel refused. */
export class NetlinkError extends FairleadError {
  /** The symbolic name: `EEXIST`. */
  readonly errno: string;
  /** The kernel's own words (extended acknowledgement), where it has some. */
  readonly kernelMessage: string | undefined;
  /** Which of the operations; undefined when reading. */
  readonly operationIndex: number | undefined;

  constructor(what: string, refusal: Refusal, operationIndex?: number) {
    const words = refusal.message === undefined ? '' : ` (the kernel says: ${refusal.message})`;
    const name = errnoName(refusal.errno);
    super('kernel/netlink', `Cannot ${what}: ${errnoSentence(refusal.errno)}, ${name}${words}`, hintOf(name));
    this.errno = name;
    this.kernelMessage = refusal.message;
    this.operationIndex = operationIndex;
  }
}

export interface Refusal {
  readonly errno: number;
  readonly message: string | undefined;
}

const extendedMessage = 1;

/** The refusal in an NLMSG_ERROR or NLMSG_DONE; undefined for an acknowledgement. EPROTO for a cut-off one. */
export function decodeRefusal(message: Message): Refusal | undefined {
  const { body } = message;
  if (body.length < 4) return { errno: 71, message: 'the answer is cut off' };
  const code = viewOf(body).getInt32(0, true);
  if (code >= 0) return undefined;
  return { errno: -code, message: decodeExtended(message) };
}

function decodeExtended(message: Message): string | undefined {
  if ((message.flags & flags.hasAttributes) === 0) return undefined;
  const { body } = message;
  // In an error, the refused message's header follows the code, and its body unless the kernel caps it; in the end of
  // a dump, nothing.
  const requestLength = body.length >= 8 ? viewOf(body).getUint32(4, true) : 16;
  const isDone = message.type === 3;
  const from = isDone ? 4 : 4 + ((message.flags & flags.capped) === 0 ? requestLength : 16);
  return readText(decodeAttributes(body, from).get(extendedMessage));
}

function hintOf(errno: string): { readonly hint?: string } {
  if (errno === 'EPERM') return { hint: 'Run it as root, with CAP_NET_ADMIN' };
  if (errno === 'EOPNOTSUPP')
    return { hint: 'This kernel lacks the kind of link or the feature; see `fairlead status`' };
  return {};
}
