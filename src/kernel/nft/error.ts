import { FairleadError } from '../../base/errors.ts';

/** What nftables refused: its own words, and the command that they are about. */
export class NftError extends FairleadError {
  /** `Could not process rule: No such file or directory` */
  readonly words: string;
  /** The line of the commands that is refused, cut to a readable length. */
  readonly command: string | undefined;

  constructor(output: string) {
    const { words, command } = firstRefusal(output);
    const about = command === undefined ? '' : ` in "${command}"`;
    super('kernel/nft', `nftables refuses a change: ${words}${about}`, hintOf(words));
    this.words = words;
    this.command = command;
  }
}

const longestCommand = 200;

/**
 * The library's messages: `Error: words` (with `file:line:from-to: ` before it when it reads a file), the refused line,
 * and carets below the refused part.
 */
export function firstRefusal(output: string): {
  readonly words: string;
  readonly command: string | undefined;
} {
  const lines = output.split('\n');
  const at = lines.findIndex(line => /^(\S+: )?Error: /.test(line));
  const message = lines[at];
  if (message === undefined) return { words: lines[0]?.trim() || 'no reason is given', command: undefined };
  const words = message.slice(message.indexOf('Error: ') + 'Error: '.length);
  const command = lines[at + 1];
  const column = Math.max(0, lines[at + 2]?.indexOf('^') ?? 0);
  return { words, command: command ? excerpt(command, column).trim() : undefined };
}

/** A long line is cut around the refused column. */
function excerpt(line: string, column: number): string {
  if (line.length <= longestCommand) return line;
  const from = Math.max(0, Math.min(column - longestCommand / 2, line.length - longestCommand));
  const cut = line.slice(from, from + longestCommand);
  return `${from > 0 ? '…' : ''}${cut}${from + longestCommand < line.length ? '…' : ''}`;
}

function hintOf(words: string): { readonly hint?: string } {
  if (words.includes('Operation not permitted')) return { hint: 'Run it as root, with CAP_NET_ADMIN' };
  if (words.includes('Operation not supported'))
    return { hint: 'This kernel lacks an nftables feature; see `fairlead status`' };
  return {};
}
