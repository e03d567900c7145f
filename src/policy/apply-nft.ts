import { sentenceOf } from '../base/errors.ts';
import { nft } from '../kernel/contract.ts';
import { KernelCallError } from '../kernel/worker/index.ts';
import type { KernelWorker } from '../kernel/worker/index.ts';
import { compileDelta, compileElements, elementTypesOf } from './compile-delta.ts';
import type { TableChange, TableState } from './compile-delta.ts';
import type { PolicyProgram, ProgramChange } from './compile-program.ts';

/** As many fit one message to the kernel; listing sets costs nothing beside more. */
const mostElements = 1000;

/** What this block asks of a kernel: a KernelWorker, or a stand-in. */
export type PolicyKernel = Pick<KernelWorker, 'nft' | 'nftChunked' | 'nftElements' | 'nftTable'>;

/** A set or chain that the kernel does not take, and why. */
export interface RefusedPart {
  readonly name: string;
  readonly sentence: string;
}

export interface TableOutcome {
  /** Parts that were not as they had to be. */
  readonly changes: number;
  /** What the kernel does not take; everything else is in force. */
  readonly refused: readonly RefusedPart[];
}

/**
 * The table of one network namespace. What is there is read once and adopted: nothing is flushed. From then on only
 * differences are written, each in one transaction.
 */
export class PolicyTable {
  readonly #kernel: PolicyKernel;
  readonly #namespacePath: string | undefined;
  #isKnown = false;

  constructor(kernel: PolicyKernel, namespacePath?: string) {
    this.#kernel = kernel;
    this.#namespacePath = namespacePath;
  }

  /** What is in the kernel is the last program that was applied, as far as is known. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Reads the kernel, and brings the program into force. Throws when the kernel cannot be asked. */
  async apply(program: PolicyProgram): Promise<TableOutcome> {
    return this.#write(compileDelta(await this.read(program), program));
  }

  /** Writes a change of the program that was applied before, without reading. */
  async change({ before, after }: ProgramChange): Promise<TableOutcome> {
    const elements = compileElements(before, after) ?? [];
    const count = elements.reduce((sum, { add, remove }) => sum + add.length + remove.length, 0);
    if (count === 0 || count > mostElements) return this.#write(compileDelta(before, after));
    this.#isKnown = false;
    try {
      await this.#kernel.nftElements(elements, this.#namespacePath);
    } catch (error) {
      // The same by nftables, whose words are better, and which finds the part at fault.
      if (!(error instanceof KernelCallError) || error.code !== 'kernel/netlink') throw error;
      return this.#write(compileDelta(before, after));
    }
    this.#isKnown = true;
    return { changes: elements.length, refused: [] };
  }

  /** Looks at the kernel; undefined when there is no such table. Elements of sets that the program has not are left out. */
  read(program: PolicyProgram): Promise<TableState | undefined> {
    return this.#kernel.nftTable(nft.tables.policy, elementTypesOf(program), this.#namespacePath);
  }

  async #write(changes: readonly TableChange[]): Promise<TableOutcome> {
    this.#isKnown = false;
    if (changes.length > 0) {
      try {
        const commands = changes.map(change => change.commands).join('\n');
        await this.#kernel.nft(`${commands}\n`, this.#namespacePath);
      } catch (error) {
        if (!(error instanceof KernelCallError) || error.code !== 'kernel/nft') throw error;
        const { refused } = await this.#kernel.nftChunked(changes, this.#namespacePath);
        const parts = refused.map(one => ({ name: one.provenance, sentence: sentenceOf(one.error) }));
        return { changes: changes.length, refused: parts };
      }
    }
    this.#isKnown = true;
    return { changes: changes.length, refused: [] };
  }
}
