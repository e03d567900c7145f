import { CniError, cniCodes } from './cni-error.ts';

export const supportedVersions = ['0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
export type CniVersion = (typeof supportedVersions)[number];

export const newestVersion: CniVersion = '1.1.0';

/** A configuration without `cniVersion` is one of version 0.1.0, which nothing of today speaks. */
export function requireVersion(cniVersion: unknown): CniVersion {
  const found = supportedVersions.find(version => version === cniVersion);
  if (found !== undefined) return found;
  const said = typeof cniVersion === 'string' ? cniVersion.slice(0, 32) : '0.1.0 (none is given)';
  const sentence = `the configuration's version ${said} is not supported`;
  throw new CniError(cniCodes.incompatibleVersion, 'version', sentence, {
    field: 'cniVersion',
    hint: `Use one of ${supportedVersions.join(', ')}.`,
  });
}

/** Operations came with versions of the protocol: CHECK with 0.4.0, GC and STATUS with 1.1.0. */
export function requireOperation(command: string, version: CniVersion): void {
  const since = firstVersions[command];
  if (since === undefined || supportedVersions.indexOf(version) >= supportedVersions.indexOf(since)) return;
  const sentence = `${command} needs a configuration of version ${since} or newer, not ${version}`;
  throw new CniError(cniCodes.incompatibleVersion, 'version', sentence, { field: 'cniVersion' });
}

const firstVersions: Readonly<Record<string, CniVersion>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' };
