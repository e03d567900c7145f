import type { Clock } from '../base/clock.ts';
import type { FlowEvent } from '../base/flow-event.ts';

export interface FlowExporterOptions {
  /** Sends some events; resolves with what the receiver said of them, rejects when nobody answered. */
  readonly send: (events: readonly FlowEvent[]) => Promise<Reception>;
  readonly clock: Clock;
  /** Told once for each run of failures. */
  readonly onFailure: (reason: string) => void;
  readonly signal: AbortSignal;
}

export interface Reception {
  readonly outcome: 'taken' | 'refused' | 'later';
  /** The receiver's wish, for `later`. */
  readonly afterMilliseconds?: number;
  readonly reason?: string;
}

/** Events that wait; what comes beyond is dropped and counted. */
const capacity = 2048;
const mostInRequest = 256;
const lingerMilliseconds = 1000;
const longestPauseMilliseconds = 60_000;

/** Events on their way to a receiver: bounded, in order, and never in the way of who brings them. */
export class FlowExporter {
  readonly #options: FlowExporterOptions;
  readonly #waiting: FlowEvent[] = [];
  #isRunning = false;
  #exported = 0;
  #dropped = 0;
  #failures = 0;

  constructor(options: FlowExporterOptions) {
    this.#options = options;
  }

  /** Since the start. */
  get counts(): { readonly exported: number; readonly dropped: number; readonly failures: number } {
    return { exported: this.#exported, dropped: this.#dropped, failures: this.#failures };
  }

  add(event: FlowEvent): void {
    if (this.#waiting.length >= capacity) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(event);
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { clock, onFailure, signal } = this.#options;
    let [failed, isTold] = [0, false];
    const pause = (milliseconds: number) =>
      clock.sleep(milliseconds, signal).then(
        () => true,
        () => false,
      );
    let goesOn = await pause(lingerMilliseconds);
    while (goesOn && this.#waiting.length > 0) {
      const events = this.#waiting.slice(0, mostInRequest);
      const { outcome, afterMilliseconds, reason = '' } = await this.#send(events);
      if (outcome === 'later') {
        this.#failures++;
        if (!isTold) onFailure(reason);
        isTold = true;
        const backoff = Math.min(1000 * 2 ** failed++, longestPauseMilliseconds);
        goesOn = await pause(Math.min(afterMilliseconds ?? backoff, longestPauseMilliseconds));
        continue;
      }
      this.#waiting.splice(0, events.length);
      if (outcome === 'taken') {
        this.#exported += events.length;
        [failed, isTold] = [0, false];
      } else {
        this.#failures++;
        this.#dropped += events.length;
        if (!isTold) onFailure(reason);
        isTold = true;
      }
      if (this.#waiting.length > 0 && this.#waiting.length < mostInRequest)
        goesOn = await pause(lingerMilliseconds);
    }
    this.#isRunning = false;
  }

  #send(events: readonly FlowEvent[]): Promise<Reception> {
    return this.#options
      .send(events)
      .catch((error: unknown): Reception => ({ outcome: 'later', reason: String(error) }));
  }
}
