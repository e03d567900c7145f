/**
 * The flags of a container's arguments, by name, without dashes: `--name=value`, `--name value` and `--name`, which is
 * `true`. What is no flag is left out; of several of a name the last counts.
 */
export function readFlags(args: readonly string[]): Readonly<Record<string, string>> {
  const flags: Record<string, string> = {};
  for (const [index, argument] of args.entries()) {
    const match = /^--?([A-Za-z][\w-]*)(?:=([^]*))?$/.exec(argument);
    if (match?.[1] === undefined) continue;
    const next = args[index + 1];
    const follows = next !== undefined && !next.startsWith('-') ? next : 'true';
    flags[match[1]] = match[2] ?? follows;
  }
  return flags;
}
