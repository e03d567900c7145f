export interface VerifierReason {
  /** Why the program is refused: `R1 type=scalar expected=ctx`. */
  readonly reason: string;
  /** The line of C that it is about, where the object has debug information. */
  readonly source: string | undefined;
  /** Lines of the log besides these. */
  readonly omitted: number;
}

const reasonLines = 3;

/**
 * What matters of a verifier's log: the last lines before its statistics that are neither instructions nor source. Above
 * them stand the instructions, and before those `; ` and the line of source.
 */
export function verifierReason(log: string): VerifierReason | undefined {
  const lines = log
    .split('\n')
    .map(line => line.trimEnd())
    .filter(line => line !== '' && !/^(libbpf: |-- |BEGIN PROG|prog '.*: -- )/.test(line));
  const statistics = lines.findIndex(line => /^processed \d+ insns/.test(line));
  const until = statistics < 0 ? lines : lines.slice(0, statistics);
  const last = until.findLastIndex(line => !isTrace(line));
  if (last < 0) return undefined;
  const before = until.slice(0, last + 1).findLastIndex(isTrace);
  const reason = until.slice(Math.max(before + 1, last + 1 - reasonLines), last + 1);
  const source = until
    .slice(0, last)
    .findLast(line => line.startsWith('; '))
    ?.slice(2);
  const omitted = lines.length - reason.length - (source === undefined ? 0 : 1);
  return { reason: reason.join('; '), source, omitted };
}

/** An instruction with the registers after it, a line of source, or a remark on the walk. */
function isTrace(line: string): boolean {
  return /^(\d+: |; |from \d+ to \d+|func#\d+|mark_precise|last_idx|regs=|parent |stack depth|verification time)/.test(
    line,
  );
}
