import { accessSync, constants, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FairleadError } from '../base/errors.ts';
import { supportedVersions } from '../pods/index.ts';

export const pluginName = 'fairlead-cni';

export interface ConflistOptions {
  /** Where the runtime looks for network configurations. */
  readonly directory: string;
  /** Where the runtime looks for plugins. */
  readonly pluginDirectory: string;
  readonly socket: string;
  readonly releaseQueue: string;
}

/**
 * Tells the container runtime of this network, which makes the node Ready: so the plugin has to be there already, and
 * the file appears whole. It stays when the agent ends; ADD then asks to be tried again.
 */
export function writeConflist(options: ConflistOptions): string {
  const plugin = join(options.pluginDirectory, pluginName);
  try {
    accessSync(plugin, constants.X_OK);
  } catch (cause) {
    throw new FairleadError('agent/plugin-missing', `there is no CNI plugin at ${plugin}`, {
      hint: 'Build it: npm run native',
      cause,
    });
  }
  const path = join(options.directory, '10-fairlead.conflist');
  const temporary = join(options.directory, '.10-fairlead.conflist.new');
  mkdirSync(options.directory, { recursive: true });
  writeFileSync(temporary, conflist(options), { mode: 0o644 });
  renameSync(temporary, path);
  return path;
}

/** `cniVersion` is for runtimes that do not know `cniVersions`, which came with 1.1.0. */
export function conflist(options: ConflistOptions): string {
  const { socket, releaseQueue } = options;
  const content = {
    cniVersion: '1.0.0',
    cniVersions: supportedVersions,
    name: 'fairlead',
    plugins: [{ type: pluginName, capabilities: { portMappings: true }, socket, releaseQueue }],
  };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}
