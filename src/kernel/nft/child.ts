import { spawn } from 'node:child_process';
import { FairleadError } from '../../base/errors.ts';
import { spawnIn } from '../ns/spawn.ts';
import { NftError } from './error.ts';

/** More than this many characters of errors are not kept. */
const longestErrors = 65_536;

/**
 * One transaction of any size in a short-lived nft(8): its memory ends with it (100,000 elements take 280 MB), and
 * nothing here blocks.
 */
export async function runInChild(commands: string, namespacePath?: string): Promise<void> {
  const start = namespacePath === undefined ? spawn : spawnIn.bind(undefined, namespacePath);
  const child = start('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (errors.length < longestErrors) errors += text;
  });
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', cause => {
      const hint = 'Install it: apt-get install nftables';
      reject(new FairleadError('kernel/nft-missing', 'The program nft cannot be started', { hint, cause }));
    });
    child.once('close', (code, signal) => resolve(signal ?? String(code)));
  });
  // A child that ends early closes its input (EPIPE); why it did is in its errors.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(commands);
  const end = await ended;
  if (end === '0') return;
  throw new NftError(errors === '' ? `nft ended with ${end}` : errors);
}
