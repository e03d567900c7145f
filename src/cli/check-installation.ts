import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { FairleadError } from '../base/errors.ts';
import { Nft } from '../kernel/nft/index.ts';

const root = resolve(import.meta.dirname, '..', '..');
const programs = ['fairlead-cni', 'fairlead-pod-launcher'];

/** Throws when something that set-up brings is not there: else a process would fail for it later, again and again. */
export function checkInstallation(directory = join(root, 'build', 'native')): void {
  for (const program of programs) {
    try {
      accessSync(join(directory, program), constants.X_OK);
    } catch (cause) {
      throw new FairleadError('setup/incomplete', `The program ${program} is not built`, {
        hint: `Run "npm run setup" in ${root}.`,
        cause,
      });
    }
  }
  Nft.open().close();
}
