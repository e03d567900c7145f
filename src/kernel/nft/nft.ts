import { closeSync, writeFileSync } from 'node:fs';
import { FairleadError } from '../../base/errors.ts';
import { checked } from '../ffi/errno.ts';
import { constants, libc } from '../ffi/libc.ts';
import { libnftables, outputFlags } from '../ffi/libnftables.ts';
import type { NftContext } from '../ffi/libnftables.ts';
import { inNamespace, openNamespace } from '../ns/enter.ts';
import { NftError } from './error.ts';

/**
 * nftables of one network namespace through libnftables: its netlink socket is opened once and kept. Synchronous;
 * 0.1 ms for a small change. Large ones belong into a child (`runInChild`): the library keeps what memory it took.
 */
export class Nft implements Disposable {
  readonly #context: NftContext;
  readonly #namespace: number | undefined;
  #open = true;

  private constructor(context: NftContext, namespace: number | undefined) {
    this.#context = context;
    this.#namespace = namespace;
  }

  /** In the calling thread's network namespace, or in the one at a path. */
  static open(namespacePath?: string): Nft {
    const namespace = namespacePath === undefined ? undefined : openNamespace(namespacePath);
    const nft = new Nft(within(namespace, newContext), namespace);
    return nft;
  }

  /** One transaction: everything or nothing. `commands` as in a file of nft(8). */
  run(commands: string): void {
    this.#execute(commands, 0, false);
  }

  /** What `run` would throw, without changing anything; undefined when the kernel would take it. */
  check(commands: string): NftError | undefined {
    try {
      this.#execute(commands, 0, true);
      return undefined;
    } catch (error) {
      if (error instanceof NftError) return error;
      throw error;
    }
  }

  /** The answer to a `list …` command, parsed from libnftables-json(5). For a start or a person: its cost grows with the table. */
  list(command: string): unknown {
    const output = this.#execute(
      command,
      outputFlags.json | outputFlags.numericPriority | outputFlags.stateless,
      false,
    );
    return output === '' ? {} : (JSON.parse(output) as unknown);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    libnftables().nft_ctx_free(this.#context);
    if (this.#namespace !== undefined) closeSync(this.#namespace);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #execute(commands: string, flags: number, dry: boolean): string {
    if (!this.#open) throw new FairleadError('kernel/nft-closed', 'The nftables context is closed');
    const library = libnftables();
    library.nft_ctx_output_set_flags(this.#context, flags);
    library.nft_ctx_set_dry_run(this.#context, dry);
    const file = memoryFile(commands);
    // The library opens its socket anew when a change elsewhere interrupts it: it has to be in the namespace each time.
    const run = () => library.nft_run_cmd_from_filename(this.#context, `/proc/self/fd/${file}`);
    const result = closingAfter(file, () => within(this.#namespace, run));
    const output = library.nft_ctx_get_output_buffer(this.#context) ?? '';
    const errors = library.nft_ctx_get_error_buffer(this.#context) ?? '';
    if (result !== 0) throw new NftError(errors);
    return output;
  }
}

function newContext(): NftContext {
  const library = libnftables();
  const context = library.nft_ctx_new(0);
  if (context === null) throw new FairleadError('kernel/nft-open', 'libnftables cannot be set up');
  library.nft_ctx_buffer_output(context);
  library.nft_ctx_buffer_error(context);
  return context;
}

/** Of a file the library tells the refused line; of a string always the first. */
function memoryFile(text: string): number {
  const fd = checked(
    libc().memfd_create('nft', constants.MFD_CLOEXEC),
    'memfd_create',
    'No memory for commands',
  );
  writeFileSync(fd, `${text}\n`);
  return fd;
}

function closingAfter<T>(fd: number, run: () => T): T {
  try {
    return run();
  } finally {
    closeSync(fd);
  }
}

function within<T>(namespace: number | undefined, run: () => T): T {
  return namespace === undefined ? run() : inNamespace(`/proc/self/fd/${namespace}`, run);
}
