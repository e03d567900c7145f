import { sentenceOf } from '../base/errors.ts';
import { nft } from '../kernel/contract.ts';
import { parseTable } from '../kernel/nft/table.ts';
import { KernelCallError } from '../kernel/worker/index.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import { compileDelta, stateOf } from './compile-delta.ts';
import type { TableState } from './compile-delta.ts';
import type { PolicyProgram } from './compile-nft.ts';

/** What this block asks of a kernel: a KernelWorker, or a stand-in. */
export type PolicyKernel = Pick<KernelWorker, 'nft' | 'nftChunked' | 'nftList'>;

/** A set or chain that the kernel does not take, and why. */
export interface RefusedPart {
  readonly name: string;
  readonly sentence: string;
}

/**
 * The table of one network namespace. What is there is read once and adopted: nothing is flushed. From then on only
 * differences are written, each in one transaction.
 */
export class PolicyTable {
  readonly #kernel: PolicyKernel;
  readonly #namespacePath: string | undefined;
  #state: TableState | undefined;
  #isRead = false;

  constructor(kernel: PolicyKernel, namespacePath?: string) {
    this.#kernel = kernel;
    this.#namespacePath = namespacePath;
  }

  /**
   * Brings the program into force; what it returns was refused and left out, with everything else in force. It throws
   * when the kernel cannot be asked; then nothing is known of the table, and the next call reads it again.
   */
  async apply(program: PolicyProgram): Promise<readonly RefusedPart[]> {
    if (!this.#isRead) this.#state = await this.read();
    this.#isRead = true;
    const changes = compileDelta(this.#state, program);
    if (changes.length === 0) return [];
    const commands = changes.map(change => change.commands).join('\n');
    this.#isRead = false;
    try {
      await this.#kernel.nft(`${commands}\n`, this.#namespacePath);
    } catch (error) {
      if (!(error instanceof KernelCallError) || error.code !== 'kernel/nft') throw error;
      const { refused } = await this.#kernel.nftChunked(changes, this.#namespacePath);
      return refused.map(one => ({ name: one.provenance, sentence: sentenceOf(one.error) }));
    }
    this.#state = stateOf(program);
    this.#isRead = true;
    return [];
  }

  /** Looks at the kernel; undefined when there is no such table. */
  async read(): Promise<TableState | undefined> {
    const tables = await this.#kernel.nftList('list tables inet', this.#namespacePath);
    // libnftables-json(5)
    const { nftables = [] } = tables as {
      readonly nftables?: readonly { readonly table?: { readonly name: string } }[];
    };
    if (!nftables.some(({ table }) => table?.name === nft.tables.policy)) return undefined;
    return parseTable(
      await this.#kernel.nftList(`list table inet ${nft.tables.policy}`, this.#namespacePath),
    );
  }

  /** The table is compared again at the next `apply`. */
  forget(): void {
    this.#isRead = false;
  }
}
