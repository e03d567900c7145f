import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../../base/errors.ts';
import type { KubeObject } from '../../kube/types/meta.ts';

/** An object from a file, with the way back to its lines. */
export interface Manifest {
  readonly object: KubeObject;
  /** The file's path as it was given, or `stdin`. */
  readonly source: string;
  /** Line of the object, from 1. */
  readonly line: number;
  /** Line of a field (`spec.containers[0].image`), or of the closest parent that the file has. */
  lineOf(field: string): number;
}

const suffixes = ['.yaml', '.yml', '.json'];
const mostBytes = 16 * 1024 * 1024;

/**
 * Reads every object of files, directories (not deeper) and standard input (`-`), in order. Throws a FairleadError with
 * file and line for what is not YAML, not an object, or has no apiVersion, kind or name, and where there is no object at all.
 */
export async function readManifests(paths: readonly string[]): Promise<readonly Manifest[]> {
  if (paths.length === 0) return [];
  const { parseManifests } = await import('./parse-manifests.ts');
  const manifests = paths
    .flatMap(manifestFiles)
    .flatMap(file => parseManifests(read(file), file === '-' ? 'stdin' : file));
  if (manifests.length > 0) return manifests;
  const sources = paths.map(path => (path === '-' ? 'standard input' : path)).join(', ');
  throw new FairleadError('apply/no-objects', `There is no object in ${sources}.`, {
    field: '--filename',
    hint: 'Give it at least one object, or leave the option away.',
  });
}

/** The files that a path stands for: itself, or what in a directory looks like a manifest. */
export function manifestFiles(path: string): readonly string[] {
  if (path === '-') return ['-'];
  if (!statOf(path).isDirectory()) return [path];
  const files = readdirSync(path, { withFileTypes: true })
    .filter(entry => !entry.isDirectory() && suffixes.some(suffix => entry.name.endsWith(suffix)))
    .map(entry => entry.name);
  if (files.length === 0) {
    throw new FairleadError(
      'apply/empty-directory',
      `${path} has no file that ends in ${suffixes.join(', ')}.`,
      {
        field: '--filename',
        hint: 'Name a directory with manifests; directories inside it are not searched.',
      },
    );
  }
  return files.toSorted().map(name => join(path, name));
}

function read(file: string): string {
  try {
    if (file !== '-' && statOf(file).size > mostBytes) throw new Error('it is larger than 16 MiB');
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    if (cause instanceof FairleadError) throw cause;
    throw new FairleadError('apply/unreadable', `${file === '-' ? 'Standard input' : file} cannot be read`, {
      field: '--filename',
      hint: 'Give files with manifests that root may read, of at most 16 MiB each.',
      cause,
    });
  }
}

function statOf(path: string) {
  try {
    return statSync(path);
  } catch (cause) {
    throw new FairleadError('apply/unreadable', `${path} cannot be read`, {
      field: '--filename',
      hint: 'Give the path of a file or a directory that exists, or - for standard input.',
      cause,
    });
  }
}
