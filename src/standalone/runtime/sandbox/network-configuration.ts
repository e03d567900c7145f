import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../../../base/errors.ts';

export interface PluginConfiguration {
  readonly type: string;
  readonly capabilities?: Readonly<Record<string, boolean>>;
  readonly [key: string]: unknown;
}

/** A network configuration list (CNI specification 1.1, section 1). */
export interface NetworkConfiguration {
  readonly name: string;
  readonly cniVersion: string;
  readonly disableCheck: boolean;
  readonly disableGC: boolean;
  readonly plugins: readonly PluginConfiguration[];
}

/** The versions that this runtime speaks, the newest first. */
const VERSIONS = ['1.1.0', '1.0.0', '0.4.0', '0.3.1', '0.3.0'];

/**
 * The first conflist of the directory in the order of file names, as every runtime takes it; undefined while there is
 * none. Throws for one that is broken.
 */
export function loadNetworkConfiguration(directory: string): NetworkConfiguration | undefined {
  const [file] = listFiles(directory);
  if (file === undefined) return undefined;
  const path = join(directory, file);
  try {
    return parseNetworkConfiguration(readFileSync(path, 'utf8'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new FairleadError(
      'runtime/network-configuration',
      `The network configuration ${path} cannot be used`,
      {
        cause,
      },
    );
  }
}

function parseNetworkConfiguration(text: string): NetworkConfiguration {
  const found = JSON.parse(text) as Record<string, unknown>;
  const { name, plugins } = found;
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name))
    throw new Error('it has no valid name');
  if (!Array.isArray(plugins) || plugins.length === 0) throw new Error('it lists no plugins');
  for (const plugin of plugins as readonly unknown[]) {
    const type =
      typeof plugin === 'object' && plugin !== null ? (plugin as { type?: unknown }).type : undefined;
    // The type is a file name in a fixed directory, and nothing else.
    if (typeof type !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(type)) {
      throw new Error('one of its plugins has no valid type');
    }
  }
  return {
    name,
    cniVersion: chooseVersion(found),
    disableCheck: found.disableCheck === true,
    disableGC: found.disableGC === true,
    plugins: plugins as readonly PluginConfiguration[],
  };
}

function chooseVersion(found: Record<string, unknown>): string {
  const offered = [
    found.cniVersion,
    ...(Array.isArray(found.cniVersions) ? (found.cniVersions as unknown[]) : []),
  ];
  const version = VERSIONS.find(each => offered.includes(each));
  if (version === undefined) throw new Error(`it speaks none of the CNI versions ${VERSIONS.join(', ')}`);
  return version;
}

/** Whether `version` is at least `least`: CHECK came with 0.4.0, GC and STATUS with 1.1.0. */
export function hasVersion(version: string, least: string): boolean {
  return VERSIONS.indexOf(version) <= VERSIONS.indexOf(least);
}

function listFiles(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter(name => name.endsWith('.conflist'))
      .toSorted();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
