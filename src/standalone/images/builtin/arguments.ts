/**
 * What the built-in stand-ins accept. Everything else is refused before the program starts, in a sentence that says
 * what is missing, so that a stand-in never half does what the original would have done.
 */

/** echo-basic takes its settings from the environment alone. */
export function refuseEcho(rest: readonly string[]): string | undefined {
  return rest.length === 0 ? undefined : `builtin://echo takes no arguments, but got: ${rest.join(' ')}.`;
}

export function refuseAgnhost(rest: readonly string[]): string | undefined {
  const [subcommand, ...flags] = rest;
  if (subcommand === undefined) return 'builtin://agnhost needs a subcommand.';
  const known = Object.hasOwn(SUBCOMMANDS, subcommand) ? SUBCOMMANDS[subcommand] : undefined;
  if (known === undefined) {
    return `builtin://agnhost has no subcommand "${subcommand}" yet; it has ${Object.keys(SUBCOMMANDS).join(', ')}.`;
  }
  for (let index = 0; index < flags.length; index++) {
    const flag = flags[index] ?? '';
    const [name = '', value] = splitFlag(flag);
    if (!known.includes(name)) {
      return `builtin://agnhost ${subcommand} does not know the argument "${flag}"; it knows ${known.map(each => `--${each}`).join(', ') || 'none'}.`;
    }
    const text = value ?? flags[++index];
    if (text === undefined || !isPort(text)) {
      return `builtin://agnhost ${subcommand} needs a port number for --${name}, not "${text ?? ''}".`;
    }
  }
  return undefined;
}

const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  pause: [],
  netexec: ['http-port', 'udp-port'],
  'serve-hostname': ['port'],
};

function splitFlag(flag: string): readonly [name?: string | undefined, value?: string | undefined] {
  const found = /^--([a-z-]+)(?:=(.*))?$/.exec(flag);
  return found === null ? [] : [found[1], found[2]];
}

function isPort(text: string): boolean {
  return /^-1$|^\d{1,5}$/.test(text) && Number(text) <= 65_535;
}
