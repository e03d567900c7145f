import koffi from 'koffi';
import type { LibraryHandle } from 'koffi';
import { FairleadError } from '../../base/errors.ts';

export interface LibraryDescription {
  /** What the dynamic linker looks for. */
  readonly file: string;
  /** Debian's and Ubuntu's package that brings it. */
  readonly package: string;
}

/** Loads a shared library; the error says which package brings it. */
export function openLibrary(description: LibraryDescription): LibraryHandle {
  try {
    return koffi.load(description.file);
  } catch (cause) {
    throw new FairleadError('kernel/library-missing', `The library ${description.file} cannot be loaded`, {
      hint: `Install it: apt-get install ${description.package}`,
      cause,
    });
  }
}

/** C functions by name, for prototypes in C's notation; the caller states their types in an interface of these names. */
export function bindFunctions(
  library: LibraryHandle,
  prototypes: readonly string[],
): Record<string, unknown> {
  const named = prototypes.map(prototype => {
    const call = library.func(prototype);
    return [call.info.name, call] as const;
  });
  return Object.fromEntries(named);
}
