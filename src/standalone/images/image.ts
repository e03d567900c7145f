/**
 * What an image stands for: a program of ours or of the host. There is no registry and nothing is pulled; the table in
 * `image-table.ts` says which reference means what, and anything else is an error.
 */
export interface Image {
  /** Shown as `imageID`: `builtin://pause`, `host:///usr/bin/curl`. */
  readonly id: string;
  /** As in an image's configuration: `command` of a container replaces both, `args` the second. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** The user of containers that do not say one. */
  readonly user: { readonly uid: number; readonly gid: number };
  /** Programs that the original has at these names, and what runs in their place. */
  readonly programs: Readonly<Record<string, Program>>;
  /** Whether the original has a shell and tools: if so, every other name is looked up among the host's programs. */
  readonly hasShell: boolean;
}

export interface Program {
  /** Replaces the name; what follows the name is passed on. Paths are those of `builtinPaths`, or the host's. */
  readonly arguments: readonly string[];
  /** A sentence when the stand-in cannot do what these arguments ask of the original. */
  readonly refuse?: (rest: readonly string[]) => string | undefined;
}

/** Where a container finds what Fairlead brings, read-only and outside of everything that an image may contain. */
export const builtinPaths = {
  directory: '/.fairlead',
  launcher: '/.fairlead/launcher',
  node: '/.fairlead/node',
  programs: '/.fairlead/programs',
} as const;

export type Resolved =
  | { readonly kind: 'mapped'; readonly image: Image; readonly reference: string }
  /** `reason` as the kubelet's: InvalidImageName for a reference that is none, ErrImagePull for one that maps to nothing. */
  | {
      readonly kind: 'refused';
      readonly reason: 'InvalidImageName' | 'ErrImagePull';
      readonly message: string;
    };

export type CommandLine =
  | { readonly kind: 'run'; readonly arguments: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string };

/** A container's complete command line, by Kubernetes' rule for `command` and `args`, with stand-ins put in. */
export function commandLineOf(
  image: Image,
  command: readonly string[] | undefined,
  args: readonly string[] | undefined,
): CommandLine {
  const hasCommand = command !== undefined && command.length > 0;
  const hasArgs = args !== undefined && args.length > 0;
  const first = hasCommand ? command : image.entrypoint;
  const rest = hasArgs ? args : hasCommand ? [] : image.command;
  return programLineOf(image, [...first, ...rest]);
}

/** The same for a command that is run in a running container. */
export function programLineOf(image: Image, line: readonly string[]): CommandLine {
  const [name, ...rest] = line;
  if (name === undefined || name === '') {
    return { kind: 'refused', message: `${image.id} has no default command: give the container one.` };
  }
  const program = Object.hasOwn(image.programs, name) ? image.programs[name] : undefined;
  if (program === undefined) {
    if (image.hasShell) return { kind: 'run', arguments: line };
    const known = Object.keys(image.programs).join(', ');
    return { kind: 'refused', message: `${image.id} has no program "${name}"; it has ${known}.` };
  }
  const refusal = program.refuse?.(rest);
  if (refusal !== undefined) return { kind: 'refused', message: refusal };
  return { kind: 'run', arguments: [...program.arguments, ...rest] };
}
