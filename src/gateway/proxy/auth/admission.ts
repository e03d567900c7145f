import type { TableExternalAuth } from '../../table.ts';
import { KeptBody } from '../kept-body.ts';
import { Authorisation, type AuthorisationParts } from './authorisation.ts';
import type { Verdict } from './verdict.ts';

/**
 * A request that waits for somebody's word: of its body so much is gathered first as they want to see (ForwardBodyConfig).
 * The whole body, if it is gathered, is kept for the backend.
 */
export class Admission {
  readonly #authorisation: Authorisation;
  readonly #most: number;
  readonly #tell: (verdict: Verdict) => void;
  /** The body, where it is gathered. */
  readonly kept: KeptBody | undefined;
  #isGathering: boolean;

  /** `isWhole`: all of the body came with the head. */
  constructor(filter: TableExternalAuth, parts: AuthorisationParts, isWhole: boolean) {
    this.#most = filter.bodySize;
    this.#tell = parts.tell;
    this.#authorisation = new Authorisation(filter, parts);
    this.#isGathering = filter.bodySize > 0 && !isWhole;
    this.kept = this.#isGathering ? new KeptBody(parts.context.keptOctets, filter.bodySize) : undefined;
  }

  /** Octets of the body are wanted, and nobody is asked before its end. */
  get isGathering(): boolean {
    return this.#isGathering;
  }

  gather(bytes: Buffer, start: number, end: number): void {
    this.kept?.add(bytes, start, end);
    if (this.kept?.isCrowdedOut === true) this.#crowdedOut();
    else if (this.kept?.isWhole === false) this.#tooLarge();
  }

  gathered(): void {
    this.#isGathering = false;
    this.ask(this.kept?.octets.toString('latin1') ?? '');
  }

  /** `body`: all of it, latin1, or '' for one that nobody wants to see. */
  ask(body: string): void {
    if (this.#most === 0) this.#authorisation.ask('');
    else if (body.length > this.#most) this.#tooLarge();
    else this.#authorisation.ask(body);
  }

  abort(): void {
    this.#authorisation.abort();
  }

  #crowdedOut(): void {
    this.#isGathering = false;
    const sentence = 'too many bodies are looked at';
    this.#tell({ type: 'refused', status: 503, why: 'overloaded', sentence });
  }

  #tooLarge(): void {
    this.#isGathering = false;
    const sentence = 'the body is longer than is looked at';
    this.#tell({ type: 'refused', status: 413, why: 'body-too-large', sentence });
  }
}
