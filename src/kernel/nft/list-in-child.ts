import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { FairleadError } from '../../base/errors.ts';
import { NftError } from './error.ts';

/** More than this many characters of errors are not kept. */
const longestErrors = 65_536;
/** 100,000 Services with ten endpoints each; more is not ours. */
const longestListing = 512 * 1024 * 1024;

/**
 * The answer to a `list …` command (libnftables-json(5)), read by a short-lived nft(8): listing 100,000 elements takes a
 * gigabyte, which ends with the child, and nothing here blocks but the parsing. Throws NftError.
 */
export async function listInChild(command: string, namespacePath?: string): Promise<unknown> {
  const start = await starter(namespacePath);
  const child = start('nft', ['--json', '--stateless', '--numeric-priority', command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  let length = 0;
  let errors = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= longestListing) chunks.push(chunk);
    else child.kill('SIGKILL');
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (errors.length < longestErrors) errors += text;
  });
  const end = await new Promise<string>((resolve, reject) => {
    child.once('error', cause => {
      const hint = 'Install it: apt-get install nftables';
      reject(new FairleadError('kernel/nft-missing', 'The program nft cannot be started', { hint, cause }));
    });
    child.once('close', (code, signal) => resolve(signal ?? String(code)));
  });
  if (end !== '0') throw new NftError(errors === '' ? `nft ended with ${end}` : errors);
  return chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as unknown);
}

/** Entering a namespace takes the FFI, which a process that stays in its own does not load for this. */
async function starter(
  namespacePath: string | undefined,
): Promise<(program: string, args: readonly string[], options: SpawnOptions) => ChildProcess> {
  if (namespacePath === undefined) return spawn;
  const { spawnIn } = await import('../ns/spawn.ts');
  return spawnIn.bind(undefined, namespacePath);
}
